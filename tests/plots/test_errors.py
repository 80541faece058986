import numpy as np
import pandas as pd
import pytest

from shopper_age.metrics.bands import DECADES, by_band
from shopper_age.plots import errors as plots

TRUE, PRED = [5, 20, 30, 40, 85], [9, 22, 29, 46, 60]


def errors_of(true, pred):
    return by_band(np.subtract(pred, true), true, DECADES)


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
    (axes,) = plots.error_by_age(errors_of(true, pred)).axes
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels[2] == "20–29\nn = 20"
    assert labels[7:] == ["70–79\nn = 0", "80+\nn = 2"]
    assert sum(patch.get_path().vertices[:, 1].max() == 3 for patch in axes.patches) == 1
    dots = np.concatenate([collection.get_offsets() for collection in axes.collections])
    assert dots.tolist() == [[9, -5], [9, -25]]
    assert axes.get_ylabel() == "Estimate − true age (years)"


def test_error_by_age_takes_the_callers_bands():
    (axes,) = plots.error_by_age({"0–17": [4], "18+": [2, -1, 6, -25]}).axes
    assert axes.get_title(loc="left") == "Error by true age, n = 5"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0–17\nn = 1", "18+\nn = 4"]


def test_the_error_histogram_counts_every_photo_once_and_colours_those_within_five_years():
    (axes,) = plots.error_histogram([4, 2, -1, 6, -25]).axes
    near, far = axes.containers
    assert sum(bar.get_height() for bar in near) == 3  # 4, 2, −1
    assert sum(bar.get_height() for bar in far) == 2  # 6, −25
    assert axes.get_title(loc="left") == "Errors, n = 5"


def slices(**changes):
    row = {
        "column": "shop",
        "value": "A",
        "n": 40,
        "mae": 5.0,
        "mae_low": 4.0,
        "mae_high": 6.5,
        "is_small": False,
        "is_pair": False,
    }
    return [{**row, **changes}]


def test_a_slice_has_its_mae_its_interval_and_its_count_below_the_name_of_its_column():
    table = pd.DataFrame(
        slices()
        + slices(value="B", n=9, mae=7.0, is_small=True)
        + slices(column="sex", value="f")  # all photos: no slice
        + slices(column="sex × shop", value="f × A", is_pair=True)
    )
    (axes,) = plots.error_slices(table).axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["shop", "A (n = 40)", "B (n = 9)", "sex × shop", "f × A (n = 40)"]
    assert [label.get_fontweight() for label in axes.get_yticklabels()][:2] == ["bold", "normal"]
    interval, dot, _, small = axes.get_lines()[:4]
    assert interval.get_xdata().tolist() == [4.0, 6.5]
    assert (list(dot.get_xdata()), list(dot.get_ydata())) == ([5.0], [1])
    assert (dot.get_markerfacecolor(), small.get_markerfacecolor()) == (plots.BLUE, "white")
    assert axes.get_title(loc="left") == "Error by slice, n = 49"


def test_long_values_are_shortened_and_dollars_are_no_formula(tmp_path):
    figure = plots.error_slices(pd.DataFrame(slices(value="word " * 30) + slices(value="$a$ and $b")))
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(names[1]) < 60
    assert "…" in names[1]
    figure.savefig(tmp_path / "slices.png")


@pytest.mark.parametrize("errors", [[3.0], [-40.0, 40.0]])
def test_one_photo_and_far_errors_are_drawn(errors, tmp_path):
    true, pred = [20.0] * len(errors), [20 + error for error in errors]
    for figure in (
        plots.predicted_against_true(true, pred),
        plots.error_by_age(errors_of(true, pred)),
        plots.error_histogram(errors),
    ):
        figure.savefig(tmp_path / "figure.png")
