import numpy as np
import pandas as pd
import pytest

from shopper_age.metrics.errors import mae, mae_interval
from shopper_age.metrics.slices import BLANK, MAX_VALUES, SMALL_SLICE, slice_errors, slices_of


def test_text_is_sliced_by_value_the_commonest_first_and_blank_last():
    slices = slices_of(pd.Series(["b", " a", "", "a ", None, "c", "a", "b"]))
    assert slices.categories.tolist() == ["a", "b", "c", BLANK]
    assert slices.tolist() == ["b", "a", BLANK, "a", BLANK, "c", "a", "b"]


def test_a_cell_that_says_blank_is_counted_with_the_blank_ones():
    assert slices_of(pd.Series([BLANK, "", "a"])).tolist() == [BLANK, BLANK, "a"]


def test_rare_values_share_a_slice():
    column = pd.Series([f"v{number}" for number in range(MAX_VALUES + 3) for _ in range(20 - number)])
    slices = slices_of(column)
    assert slices.categories.tolist() == [*(f"v{number}" for number in range(MAX_VALUES)), "other (3 values)"]
    assert (slices == "other (3 values)").sum() == 8 + 7 + 6


def test_few_numbers_are_values_in_rising_order_though_they_come_as_text():
    assert slices_of(pd.Series(["10", "2", "2", "", "10", "10"])).categories.tolist() == ["2", "10", BLANK]


def test_many_numbers_are_cut_at_their_quartiles():
    slices = slices_of(pd.Series([str(number) for number in range(100, 0, -1)] + [""]))
    assert slices.categories.tolist() == [
        "Q1: 1 to 25",
        "Q2: 26 to 50",
        "Q3: 51 to 75",
        "Q4: 76 to 100",
        BLANK,
    ]
    assert slices.value_counts().tolist() == [25, 25, 25, 25, 1]
    assert slices[0] == "Q4: 76 to 100"


def test_quarters_that_one_number_fills_are_joined():
    slices = slices_of(pd.Series([200.5] * 90 + list(np.arange(20.0))))
    assert slices.categories.tolist() == ["Q1: 0 to 200.5"]


def test_one_word_among_the_numbers_makes_the_column_text():
    column = pd.Series([*map(str, range(20)), "unknown", "inf"])
    assert "other (10 values)" in slices_of(column).categories


def test_a_slice_has_the_mae_interval_and_bias_of_its_own_photos():
    rng = np.random.default_rng(0)
    y_true = rng.uniform(10, 80, 60)
    y_pred = y_true + rng.normal(2, 5, 60)
    shop = np.array(["A"] * 40 + ["B"] * 19 + ["C"])
    table = slice_errors(y_true, y_pred, pd.DataFrame({"shop": shop}), seed=3).set_index("value")
    assert table["n"].tolist() == [40, 19, 1]
    assert table["is_small"].tolist() == [False, True, True]
    assert table.loc["A", "mae"] == pytest.approx(mae(y_true[:40], y_pred[:40]))
    assert (table.loc["A", "mae_low"], table.loc["A", "mae_high"]) == mae_interval(
        y_true[:40], y_pred[:40], seed=3
    )
    assert table.loc["B", "bias"] == pytest.approx((y_pred - y_true)[40:59].mean())
    assert np.isnan(table.loc["C", "mae_low"])


def test_a_slice_of_thirty_photos_is_not_small():
    table = slice_errors(
        [20.0] * SMALL_SLICE, [21.0] * SMALL_SLICE, pd.DataFrame({"x": ["a"] * SMALL_SLICE}), seed=0
    )
    assert not table.loc[0, "is_small"]


def test_no_attribute_gives_an_empty_table():
    table = slice_errors([20], [21], pd.DataFrame(index=[0]), seed=0)
    assert table.empty
    assert "mae_low" in table


def test_every_photo_needs_its_row():
    with pytest.raises(ValueError, match="each of 2 photos; found 1"):
        slice_errors([20, 30], [21, 31], pd.DataFrame({"x": ["a"]}), seed=0)
