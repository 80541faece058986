"""Facts about MLflow's private side that the project relies on: a failure names what a new MLflow changed."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor
from mlflow_store import client, runs, train, warnings

from shopper_age.tracking.mlflow_internals import (
    KIND_TAG,
    MADE_FOR,
    PLACES,
    VIEW,
    VIEW_TAG,
    WORKFLOW,
    leave_out_disk_and_network,
    relocate_artifacts,
)


@pytest.fixture
def full_root(root: Path) -> Path:
    """The root of a store with a run, its file, a logged model and a version of a registered model."""
    train()
    (run,) = runs(root)
    store = client(root)
    (root / "notes.txt").write_text("notes")
    store.log_artifact(run.info.run_id, str(root / "notes.txt"))
    store.create_logged_model(run.info.experiment_id, name="age", source_run_id=run.info.run_id)
    store.create_registered_model("age-resnet50")
    store.create_model_version("age-resnet50", f"{run.info.artifact_uri}/model", run_id=run.info.run_id)
    return root


def places_that_name(text: str, database: Path) -> set[tuple[str, str]]:
    """Each (table, column) of a store in which the text occurs."""
    with closing(sqlite3.connect(database)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        columns = [
            (table, column)
            for (table,) in tables
            for (column,) in connection.execute("SELECT name FROM pragma_table_info(?)", [table])
        ]
        return {
            (table, column)
            for table, column in columns
            if connection.execute(f'SELECT 1 FROM "{table}" WHERE instr("{column}", ?)', [text]).fetchone()
        }


def change(database: Path, statement: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(statement)


def dump(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.iterdump())


def test_mlflow_is_the_version_for_which_this_was_made():
    assert mlflow.__version__ == MADE_FOR, "look at the page of the experiment once, then set MADE_FOR"


def test_mlflow_notes_places_of_files_in_these_columns_and_no_others(full_root):
    assert places_that_name((full_root / "mlartifacts").as_uri(), full_root / "mlflow.db") == set(PLACES)


def test_a_copied_store_names_nothing_of_the_original(full_root, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(full_root, copy)
    before, after = ((folder / "mlartifacts").as_uri() for folder in (full_root, copy))
    relocate_artifacts(copy / "mlflow.db", "ages", after)
    assert places_that_name(before, copy / "mlflow.db") == set()
    assert places_that_name(after, copy / "mlflow.db") == set(PLACES)
    (copied,) = runs(copy)
    assert copied.info.artifact_uri == f"{after}/{copied.info.run_id}/artifacts"
    with closing(sqlite3.connect(copy / "mlflow.db")) as connection:
        (source,) = connection.execute("SELECT source FROM model_versions").fetchone()
    assert source == f"{copied.info.artifact_uri}/model"


def test_a_folder_whose_name_only_begins_alike_keeps_its_runs(full_root):
    database = full_root / "mlflow.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE runs SET artifact_uri = ?", [(full_root / "mlartifacts-2").as_uri()])
    relocate_artifacts(database, "ages", "file:///elsewhere")
    assert runs(full_root)[0].info.artifact_uri == (full_root / "mlartifacts-2").as_uri()


def test_a_store_that_was_not_moved_is_left_alone(full_root):
    before = dump(full_root / "mlflow.db")
    relocate_artifacts(full_root / "mlflow.db", "ages", (full_root / "mlartifacts").as_uri())
    assert dump(full_root / "mlflow.db") == before


@pytest.mark.parametrize(
    ("statement", "lacking"),
    [
        ("DROP TABLE logged_models", "logged_models.artifact_location"),
        ("ALTER TABLE runs RENAME COLUMN artifact_uri TO place", "runs.artifact_uri"),
        ("ALTER TABLE experiments RENAME COLUMN artifact_location TO place", "experiments.artifact_location"),
    ],
)
def test_other_tables_are_warned_of_once_and_not_touched(full_root, caplog, statement, lacking):
    database = full_root / "mlflow.db"
    change(database, statement)
    before = dump(database)
    for _ in range(2):
        relocate_artifacts(database, "ages", "file:///elsewhere")
    assert dump(database) == before
    (told,) = warnings(caplog)
    assert f"is not as MLflow {MADE_FOR} makes it: it lacks {lacking}." in told


def test_a_new_store_has_nothing_to_relocate(tmp_path, caplog):
    relocate_artifacts(tmp_path / "mlflow.db", "ages", "file:///elsewhere")
    assert warnings(caplog) == []


def test_the_page_offers_a_view_of_the_metrics_unless_somebody_made_another(root):
    train()
    experiment = client(root).get_experiment_by_name("ages")
    assert experiment.tags[KIND_TAG] == "custom_model_development"
    view = json.loads(experiment.tags[VIEW_TAG])
    assert view["name"] == VIEW
    assert {"metrics.`epochs/best_val_mae`", "params.`epochs`"} <= set(
        json.loads(view["state"])["selectedColumns"]
    )
    earlier = {**view, "state": json.dumps({"selectedColumns": ["metrics.`mae`"]})}
    client(root).set_experiment_tag(experiment.experiment_id, VIEW_TAG, json.dumps(earlier))
    train()
    renewed = json.loads(client(root).get_experiment_by_name("ages").tags[VIEW_TAG])
    assert renewed["state"] == view["state"], "one that an earlier version made is brought up to date"
    saved = json.dumps({**earlier, "updatedAt": earlier["updatedAt"] + 1})
    client(root).set_experiment_tag(experiment.experiment_id, VIEW_TAG, saved)
    train()
    assert client(root).get_experiment_by_name("ages").tags[VIEW_TAG] == saved, "somebody chose its columns"
    client(root).set_experiment_tag(experiment.experiment_id, VIEW_TAG, "made by hand")
    train()
    assert client(root).get_experiment_by_name("ages").tags[VIEW_TAG] == "made by hand"


@pytest.mark.parametrize(
    "name",
    [
        VIEW_TAG.removesuffix("models"),
        *("viewStateShareKey", "selectedColumns", "orderByKey", "orderByAsc"),
        *WORKFLOW.split("="),
        *(KIND_TAG, "custom_model_development"),
    ],
)
def test_mlflows_pages_know_the_names_of_which_the_view_is_made(name):
    scripts = Path(mlflow.__file__).parent.glob("server/js/build/static/js/main.*.js")
    assert any(name in script.read_text(encoding="utf-8") for script in scripts)


def test_a_tag_that_mlflow_does_not_take_is_warned_of_and_the_run_is_logged(root, monkeypatch, caplog):
    set_tag = MlflowClient.set_experiment_tag

    def refuses_the_view(self, experiment_id, key, value):
        if key == VIEW_TAG:
            raise MlflowException.invalid_parameter_value("no such tag")
        set_tag(self, experiment_id, key, value)

    monkeypatch.setattr(MlflowClient, "set_experiment_tag", refuses_the_view)
    train()
    assert [run.info.status for run in runs(root)] == ["FINISHED"]
    (told,) = warnings(caplog)
    assert f"does not take the tag {VIEW_TAG}" in told


def test_mlflow_watches_cpu_disk_network_and_gpu_and_we_leave_two_out(root):
    monitor = SystemMetricsMonitor("run", tracking_uri=f"sqlite:///{root / 'mlflow.db'}")
    before = {type(one).__name__ for one in monitor.monitors}
    leave_out_disk_and_network(monitor)
    after = {type(one).__name__ for one in monitor.monitors}
    assert before - after == {"DiskMonitor", "NetworkMonitor"}
    assert "CPUMonitor" in after
