import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from mlflow_store import artifacts, points, runs, train

from shopper_age.tracking import (
    evaluation_run,
    open_trial_run,
    sweep_run,
    sync_offline_logs,
    training_run,
)


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
    assert points(root, stored, "epochs/loss") == [(0, 70.0), (1, 50.0)]
    assert stored.data.metrics["speed/images_per_second"] == 31.5
    assert stored.data.metrics["mae/60_"] == 9.5, "MLflow refuses a plus sign"
    assert stored.data.tags["gpu"] == "none"
    assert stored.data.tags["mlflow.note.content"] == "MAE **8.0**"
    assert artifacts(root, stored) == ["eda", "train"]
    assert artifacts(root, stored, "eda") == ["eda/ages.png"]
    assert (root / "mlartifacts" / stored.info.run_id / "artifacts" / "train" / "history.csv").is_file()
    (data,) = stored.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest) == ("faces", "d" * 36)


def test_a_run_says_where_it_comes_from(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_EXP_NAME", "sunny-cat")
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", "f" * 40)
    train()
    (stored,) = runs(root)
    assert stored.info.run_name == "sunny-cat"
    expected = {"dvc_experiment": "sunny-cat", "git_commit": "f" * 40}
    assert expected.items() <= stored.data.tags.items()
    assert {"python", "tensorflow", "keras", "cpu", "cpu_cores", "memory_gib"} <= stored.data.tags.keys()


@pytest.mark.parametrize(
    ("error", "message", "status"),
    [
        (ValueError("the loss is not a number"), "ValueError: the loss is not a number", "FAILED"),
        (KeyboardInterrupt(), "KeyboardInterrupt", "KILLED"),
    ],
)
def test_a_training_that_raises_has_failed_and_an_interrupted_one_was_killed(
    root: Path, error: BaseException, message: str, status: str
) -> None:
    with pytest.raises(type(error)), training_run("ages", params={}):
        raise error
    (stored,) = runs(root)
    assert stored.info.status == status
    assert stored.data.tags["error"] == message


def test_a_training_that_is_terminated_was_killed(root: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as exit_, training_run("ages", params={}):
        signal.raise_signal(signal.SIGTERM)
    assert exit_.value.code == 143
    assert runs(root)[0].info.status == "KILLED"
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_failed_evaluation_leaves_the_state_of_the_training(root: Path, model: Path) -> None:
    train(model)
    with (
        pytest.raises(ValueError, match="broken"),
        evaluation_run("ages", model_path=model, evaluation_key="k1"),
    ):
        raise ValueError("broken")
    assert [run.info.status for run in runs(root)] == ["FINISHED"]


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


def test_a_part_of_a_training_stands_below_it(root: Path) -> None:
    with (
        training_run("ages", params={}) as whole,
        training_run("ages", params={}, parent=whole, name=", fold 1"),
    ):
        pass
    parent, child = sorted(runs(root), key=lambda run: "mlflow.parentRunId" in run.data.tags)
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id == whole.store_id
    assert child.info.run_name == f"{parent.info.run_name}, fold 1"
    assert (parent.info.status, child.info.status) == ("FINISHED", "FINISHED")
    assert "mlflow.parentRunId" not in parent.data.tags


@pytest.mark.parametrize("first", ["part", "whole"])
def test_a_part_that_was_kept_offline_finds_its_whole_whichever_is_sent_first(
    root: Path, monkeypatch: pytest.MonkeyPatch, dead_server: str, first: str
) -> None:
    assert dead_server
    with (
        training_run("ages", params={}) as whole,
        training_run("ages", params={}, parent=whole, name=", fold 1"),
    ):
        pass
    logs = sorted((root / ".tracking" / "spool").glob("*Z-*"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    hidden = logs[0 if first == "part" else 1]
    hidden.rename(root / "later")
    sync_offline_logs()
    (root / "later").rename(hidden)
    sync_offline_logs()
    parent, child = sorted(runs(root), key=lambda run: "mlflow.parentRunId" in run.data.tags)
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id


def test_the_trials_of_a_sweep_have_runs_below_its_own_and_end_in_any_order(root: Path) -> None:
    with sweep_run("ages", name="few", params={"grid": "epochs=1,2"}, tags={"sweep": "few"}) as sweep:
        trials = [
            open_trial_run(sweep, "ages", name=f"few-{n}", params={"epochs": n}, tags={"sweep": "few"})
            for n in (1, 2)
        ]
        for trial, status in zip(trials, ("FINISHED", "FAILED"), strict=True):
            trial.log_metrics({"val_mae": 9.0}, step=0)
            trial.finish(status)
    stored = {run.info.run_name: run for run in runs(root)}
    assert {name: run.info.status for name, run in stored.items()} == {
        "few": "FINISHED",
        "few-1": "FINISHED",
        "few-2": "FAILED",
    }
    assert stored["few"].data.params == {"grid": "epochs=1,2"}
    for name in ("few-1", "few-2"):
        assert stored[name].data.tags["mlflow.parentRunId"] == stored["few"].info.run_id
        assert points(root, stored[name], "epochs/val_mae") == [(0, 9.0)]
        assert not [metric for metric in stored[name].data.metrics if metric.startswith("system/")]
