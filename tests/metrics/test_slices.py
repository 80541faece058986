import numpy as np
import pandas as pd
import pytest

from shopper_age.evaluation.attributes import known_of, measure_photos
from shopper_age.metrics.errors import label_doubts, mae, mae_interval
from shopper_age.metrics.slices import BLANK, MAX_VALUES, SMALL_SLICE, slice_errors, slices_of


def grey(level, size=6):
    return np.full((size, size, 3), level, dtype=np.uint8)


def chequered(size=6):
    squares = np.indices((size, size)).sum(axis=0) % 2 * 255
    return np.repeat(squares[:, :, None], 3, axis=2).astype(np.uint8)


def test_brightness_runs_from_black_to_white_and_weighs_green_most():
    measures = measure_photos(
        [grey(0), grey(255), *(np.eye(3, dtype=np.uint8)[None, [c]] * 255 for c in range(3))]
    )
    assert measures["brightness"].tolist() == pytest.approx([0, 255, 76.245, 149.685, 29.07])


def test_an_even_photo_has_no_sharpness_and_edges_have_much():
    blurred = chequered() // 2 + 64
    flat, soft, sharp = measure_photos([grey(90), blurred, chequered()])["sharpness"]
    assert flat == 0
    assert 0 < soft < sharp


def test_photos_are_measured_one_at_a_time():
    alive = []

    def photos():
        for level in (10, 20):
            alive.append(level)
            yield grey(level)

    assert measure_photos(photos())["brightness"].tolist() == pytest.approx([10, 20])
    assert alive == [10, 20]
    assert measure_photos([]).columns.tolist() == ["brightness", "sharpness"]


def test_everything_but_name_age_and_part_is_known_of_a_photo():
    manifest = pd.DataFrame(
        {
            "file_name": ["a.jpg", "b.jpg"],
            "real_age": [20.0, 30.0],
            "width": [200, 90],
            "height": [100, 300],
            "mode": ["RGB", "L"],
            "n_bytes": [1, 2],
            "perceptual_hash": ["0" * 16] * 2,
            "duplicate_group": [0, 1],
            "split": ["test", "test"],
            "camera": ["left", ""],
        },
        index=[7, 9],
    )
    known = known_of(manifest, [grey(10), grey(20)])
    assert known.columns.tolist() == ["camera", "shorter side (px)", "brightness", "sharpness"]
    assert known["shorter side (px)"].tolist() == [100, 90]
    assert known["brightness"].tolist() == pytest.approx([10, 20])


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


def test_nothing_known_gives_an_empty_table():
    table = slice_errors([20], [21], pd.DataFrame(index=[0]), seed=0)
    assert table.empty
    assert "mae_low" in table


def test_every_photo_needs_its_row():
    with pytest.raises(ValueError, match="1 rows are known of 2 photos"):
        slice_errors([20, 30], [21, 31], pd.DataFrame({"x": ["a"]}), seed=0)


def test_a_label_is_doubtful_when_the_error_is_large_for_how_sure_the_model_is():
    table = label_doubts(["a", "b", "c"], [20, 30, 60], [26, 42, 40], [2, 12, 5], n_rows=2)
    assert table["file_name"].tolist() == ["c", "a"]
    assert table["doubt"].tolist() == [4, 3]
    assert table["error"].tolist() == [-20, 6]
    assert table.columns.tolist() == ["file_name", "real_age", "predicted_age", "error", "doubt"]


@pytest.mark.parametrize("spread", [[1.0], [1.0, 0.0]])
def test_doubt_needs_a_spread_for_every_photo(spread):
    with pytest.raises(ValueError, match="each of 2 photos"):
        label_doubts(["a", "b"], [20, 30], [26, 42], spread)
