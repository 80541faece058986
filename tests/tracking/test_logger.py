import socket
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from mlflow_store import artifacts, client, evaluate, points, runs, train, warnings

from shopper_age.tracking import sync_offline_logs, timeouts, training_run


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


def test_a_file_that_is_not_there_is_named_and_ends_nothing(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with training_run("ages", params={}) as run:
        run.log_artifact(root / "no-such.png")
    assert "no-such.png cannot be logged to MLflow: there is no such file" in caplog.text
    (done,) = runs(root)
    assert done.info.status == "FINISHED"


@pytest.mark.usefixtures("dead_server")
def test_a_server_that_is_down_costs_seconds_and_nothing_of_the_log(
    root: Path, model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
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
    told = warnings(caplog)
    assert len(told) == 1
    assert "make send-log" in told[0]
    assert "secret" not in told[0]
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
    assert [step for step, _ in points(root, stored, "epochs/val_mae")] == [0, 1]
    assert stored.data.metrics["test/test_mae"] == 7.5
    assert stored.inputs.dataset_inputs[0].dataset.name == "faces"
    copy = root / "mlartifacts" / stored.info.run_id / "artifacts" / "train" / "errors.png"
    assert copy.read_bytes() == b"as it was then"
    assert sync_offline_logs().runs == [], "what was sent is gone from the disk"


def test_a_server_that_never_answers_is_given_up(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(timeouts, "TIMEOUT_S", 0.5)
        start = time.monotonic()
        train()
        assert time.monotonic() - start < 5
    assert "no answer within" in caplog.text
    assert len(list(root.glob(".tracking/spool/*/operations.jsonl"))) == 1


def test_a_store_that_breaks_in_the_middle_gets_the_rest_later(
    root: Path, model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with training_run("ages", params={"epochs": 3}) as run:
        run.log_metrics({"val_mae": 9.0}, step=0)
        with closing(sqlite3.connect(root / "mlflow.db")) as database:
            database.execute("ALTER TABLE metrics RENAME TO away")
        run.log_metrics({"val_mae": 8.0}, step=1)
        run.log_metrics({"val_mae": 7.0}, step=2)
        run.set_model(model)
        assert sync_offline_logs() == ([], []), "the log of a run that goes on is left alone"
    assert len(warnings(caplog)) == 1
    with closing(sqlite3.connect(root / "mlflow.db")) as database:
        database.execute("ALTER TABLE away RENAME TO metrics")
    assert [run.info.status for run in runs(root)] == ["RUNNING"]

    evaluate(model, "k1", 7.5)
    (stored,) = runs(root)
    assert stored.info.status == "FINISHED"
    assert points(root, stored, "epochs/val_mae") == [(0, 9.0), (1, 8.0), (2, 7.0)]
    assert stored.data.metrics["test/test_mae"] == 7.5, (
        "the log was sent before the run of the model was sought"
    )


def test_what_mlflow_refuses_is_told_and_the_rest_is_logged(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def log_badly() -> None:
        with training_run("ages", params={}) as run:
            run.log_metrics({"../mae": 1.0})
            run.log_metrics({"mae": 2.0})

    log_badly()
    assert "does not take metrics" in caplog.text
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "./mlruns")
    log_badly()
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert sync_offline_logs().failures == []
    assert "does not take metrics" in caplog.text
    assert [run.data.metrics for run in runs(root)] == [{"test/mae": 2.0}, {"test/mae": 2.0}]


def test_a_run_deleted_by_hand_does_not_stop_the_training(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with training_run("ages", params={}) as run:
        client(root).delete_run(run.store_id)
        run.log_metrics({"mae": 2.0}, step=0)
    assert "active" in caplog.text
    assert runs(root) == []
    assert not list(root.glob(".tracking/spool/*"))


@pytest.mark.usefixtures("dead_server")
def test_without_store_and_disk_the_work_goes_on(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    (root / ".tracking").write_text("a file where the folder should be")
    train()
    assert "is lost" in caplog.text


@pytest.mark.usefixtures("root")
def test_an_unknown_store_is_told_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "./mlruns")
    train()
    assert "maintenance mode" in caplog.text
