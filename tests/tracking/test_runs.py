import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from shopper_age.runtime.hashing import file_md5
from shopper_age.tracking import RunLogger, evaluation_run, sync_offline_logs, timeouts, training_run

TRAIN_ONCE = """
from shopper_age.tracking import training_run
with training_run("together", params={"epochs": 1}) as run:
    run.log_metrics({"loss": 1.0}, step=0)
"""

TRAIN_UNTIL_KILLED = """
import os, signal
from shopper_age.tracking import training_run
with training_run("ages", params={"epochs": 3}) as run:
    print(run.id, flush=True)
    run.log_metrics({"val_mae": 9.0}, step=0)
    run.log_metrics({"val_mae": 8.0}, step=1)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def _no_settings_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("DVC_", "MLFLOW_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")


@pytest.fixture(scope="module")
def fresh_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose store two trainings have just opened for the first time, both at once."""
    root = tmp_path_factory.mktemp("fresh")
    environment = {**os.environ, "DVC_ROOT": str(root)}
    environment.pop("MLFLOW_TRACKING_URI", None)
    trainings = [
        subprocess.Popen(
            [sys.executable, "-c", TRAIN_ONCE], env=environment, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for training in trainings:
        _, problems = training.communicate()
        assert training.returncode == 0, problems
        assert "WARNING" not in problems
    return root


@pytest.fixture
def root(fresh_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's root of its own whose store has its tables already, which takes MLflow seconds to make."""
    root = tmp_path / "ages of 100 % of us"
    root.mkdir()
    shutil.copy(fresh_root / "mlflow.db", root)
    monkeypatch.setenv("DVC_ROOT", str(root))
    return root


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.keras"
    path.write_bytes(b"weights")
    return path


@pytest.fixture
def dead_server(monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a server that refuses connections."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://somebody:secret@127.0.0.1:{unused.getsockname()[1]}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return address


def client(root: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{root / 'mlflow.db'}")


def runs(root: Path, experiment: str = "ages") -> list[Run]:
    """The runs in the store, oldest first."""
    found = client(root).get_experiment_by_name(experiment)
    return list(reversed(client(root).search_runs([found.experiment_id]))) if found else []


def points(root: Path, run: Run, metric: str) -> list[tuple[int, float]]:
    history = client(root).get_metric_history(run.info.run_id, metric)
    return [(point.step, point.value) for point in history]


def artifacts(root: Path, run: Run, folder: str | None = None) -> list[str]:
    return [file.path for file in client(root).list_artifacts(run.info.run_id, folder)]


def train(model: Path | None = None, **settings: Any) -> RunLogger:
    with training_run("ages", params={"epochs": 2}, **settings) as run:
        run.log_metrics({"val_mae": 9.0}, step=0)
        run.log_metrics({"val_mae": 8.0}, step=1)
        if model:
            run.set_model(model)
    return run


def evaluate(model: Path, key: str, mae: float, **settings: Any) -> RunLogger:
    with evaluation_run("ages", model_path=model, evaluation_key=key, **settings) as run:
        run.log_metrics({"test_mae": mae})
    return run


def test_two_processes_can_open_a_new_store_at_the_same_time(fresh_root: Path) -> None:
    assert [run.info.status for run in runs(fresh_root, "together")] == ["FINISHED", "FINISHED"]


def test_a_training_is_logged_with_settings_epochs_facts_and_files(root: Path, tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("epoch,loss\n")
    (tmp_path / "eda").mkdir()
    (tmp_path / "eda" / "ages.png").write_bytes(b"png")
    params = {"epochs": 2, "train": {"label_sigma": 2.0, "augmentation": {"zoom": 0.1}}}
    with training_run("ages", params=params, tags={"gpu": "none"}) as run:
        run.log_metrics({"loss": 70.0, "mae/60+": 9.5}, step=0)
        run.log_metrics({"loss": 50.0}, step=1)
        run.log_metrics({"images_per_second": 31.5})
        run.log_artifact(tmp_path / "history.csv", "train")
        run.log_artifact(tmp_path / "eda")
        run.log_dataset("faces", digest="d" * 40, source="data/faces", n_rows=300, context="training")
        run.describe("MAE **8.0**")

    (stored,) = runs(root)
    assert run.store_id == stored.info.run_id
    assert stored.info.status == "FINISHED"
    assert stored.data.params == {"epochs": "2", "train.label_sigma": "2.0", "train.augmentation.zoom": "0.1"}
    assert points(root, stored, "loss") == [(0, 70.0), (1, 50.0)]
    assert stored.data.metrics["images_per_second"] == 31.5
    assert stored.data.metrics["mae/60_"] == 9.5, "MLflow refuses a plus sign"
    assert stored.data.tags["gpu"] == "none"
    assert stored.data.tags["mlflow.note.content"] == "MAE **8.0**"
    assert artifacts(root, stored) == ["eda", "train"]
    assert artifacts(root, stored, "eda") == ["eda/ages.png"]
    assert (root / "mlartifacts" / stored.info.run_id / "artifacts" / "train" / "history.csv").is_file()
    (data,) = stored.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest) == ("faces", "d" * 36)


def test_the_page_of_the_experiment_explains_itself_and_offers_a_view_of_the_figures(root: Path) -> None:
    train()
    experiment = client(root).get_experiment_by_name("ages")
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    assert "Models by validation MAE" in experiment.tags["mlflow.note.content"]
    view = json.loads(experiment.tags["mlflow.sharedViewState.models"])
    assert view["name"] == "Models by validation MAE"
    assert {"metrics.`best_val_mae`", "params.`epochs`"} <= set(json.loads(view["state"])["selectedColumns"])
    client(root).set_experiment_tag(experiment.experiment_id, "mlflow.note.content", "written by hand")
    train()
    described = client(root).get_experiment_by_name("ages")
    assert described.tags["mlflow.note.content"] == "written by hand"


def test_a_run_says_where_it_comes_from(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_EXP_NAME", "sunny-cat")
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", "f" * 40)
    monkeypatch.setenv("DVC_STAGE", "train")
    train()
    (stored,) = runs(root)
    assert stored.info.run_name == "sunny-cat"
    expected = {"dvc_experiment": "sunny-cat", "git_commit": "f" * 40, "dvc_stage": "train"}
    assert expected.items() <= stored.data.tags.items()
    assert {"python", "tensorflow", "keras", "cpu", "cpu_cores", "memory_gib"} <= stored.data.tags.keys()


def test_load_and_memory_of_the_machine_are_logged(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.2")
    with training_run("ages", params={}):
        time.sleep(1)
    assert runs(root)[0].data.metrics["system/system_memory_usage_megabytes"] > 0


def test_photos_of_people_are_uploaded_only_where_that_is_allowed(root: Path, tmp_path: Path) -> None:
    for name in ("worst.png", "errors.png"):
        (tmp_path / name).write_bytes(b"png")
    for log_photos in (False, True):
        with training_run("ages", params={}, log_photos=log_photos) as run:
            run.log_artifact(tmp_path / "worst.png", shows_people=True)
            run.log_artifact(tmp_path / "errors.png")
    private, open_ = runs(root)
    assert artifacts(root, private) == ["errors.png"]
    assert artifacts(root, open_) == ["errors.png", "worst.png"]


def test_a_file_that_is_not_there_is_named(root: Path) -> None:
    with (
        pytest.raises(FileNotFoundError, match=r"no-such\.png cannot be logged"),
        training_run("ages", params={}) as run,
    ):
        run.log_artifact(root / "no-such.png")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("the loss is not a number"), "ValueError: the loss is not a number"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
    ],
)
def test_a_training_that_raises_or_is_interrupted_has_failed(
    root: Path, error: BaseException, message: str
) -> None:
    with pytest.raises(type(error)), training_run("ages", params={}):
        raise error
    (stored,) = runs(root)
    assert stored.info.status == "FAILED"
    assert stored.data.tags["error"] == message


def test_a_training_that_is_terminated_has_failed(root: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as exit_, training_run("ages", params={}):
        signal.raise_signal(signal.SIGTERM)
    assert exit_.value.code == 143
    assert runs(root)[0].info.status == "FAILED"
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_killed_training_has_failed_and_its_continuation_logs_each_epoch_once(root: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", TRAIN_UNTIL_KILLED], capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL
    assert [run.info.status for run in runs(root)] == ["RUNNING"]

    train()
    first, _ = runs(root)
    assert first.info.status == "FAILED"
    assert first.data.tags["error"] == "its process was killed"

    with training_run("ages", params={"epochs": 3, "cache_gib": 1}, resume_id=killed.stdout.strip()) as run:
        assert runs(root)[0].info.status == "RUNNING"
        run.log_metrics({"val_mae": 8.1}, step=1)
        run.log_metrics({"val_mae": 7.0}, step=2)
    first, _ = runs(root)
    assert first.info.status == "FINISHED"
    assert points(root, first, "val_mae") == [(0, 9.0), (1, 8.0), (2, 7.0)]
    assert first.data.params == {"epochs": "3", "cache_gib": "1"}
    assert first.data.tags["resumed"] == "True"
    assert "error" not in first.data.tags


def test_a_run_that_still_goes_on_is_not_taken_for_dead(root: Path) -> None:
    with training_run("ages", params={}):
        train()
        assert [run.info.status for run in runs(root)] == ["RUNNING", "FINISHED"]


def test_a_resumed_run_belongs_to_the_experiment_that_completes_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_EXP_NAME", "killed")
    first = train()
    monkeypatch.setenv("DVC_EXP_NAME", "completed")
    train(resume_id=first.id)
    (stored,) = runs(root)
    assert stored.info.run_name == stored.data.tags["dvc_experiment"] == "completed"
    monkeypatch.delenv("DVC_EXP_NAME")
    train(resume_id=first.id)
    (stored,) = runs(root)
    assert stored.info.run_name.startswith("repro")
    assert "dvc_experiment" not in stored.data.tags, "a plain `dvc repro` makes none"


def test_a_changed_setting_of_a_resumed_run_becomes_a_tag(root: Path) -> None:
    first = train()
    with training_run("ages", params={"epochs": 9}, resume_id=first.id):
        pass
    (stored,) = runs(root)
    assert stored.data.params == {"epochs": "2"}
    assert stored.data.tags["later.epochs"] == "9"


def test_a_run_that_the_store_does_not_have_is_begun_anew_under_its_id(root: Path) -> None:
    run = train(resume_id="of-another-store")
    assert run.id == "of-another-store"
    assert [stored.data.tags["run_key"] for stored in runs(root)] == ["of-another-store"]


def test_an_evaluation_lands_in_the_run_that_trained_the_model(
    root: Path, model: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.keras"
    other.write_bytes(b"other weights")
    train(model)
    train(other)
    evaluate(model, "k1", 7.5, params={"evaluate": {"tta": 2}})
    first, second = runs(root)
    assert first.data.metrics == {"val_mae": 8.0, "test_mae": 7.5}
    assert first.data.params["evaluate.tta"] == "2"
    assert first.data.tags["evaluation_key"] == "k1"
    assert "test_mae" not in second.data.metrics


def test_of_two_equal_models_the_newest_run_gets_the_evaluation(root: Path, model: Path) -> None:
    train(model)
    train(model)
    evaluate(model, "k1", 7.5)
    assert ["test_mae" in run.data.metrics for run in runs(root)] == [False, True]


def test_the_same_evaluation_renews_its_figures_in_its_run(root: Path, model: Path) -> None:
    train(model)
    for mae in (7.5, 7.5, 7.4):
        evaluate(model, "k1", mae)
    (stored,) = runs(root)
    assert stored.data.metrics["test_mae"] == 7.4
    assert points(root, stored, "test_mae") == [(0, 7.5), (0, 7.4)]


def test_another_evaluation_of_a_model_becomes_a_child_run(root: Path, model: Path) -> None:
    train(model)
    evaluate(model, "k1", 7.5)
    evaluate(model, "k2", 7.2)
    evaluate(model, "k2", 7.1)
    evaluate(model, "k3", 7.0)
    parent, *children = runs(root)
    assert parent.data.metrics["test_mae"] == 7.5
    assert [child.data.metrics["test_mae"] for child in children] == [7.1, 7.0]
    assert {child.data.tags["mlflow.parentRunId"] for child in children} == {parent.info.run_id}
    assert {child.info.status for child in children} == {"FINISHED"}


def test_a_model_that_the_store_never_saw_gets_a_run_that_says_so(root: Path, model: Path) -> None:
    evaluate(model, "k1", 7.5)
    evaluate(model, "k1", 7.4)
    evaluate(model, "k2", 7.2)
    fresh, child = runs(root)
    assert fresh.data.tags["trained_elsewhere"] == "true"
    assert fresh.data.metrics["test_mae"] == 7.4
    assert fresh.info.status == "FINISHED"
    assert child.data.tags["mlflow.parentRunId"] == fresh.info.run_id


def test_a_failed_evaluation_leaves_the_state_of_the_training(root: Path, model: Path) -> None:
    train(model)
    with (
        pytest.raises(ValueError, match="broken"),
        evaluation_run("ages", model_path=model, evaluation_key="k1"),
    ):
        raise ValueError("broken")
    assert [run.info.status for run in runs(root)] == ["FINISHED"]


@pytest.mark.usefixtures("dead_server")
def test_a_server_that_is_down_costs_seconds_and_nothing_of_the_log(
    root: Path, model: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES")
    figure = root / "errors.png"
    figure.write_bytes(b"as it was then")
    start = time.monotonic()
    with training_run("ages", params={"epochs": 2}, tags={"gpu": "none"}) as run:
        run.log_metrics({"val_mae": 9.0}, step=0)
        run.log_metrics({"val_mae": float("nan")}, step=1)
        run.log_artifact(figure, "train")
        run.log_dataset("faces", digest="d", source="data/faces", n_rows=3, context="training")
        run.set_model(model)
    assert time.monotonic() - start < 30
    assert run.store_id is None
    told = capfd.readouterr().err
    assert told.count("WARNING") == 1
    assert "make send-log" in told
    assert "secret" not in told
    assert not any("secret" in path.read_text() for path in root.glob(".tracking/spool/*/operations.jsonl"))
    evaluate(model, "k1", 7.5)
    figure.write_bytes(b"as it is now")

    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    sent = sync_offline_logs()
    assert (len(sent.runs), sent.failures) == (2, [])
    (stored,) = runs(root)
    assert stored.info.status == "FINISHED"
    assert stored.data.params == {"epochs": "2"}
    assert stored.data.tags["gpu"] == "none"
    assert [step for step, _ in points(root, stored, "val_mae")] == [0, 1]
    assert stored.data.metrics["test_mae"] == 7.5
    assert stored.inputs.dataset_inputs[0].dataset.name == "faces"
    copy = root / "mlartifacts" / stored.info.run_id / "artifacts" / "train" / "errors.png"
    assert copy.read_bytes() == b"as it was then"
    assert sync_offline_logs().runs == [], "what was sent is gone from the disk"


def test_a_server_that_never_answers_is_given_up(
    root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(timeouts, "TIMEOUT_S", 0.5)
        start = time.monotonic()
        train()
        assert time.monotonic() - start < 5
    assert "no answer within" in capfd.readouterr().err
    assert len(list(root.glob(".tracking/spool/*/operations.jsonl"))) == 1


def test_a_store_that_breaks_in_the_middle_gets_the_rest_later(
    root: Path, model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with training_run("ages", params={"epochs": 3}) as run:
        run.log_metrics({"val_mae": 9.0}, step=0)
        with closing(sqlite3.connect(root / "mlflow.db")) as database:
            database.execute("ALTER TABLE metrics RENAME TO away")
        run.log_metrics({"val_mae": 8.0}, step=1)
        run.log_metrics({"val_mae": 7.0}, step=2)
        run.set_model(model)
        assert sync_offline_logs() == ([], []), "the log of a run that goes on is left alone"
    assert capfd.readouterr().err.count("WARNING") == 1
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        database.execute("ALTER TABLE away RENAME TO metrics")
    assert [run.info.status for run in runs(root)] == ["RUNNING"]

    evaluate(model, "k1", 7.5)
    (stored,) = runs(root)
    assert stored.info.status == "FINISHED"
    assert points(root, stored, "val_mae") == [(0, 9.0), (1, 8.0), (2, 7.0)]
    assert stored.data.metrics["test_mae"] == 7.5, "the log was sent before the run of the model was sought"


@pytest.mark.usefixtures("dead_server")
def test_the_log_of_a_run_killed_without_a_store_is_sent_as_failed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = subprocess.run([sys.executable, "-c", TRAIN_UNTIL_KILLED], capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    (lines,) = root.glob(".tracking/spool/*/operations.jsonl")
    with lines.open("a") as file:
        file.write('{"kind": "metrics", "metr')
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert len(sync_offline_logs().runs) == 1
    (stored,) = runs(root)
    assert stored.info.status == "FAILED"
    assert points(root, stored, "val_mae") == [(0, 9.0), (1, 8.0)]


def test_a_log_that_an_earlier_version_left_is_sent(root: Path, model: Path) -> None:
    store = f"sqlite:///{root / 'mlflow.db'}"
    opening = {"kind": "open", "time": 1_700_000_000_000, "store": store, "experiment": "ages"}
    training = [
        {**opening, "key": "abc", "name": "sunny-cat", "tags": {"gpu": "none"}},
        {"kind": "metrics", "time": 1_700_000_000_001, "metrics": {"val_mae": 8.0}, "step": 0},
        {"kind": "tags", "time": 1_700_000_000_002, "tags": {"model_md5": file_md5(model)}},
        {"kind": "artifact", "time": 1_700_000_000_003, "path": "files/0/history.csv", "folder": "train"},
        {"kind": "finish", "time": 1_700_000_000_004, "status": "FINISHED"},
    ]
    evaluation = [
        {**opening, "key": "def", "name": "sunny-cat", "tags": {}}
        | {"model_md5": file_md5(model), "evaluation_key": "k1"},
        {"kind": "metrics", "time": 1_700_000_000_005, "metrics": {"mae": 7.5}, "step": None},
    ]
    for name, operations in (
        ("20231114T221320.000000Z-abc", training),
        ("20231114T221321.000000Z-def", evaluation),
    ):
        folder = root / ".tracking" / "spool" / name
        (folder / "files" / "0").mkdir(parents=True)
        (folder / "files" / "0" / "history.csv").write_text("epoch,loss\n")
        lines = "".join(json.dumps(operation) + "\n" for operation in operations)
        (folder / "operations.jsonl").write_text(lines)

    assert sync_offline_logs() == (["sunny-cat", "sunny-cat"], [])
    (stored,) = runs(root)
    assert (stored.info.run_name, stored.info.status) == ("sunny-cat", "FINISHED")
    assert stored.info.start_time == 1_700_000_000_000
    assert stored.data.metrics == {"val_mae": 8.0, "mae": 7.5}
    assert {"run_key": "abc", "gpu": "none", "evaluation_key": "k1"}.items() <= stored.data.tags.items()
    assert artifacts(root, stored, "train") == ["train/history.csv"]


@pytest.mark.parametrize("lines", ["", '{"kind": "open", "ti'])
def test_a_log_whose_first_line_a_kill_or_a_full_disk_cut_short_stops_no_other(
    root: Path, lines: str
) -> None:
    folder = root / ".tracking" / "spool" / "20231114T221320.000000Z-abc"
    folder.mkdir(parents=True)
    (folder / "operations.jsonl").write_text(lines)
    run = train()
    assert run.store_id is not None, "the store is used"
    assert not folder.exists(), "there is nothing in it to send"


def test_a_log_that_cannot_be_read_is_told_and_stays(root: Path) -> None:
    folder = root / ".tracking" / "spool" / "20231114T221320.000000Z-abc"
    folder.mkdir(parents=True)
    (folder / "operations.jsonl").write_text("no JSON\n")
    names, failures = sync_offline_logs()
    assert names == []
    assert len(failures) == 1
    assert str(folder) in failures[0]
    assert folder.exists()


@pytest.mark.usefixtures("dead_server")
def test_a_log_sent_late_does_not_undo_a_finished_run(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="first try"), training_run("ages", params={}, resume_id="abc"):
        raise ValueError("first try")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    train(resume_id="abc")
    assert len(sync_offline_logs().runs) == 1
    (stored,) = runs(root)
    assert stored.info.status == "FINISHED"
    assert points(root, stored, "val_mae") == [(0, 9.0), (1, 8.0)]


@pytest.mark.usefixtures("dead_server")
def test_a_log_meant_for_one_store_is_not_sent_to_another_unasked(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train()
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    train()
    assert len(runs(root)) == 1
    assert len(sync_offline_logs().runs) == 1
    assert len(runs(root)) == 2


@pytest.mark.usefixtures("dead_server")
def test_a_log_that_cannot_be_sent_stays_and_does_not_hold_up_the_next(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with training_run("given up", params={}):
        pass
    train()
    stuck, _ = sorted(root.glob(".tracking/spool/*/operations.jsonl"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    given_up = client(root).create_experiment("given up")
    client(root).delete_experiment(given_up)
    sent = sync_offline_logs()
    assert len(sent.runs) == 1
    assert len(sent.failures) == 1
    assert "deleted" in sent.failures[0]
    assert stuck.exists()
    assert len(runs(root)) == 1


def test_what_mlflow_refuses_is_told_and_the_rest_is_logged(
    root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def log_badly() -> None:
        with training_run("ages", params={}) as run:
            run.log_metrics({"../mae": 1.0})
            run.log_metrics({"mae": 2.0})

    log_badly()
    assert "does not take metrics" in capfd.readouterr().err
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "./mlruns")
    log_badly()
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert sync_offline_logs().failures == []
    assert "does not take metrics" in capfd.readouterr().err
    assert [run.data.metrics for run in runs(root)] == [{"mae": 2.0}, {"mae": 2.0}]


def test_a_run_deleted_by_hand_does_not_stop_the_training(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with training_run("ages", params={}) as run:
        client(root).delete_run(run.store_id)
        run.log_metrics({"mae": 2.0}, step=0)
    assert "active" in capfd.readouterr().err
    assert runs(root) == []
    assert not list(root.glob(".tracking/spool/*"))


@pytest.mark.parametrize("garbage", [b"this is no database " * 100, None])
def test_a_broken_store_file_is_noticed_at_once(
    root: Path, garbage: bytes | None, capfd: pytest.CaptureFixture[str]
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
    assert "database" in capfd.readouterr().err


@pytest.mark.usefixtures("dead_server")
def test_without_store_and_disk_the_work_goes_on(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (root / ".tracking").write_text("a file where the folder should be")
    train()
    assert "is lost" in capfd.readouterr().err


@pytest.mark.usefixtures("root")
def test_an_unknown_store_is_told_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "./mlruns")
    train()
    assert "maintenance mode" in capfd.readouterr().err


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


def test_a_thread_can_open_a_run(root: Path) -> None:
    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert runs(root)[0].info.status == "FINISHED"


def test_git_does_not_see_what_tracking_keeps(root: Path) -> None:
    subprocess.run(["git", "init", "-q", root], check=True)
    train()
    state = subprocess.run(["git", "status", "--porcelain"], cwd=root, capture_output=True, text=True).stdout
    assert ".tracking" not in state


def test_importing_tracking_does_not_import_mlflow() -> None:
    code = "import sys, shopper_age.tracking; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
