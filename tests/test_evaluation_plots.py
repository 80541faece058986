import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from shopper_age import evaluation_plots as plots


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


@pytest.fixture
def photo():
    return np.full((8, 6, 3), 128, dtype=np.uint8)


def texts(figure):
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_training_curves_show_both_parts_and_ring_the_best_epoch(history):
    left, right = plots.training_curves(history).axes
    assert lines(left)["training photos"].get_ydata().tolist() == [8.0, 6.5, 5.0]
    assert lines(left)["validation photos"].get_ydata().tolist() == [7.0, 6.0, 6.1]
    assert lines(right)["validation photos"].get_ydata().tolist() == [80.0, 55.0, 58.0]
    assert left.collections[0].get_offsets().tolist() == [[2, 6.0]]
    assert left.get_ylabel() == "Mean absolute error (years)"
    assert right.get_xlabel() == "Epoch"


def test_training_curves_of_one_epoch_are_drawn(history):
    left, _ = plots.training_curves(history.head(1)).axes
    assert lines(left)["validation photos"].get_marker() == "s"


def test_the_evaluation_reads_only_the_worst_photos(history, photo):
    rows = []

    def read_photo(row):
        rows.append(row)
        return photo

    true = np.arange(20.0)
    figures = plots.draw_evaluation(true, true + np.arange(20), history=history, read_photo=read_photo)
    assert rows == list(range(19, 7, -1))
    assert all(isinstance(figure, Figure) for figure in figures.values())
    assert "The 12 photos with the largest errors, of n = 20" in texts(figures["worst_photos.png"])
