import json

import pandas as pd
import pytest
from small_training import Recorder

from shopper_age.tracking.provenance import provenance
from shopper_age.training.history import epoch_log, images_per_second, log_results, training_metrics

HISTORY = [
    {"epoch": 1, "loss": 9.0, "mae": 3.0, "val_loss": 9.5, "val_mae": 3.5, "seconds": 2.0},
    {"epoch": 2, "loss": 8.0, "mae": 2.0, "val_loss": 9.0, "val_mae": 3.0, "seconds": 1.0},
]


def test_each_epoch_is_told_once_and_the_files_hold_all(tmp_path):
    run = Recorder()
    log = epoch_log(run, tmp_path, n_photos=10, record={"gpu": "none"})
    log(HISTORY[:1])
    log(HISTORY)
    epochs = [metrics for step, metrics in run.logged if step]
    assert [step for step, _ in run.logged] == [1, None, 2, None]
    assert epochs[1]["images_per_second"] == 10
    assert [metrics for step, metrics in run.logged if not step] == [
        {"training_seconds": 2.0},
        {"training_seconds": 3.0},
    ]
    assert (epochs[1]["val_mae"], epochs[1]["train_mae"]) == (3.0, 2.0)
    assert "mae" not in epochs[1]  # evaluate's metric of the test part
    table = pd.read_csv(tmp_path / "history.csv")
    assert table.columns.tolist() == ["epoch", "loss", "mae", "val_loss", "val_mae"]  # no times
    assert len(table) == 2
    record = json.loads((tmp_path / "run.json").read_text())
    names = {"mlflow_run": "sunny-cat", "mlflow_run_id": "0123"}
    speed = {"seconds": 3.0, "images_per_second": 10.0}
    assert record == {**names, **provenance(), "gpu": "none", **speed}
    assert json.loads((tmp_path / "metrics.json").read_text()) == training_metrics(pd.DataFrame(HISTORY))


def test_the_best_error_so_far_is_tracked_and_described(tmp_path):
    run = Recorder()
    log = epoch_log(run, tmp_path, n_photos=10, record={})
    log([*HISTORY, {**HISTORY[0], "epoch": 3}])
    epochs = [metrics for step, metrics in run.logged if step]
    assert [metrics["val_mae"] for metrics in epochs] == [3.5, 3.0, 3.5]
    assert [metrics["best_val_mae"] for metrics in epochs] == [3.5, 3.0, 3.0]
    assert run.text.startswith("**Validation MAE 3.00 years**, the best of 3 epochs in epoch 2.")


def test_the_metrics_are_those_of_the_best_epoch():
    history = pd.DataFrame([*HISTORY, {**HISTORY[0], "epoch": 3}])
    assert training_metrics(history) == {"epochs_run": 3, "best_epoch": 2, "train_mae": 2.0, "val_mae": 3.0}


def test_a_finished_training_leaves_its_model_and_history_in_the_run(tmp_path):
    log_results(run := Recorder(), tmp_path / "model.keras", tmp_path)
    assert run.model == tmp_path / "model.keras"
    assert run.artifacts == {"history.csv": False, "augmentation.png": True}  # whether it shows people


@pytest.mark.parametrize(
    ("seconds", "rate"), [([10, 4, 5], 22.5), ([10], 10), ([10, 4], 25), ([9, 1, 4, 100], 25)]
)
def test_the_rate_is_that_of_the_middle_epoch_after_the_first(seconds, rate):
    assert images_per_second(seconds, 100) == rate
