import numpy as np
import pandas as pd
import pytest

from shopper_age.metrics.errors import mae, mae_interval
from shopper_age.metrics.slices import (
    BLANK,
    MAX_VALUES,
    SMALL_SLICE,
    crossed_slicings,
    single_slicings,
    slice_errors,
    slices_of,
)


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
    shops = single_slicings(pd.DataFrame({"shop": shop}))
    table = slice_errors(y_true, y_pred, shops, seed=3).set_index("value")
    assert table["n"].tolist() == [40, 19, 1]
    assert table["is_small"].tolist() == [False, True, True]
    assert table.loc["A", "mae"] == pytest.approx(mae(y_true[:40], y_pred[:40]))
    assert (table.loc["A", "mae_low"], table.loc["A", "mae_high"]) == mae_interval(
        y_true[:40], y_pred[:40], seed=3
    )
    assert table.loc["B", "bias"] == pytest.approx((y_pred - y_true)[40:59].mean())
    assert np.isnan(table.loc["C", "mae_low"])


def test_a_slice_of_thirty_photos_is_not_small():
    one = single_slicings(pd.DataFrame({"x": ["a"] * SMALL_SLICE}))
    table = slice_errors([20.0] * SMALL_SLICE, [21.0] * SMALL_SLICE, one, seed=0)
    assert not table.loc[0, "is_small"]


def test_no_attribute_gives_an_empty_table():
    table = slice_errors([20], [21], [], seed=0)
    assert table.empty
    assert "mae_low" in table


def test_every_photo_needs_its_row():
    with pytest.raises(ValueError, match="each of 2 photos; found 1"):
        slice_errors([20, 30], [21, 31], single_slicings(pd.DataFrame({"x": ["a"]})), seed=0)


def crossed(**columns):
    return crossed_slicings(single_slicings(pd.DataFrame(columns)))


def test_columns_of_few_values_are_crossed_and_blank_cells_have_slices_of_their_own():
    (pair,) = crossed(sex=["f", "m", "f", ""], shop=["A", "B", "B", "A"])
    assert (pair.column, pair.pair) == ("sex × shop", ("sex", "shop"))
    assert list(pair.slices) == ["f × A", "m × B", "f × B", "(blank) × A"]


def test_columns_of_one_value_of_seven_or_of_many_numbers_are_not_crossed():
    sex, rng = ["f", "m"] * 42, np.random.default_rng(0)
    assert crossed(sex=sex, shop=["A"] * 84) == []
    assert crossed(sex=sex, shop=[*"ABCDEFG"] * 12) == []
    assert crossed(sex=sex, brightness=rng.uniform(0, 255, 84)) == []
    assert len(crossed(sex=sex, shop=[*"ABCDEF"] * 14)) == 0  # the shop settles the sex
    assert len(crossed(sex=["f"] * 42 + ["m"] * 42, shop=[*"ABCDEF"] * 14)) == 1


def test_a_column_that_settles_the_other_makes_no_pair():
    assert crossed(town=["Rom", "Bonn", "Köln"], country=["I", "D", "D"]) == []


def test_pairs_come_in_the_order_of_their_columns():
    columns = {
        name: list(np.random.default_rng(place).integers(2, size=50)) for place, name in enumerate("dacb")
    }
    assert [pair.column for pair in crossed(**columns)] == [
        "d × a",
        "d × c",
        "d × b",
        "a × c",
        "a × b",
        "c × b",
    ]


def test_values_that_hold_the_sign_of_a_pair_stay_apart():
    (pair,) = crossed(x=["a", "a × b", "a", "a × b"], y=["b × c", "c", "c", "b × c"])
    assert len(set(pair.slices)) == 4


def swapped_by_shop(n=600):
    """One sex is estimated 8 years too old, and one shop has swapped the letters of the sexes."""
    rng = np.random.default_rng(4)
    true, is_f, is_a = rng.uniform(5, 80, n), np.arange(n) % 2 == 0, np.arange(n) < n / 2
    pred = true + rng.normal(0, 3, n) + 8 * (is_f == is_a)
    columns = {"sex": np.where(is_f, "f", "m"), "shop": np.where(is_a, "A", "B")}
    return true, pred, single_slicings(pd.DataFrame(columns))


def test_a_pair_shows_what_its_columns_hide():
    true, pred, singles = swapped_by_shop()
    table = slice_errors(true, pred, [*singles, *crossed_slicings(singles)], seed=0)
    assert (table.loc[~table["is_pair"], "mae_low"] < mae(true, pred)).all()
    pairs = table[table["is_pair"]].set_index("value")
    assert {*pairs.index[pairs["p_worse"] < 0.001]} == {"f × A", "m × B"}
    assert pairs.loc[["f × B", "m × A"], "p_worse"].tolist() == [1, 1]


def test_the_expected_error_of_a_pair_adds_up_that_of_its_columns():
    # women are 2 years off and men 0; shop B adds 3: over all 2.5, women 3.5, B 4, women in B 3.5 + 4 − 2.5
    sex, shop = np.tile(["f", "m"], 40), np.repeat(["A", "B"], 40)
    off = 2.0 * (sex == "f") + 3.0 * (shop == "B")
    singles = single_slicings(pd.DataFrame({"sex": sex, "shop": shop}))
    table = slice_errors([40.0] * 80, 40 + off, [*singles, *crossed_slicings(singles)], seed=0)
    expected = table.set_index("value")["mae_expected"]
    assert expected["f × B"] == pytest.approx(5.0)
    assert expected["m × A"] == pytest.approx(1.5)  # the larger of its columns' 1.5 and 1.0; they add up to 0
    assert expected[["f", "A"]].isna().all()


def test_errors_that_add_up_make_no_pair_worse():
    rng = np.random.default_rng(2)
    sex, shop = np.tile(["f", "m"], 400), np.repeat(["A", "B"], 400)
    absolute = rng.gamma(4, 0.5, 800) + 2.0 * (sex == "f") + 3.0 * (shop == "B")
    singles = single_slicings(pd.DataFrame({"sex": sex, "shop": shop}))
    table = slice_errors([40.0] * 800, 40 + absolute, [*singles, *crossed_slicings(singles)], seed=0)
    assert not (table["p_worse"] < 0.05).any()


def test_a_small_pair_is_marked_and_not_tested():
    true, pred, singles = swapped_by_shop(100)
    table = slice_errors(true, pred, [*singles, *crossed_slicings(singles)], seed=0)
    pairs = table[table["is_pair"]]
    assert pairs["is_small"].all()
    assert pairs["p_worse"].isna().all()


def test_a_slice_of_few_people_is_small_however_many_photos_they_have():
    rng = np.random.default_rng(0)
    error, people = rng.normal(0, 3, 100), np.arange(100) // 5
    one = single_slicings(pd.DataFrame({"x": ["a"] * 100}))
    row = slice_errors([40.0] * 100, 40 + error, one, seed=0, people=people).iloc[0]
    assert (row["n"], row["n_people"], row["is_small"]) == (100, 20, True)
