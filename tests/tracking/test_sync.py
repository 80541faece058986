import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow_store import TRAIN_UNTIL_KILLED, artifacts, client, points, runs, train

from shopper_age.runtime.hashing import file_md5
from shopper_age.tracking import sync_offline_logs, training_run
from shopper_age.tracking.mlflow_internals import EVALUATION_KEY, RUN_KEY


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
    assert points(root, stored, "epochs/val_mae") == [(0, 9.0), (1, 8.0)]


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
    assert stored.data.metrics == {"epochs/val_mae": 8.0, "test/mae": 7.5}
    assert {RUN_KEY: "abc", "gpu": "none", EVALUATION_KEY: "k1"}.items() <= stored.data.tags.items()
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
    assert points(root, stored, "epochs/val_mae") == [(0, 9.0), (1, 8.0)]


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
