import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from shopper_age import evaluation_plots as plots

TRUE, PRED = [5, 20, 30, 40, 85], [9, 22, 29, 46, 60]


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


def test_predicted_against_true_has_equal_axes_the_identity_line_and_every_photo():
    (axes,) = plots.predicted_against_true(TRUE, PRED).axes
    assert axes.get_title(loc="left") == "Estimated against true age, n = 5"
    assert axes.get_xlabel() == "True age (years)"
    assert axes.get_ylabel() == "Estimated age (years)"
    assert axes.get_aspect() == 1
    assert axes.get_xlim() == axes.get_ylim()
    identity = lines(axes)["estimate = truth"]
    assert identity.get_xdata().tolist() == identity.get_ydata().tolist()
    (dots,) = axes.collections
    assert dots.get_offsets().tolist() == [[true, pred] for true, pred in zip(TRUE, PRED, strict=True)]


def test_predicted_against_true_shows_estimates_below_zero():
    (axes,) = plots.predicted_against_true([2, 5], [-4, 5]).axes
    assert axes.get_ylim()[0] == -4


def test_thousands_of_photos_become_counts_per_cell():
    rng = np.random.default_rng(0)
    true = rng.uniform(0, 90, plots.MANY_PHOTOS + 1)
    figure = plots.predicted_against_true(true, true + rng.normal(0, 5, true.size))
    axes, bar = figure.axes
    assert bar.get_ylabel() == "Photos"
    assert axes.collections[0].get_array().sum() == true.size


def test_error_by_age_draws_a_box_for_large_bands_and_dots_for_small_ones():
    true, pred = [25.0] * 20 + [85.0, 85.0], [28.0] * 20 + [80.0, 60.0]
    (axes,) = plots.error_by_age(true, pred).axes
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels[2] == "20–29\nn = 20"
    assert labels[7:] == ["70–79\nn = 0", "80+\nn = 2"]
    assert sum(patch.get_path().vertices[:, 1].max() == 3 for patch in axes.patches) == 1
    dots = np.concatenate([collection.get_offsets() for collection in axes.collections])
    assert dots.tolist() == [[9, -5], [9, -25]]
    assert axes.get_ylabel() == "Estimate − true age (years)"


def test_error_by_age_takes_the_callers_bands():
    (axes,) = plots.error_by_age(TRUE, PRED, edges=(0, 18)).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0–17\nn = 1", "18+\nn = 4"]


def test_the_error_histogram_counts_every_photo_once_and_colours_those_within_five_years():
    (axes,) = plots.error_histogram(TRUE, PRED).axes
    near, far = axes.containers
    assert sum(bar.get_height() for bar in near) == 3  # errors 4, 2, −1
    assert sum(bar.get_height() for bar in far) == 2  # errors 6, −25
    assert axes.get_title(loc="left") == "Errors, n = 5"


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


def test_photos_carry_true_age_and_estimate(photo):
    figure = plots.photos_with_answers([photo, photo], [5, 85.5], [9.4, 60.2], title="Worst, n = 2")
    assert {"Worst, n = 2", "true 5, estimate 9", "true 85.5, estimate 60"} <= set(texts(figure))


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
