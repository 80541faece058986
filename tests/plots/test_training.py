import pandas as pd
import pytest

from shopper_age.plots.training import training_curves


@pytest.fixture
def history():
    return pd.DataFrame(
        {
            "epoch": [1, 2, 3],
            "loss": [90.0, 60.0, 40.0],
            "mae": [8.0, 6.5, 5.0],
            "val_loss": [80.0, 55.0, 58.0],
            "val_mae": [7.0, 6.0, 6.1],
            "learning_rate": [1e-4] * 3,
        }
    )


def lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_training_curves_show_both_parts_and_ring_the_best_epoch(history):
    left, right = training_curves(history, best_epoch=2).axes
    assert lines(left)["training photos"].get_ydata().tolist() == [8.0, 6.5, 5.0]
    assert lines(left)["validation photos"].get_ydata().tolist() == [7.0, 6.0, 6.1]
    assert lines(right)["validation photos"].get_ydata().tolist() == [80.0, 55.0, 58.0]
    assert left.collections[0].get_offsets().tolist() == [[2, 6.0]]
    assert left.get_ylabel() == "Mean absolute error (years)"
    assert right.get_xlabel() == "Epoch"


def test_training_curves_of_one_epoch_are_drawn(history):
    left, _ = training_curves(history.head(1), best_epoch=1).axes
    assert lines(left)["validation photos"].get_marker() == "s"
