import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow_store import artifacts, client, runs, train

from shopper_age.tracking import evaluation_run, store, sync_offline_logs

TRAIN_ONCE = """
from shopper_age.runtime.stage import configure_logging
from shopper_age.tracking import training_run
configure_logging()
with training_run("together", params={"epochs": 1}) as run:
    run.log_metrics({"loss": 1.0}, step=0)
"""


def test_two_processes_can_open_a_new_store_at_the_same_time(tmp_path: Path) -> None:
    environment = {**os.environ, "DVC_ROOT": str(tmp_path)}
    command = [sys.executable, "-c", TRAIN_ONCE]
    trainings = [
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for training in trainings:
        _, problems = training.communicate()
        assert training.returncode == 0, problems
        assert "WARNING" not in problems
    assert [run.info.status for run in runs(tmp_path, "together")] == ["FINISHED", "FINISHED"]


def test_the_page_of_the_experiment_explains_itself_until_somebody_does(root: Path) -> None:
    train()
    experiment = client(root).get_experiment_by_name("ages")
    assert "Models by validation MAE" in experiment.tags["mlflow.note.content"]
    client(root).set_experiment_tag(experiment.experiment_id, "mlflow.note.content", "written by hand")
    train()
    described = client(root).get_experiment_by_name("ages")
    assert described.tags["mlflow.note.content"] == "written by hand"


@pytest.mark.parametrize("garbage", [b"this is no database " * 100, None])
def test_a_broken_store_file_is_noticed_at_once(
    root: Path, garbage: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    database = root / "mlflow.db"
    database.unlink()
    if garbage is None:
        database.mkdir()
    else:
        database.write_bytes(garbage)
    start = time.monotonic()
    train()
    assert time.monotonic() - start < 5
    assert "database" in caplog.text


def test_a_tracking_uri_wins_over_the_store_of_the_checkout(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shutil.copy(root / "mlflow.db", shared)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{shared / 'mlflow.db'}")
    train()
    assert (len(runs(root)), len(runs(shared))) == (0, 1)


def test_a_copied_checkout_leaves_the_files_of_the_original_alone(
    root: Path, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(model)
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    monkeypatch.setenv("DVC_ROOT", str(copy))
    (copy / "errors.png").write_bytes(b"png")
    with evaluation_run("ages", model_path=model, evaluation_key="k1") as run:
        run.log_artifact(copy / "errors.png")
    (original,), (copied,) = runs(root), runs(copy)
    assert artifacts(root, original) == []
    assert artifacts(copy, copied) == ["errors.png"]
    assert copied.info.artifact_uri.startswith(copy.as_uri())


def test_an_experiment_that_was_deleted_is_told_with_the_way_back(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    train()
    experiment = client(root).get_experiment_by_name("ages")
    client(root).delete_experiment(experiment.experiment_id)
    train()
    assert f"mlflow experiments restore -x {experiment.experiment_id}`" in caplog.text
    client(root).restore_experiment(experiment.experiment_id)
    assert sync_offline_logs().failures == []
    assert len(runs(root)) == 2


def _set_back(database: Path, *statements: str) -> None:
    """Makes the tables those of an earlier MLflow, which this process has not opened yet."""
    with closing(sqlite3.connect(database)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_tables_of_an_earlier_mlflow_are_told_with_the_way_out(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _set_back(root / "mlflow.db", "UPDATE alembic_version SET version_num = '728d730b5ebd'")
    train()
    assert f"run `mlflow db upgrade sqlite:///{root / 'mlflow.db'}`" in caplog.text
    assert "keep a copy of the database" in caplog.text


def test_a_moved_store_without_some_tables_gets_them_and_its_runs_find_their_files(
    root: Path, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    train(model)
    copy = tmp_path / "moved"
    shutil.copytree(root, copy)
    calls = []

    def upgrades(uri: str) -> MlflowClient:
        calls.append(uri)
        if len(calls) == 1:  # what MLflow does to a store of before logged models
            _set_back(copy / "mlflow.db", "ALTER TABLE kept RENAME TO logged_models")
        return MlflowClient(uri)

    _set_back(copy / "mlflow.db", "ALTER TABLE logged_models RENAME TO kept")
    monkeypatch.setattr("shopper_age.tracking.store.open_store", upgrades)
    monkeypatch.setenv("DVC_ROOT", str(copy))
    train()
    assert caplog.text == ""
    assert {run.info.artifact_uri.startswith(copy.as_uri()) for run in runs(copy)} == {True}


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("postgresql://user:word@127.0.0.1:1/ages", ("127.0.0.1", 1)),
        ("postgresql+psycopg://127.0.0.1/ages", ("127.0.0.1", 5432)),
        ("mysql+pymysql://127.0.0.1/ages", ("127.0.0.1", 3306)),
    ],
)
def test_a_database_that_does_not_answer_is_not_tried_for_minutes(uri, place, monkeypatch):
    asked = []

    def refuse(address, timeout):
        asked.append((address, timeout <= 10))
        raise ConnectionRefusedError

    monkeypatch.setattr(store.socket, "create_connection", refuse)
    with pytest.raises(ConnectionRefusedError):
        store.open_store(uri)
    assert asked == [(place, True)]
