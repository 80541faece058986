import json
from pathlib import Path

import pandas as pd
import pytest
from project import ROOT

from shopper_age.params import load_params
from shopper_age.training.history import epoch_log, training_figures
from shopper_age.training.resuming import resumable_run, training_key

PARAMS = load_params(ROOT / "params.yaml")
HISTORY = [
    {"epoch": 1, "loss": 9.0, "mae": 3.0, "val_loss": 9.5, "val_mae": 3.5, "seconds": 2.0},
    {"epoch": 2, "loss": 8.0, "mae": 2.0, "val_loss": 9.0, "val_mae": 3.0, "seconds": 1.0},
]


class Recorder:
    """Stands in for a run and keeps what it is told."""

    name, store_id = "sunny-cat", "0123"

    def __init__(self):
        self.logged = []

    def describe(self, text):
        self.text = text

    def log_metrics(self, metrics, step):
        self.logged.append((step, metrics))


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "splits.csv"
    path.write_text("file_name,real_age,split\n")
    return path


def test_equal_trainings_have_equal_keys(data):
    assert training_key(PARAMS, data) == training_key(load_params(ROOT / "params.yaml"), data)


def test_what_matters_changes_the_key(data, tmp_path):
    weights = tmp_path / "w.weights.h5"
    weights.write_bytes(b"1")
    with_file = PARAMS.model_copy(update={"weights": str(weights)})
    keys = {training_key(PARAMS, data), training_key(PARAMS.model_copy(update={"epochs": 11}), data)}
    keys.add(training_key(with_file, data))
    weights.write_bytes(b"2")
    keys.add(training_key(with_file, data))
    data.write_text("file_name,real_age,split\na.jpg,1,train\n")
    keys.add(training_key(PARAMS, data))
    assert len(keys) == 5


def test_what_matters_not_leaves_the_key(data):
    evaluated_otherwise = PARAMS.model_copy(
        update={
            "evaluate": PARAMS.evaluate.model_copy(update={"max_mae": 5.0}),
            "data_path": Path("elsewhere"),
        }
    )
    assert training_key(evaluated_otherwise, data) == training_key(PARAMS, data)


def test_each_epoch_is_told_once_and_the_files_hold_all(tmp_path):
    run = Recorder()
    log = epoch_log(run, tmp_path, n_photos=10, record={"gpu": "none"})
    log(HISTORY[:1])
    log(HISTORY)
    assert [step for step, _ in run.logged] == [1, 2]
    assert run.logged[1][1]["images_per_second"] == 10
    assert [figures["training_seconds"] for _, figures in run.logged] == [2.0, 3.0]
    assert run.logged[1][1]["val_mae"] == 3.0
    assert run.logged[1][1]["train_mae"] == 2.0
    assert "mae" not in run.logged[1][1]  # evaluate's figure of the test part
    table = pd.read_csv(tmp_path / "history.csv")
    assert table.columns.tolist() == ["epoch", "loss", "mae", "val_loss", "val_mae"]  # no times
    assert len(table) == 2
    record = json.loads((tmp_path / "run.json").read_text())
    names = {"mlflow_run": "sunny-cat", "mlflow_run_id": "0123"}
    assert record == {**names, "gpu": "none", "seconds": 3.0, "images_per_second": 6.67}
    assert json.loads((tmp_path / "metrics.json").read_text()) == training_figures(pd.DataFrame(HISTORY))


def test_the_best_error_so_far_is_tracked_and_described(tmp_path):
    run = Recorder()
    log = epoch_log(run, tmp_path, n_photos=10, record={})
    log([*HISTORY, {**HISTORY[0], "epoch": 3}])
    assert [figures["val_mae"] for _, figures in run.logged] == [3.5, 3.0, 3.5]
    assert [figures["best_val_mae"] for _, figures in run.logged] == [3.5, 3.0, 3.0]
    assert run.text.startswith("**Validation MAE 3.00 years**, the best of 3 epochs in epoch 2.")


def test_the_figures_are_those_of_the_best_epoch():
    history = pd.DataFrame([*HISTORY, {**HISTORY[0], "epoch": 3}])
    assert training_figures(history) == {"epochs_run": 3, "best_epoch": 2, "train_mae": 2.0, "val_mae": 3.0}


def _interrupt(params, data):
    with resumable_run(params, data, tags={}) as (folder, run):
        (folder / "state").touch()
        interrupted.append((folder, run.id))
        raise KeyboardInterrupt


interrupted: list[tuple[Path, str]] = []


def test_an_interrupted_training_finds_its_folder_and_its_run_again(tmp_path, monkeypatch, data):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(KeyboardInterrupt):
        _interrupt(PARAMS, data)
    with resumable_run(PARAMS, data, tags={}) as (folder, run):
        assert (folder / "state").is_file()
        assert (folder, run.id) == interrupted[0]
    assert not folder.exists()


def test_the_same_training_does_not_run_twice_at_once(tmp_path, monkeypatch, data):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with (
        resumable_run(PARAMS, data, tags={}),
        pytest.raises(ValueError, match="another training with the same settings and data"),
        resumable_run(PARAMS, data, tags={}),
    ):
        pass
