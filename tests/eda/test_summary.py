import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.stats import binomtest

from shopper_age.eda.summary import (
    PREVIEW_SIDE_PX,
    choose_photos,
    decade_table,
    read_preview,
    rounding,
    summarise,
)


def manifest_of(ages, *, sizes=None, groups=None):
    n = len(ages)
    width, height = zip(*(sizes or [(200, 200)] * n), strict=True)
    return pd.DataFrame(
        {
            "file_name": [f"{number}.jpg" for number in range(n)],
            "real_age": np.asarray(ages, dtype=float),
            "width": width,
            "height": height,
            "duplicate_group": range(n) if groups is None else groups,
        }
    )


def test_every_decade_up_to_the_oldest_has_a_row():
    table = decade_table([0, 9.9, 10, 35, 100])
    assert table["decade"].tolist()[:2] == ["0–9", "10–19"]
    assert table["decade"].tolist()[-1] == "100–109"
    assert table["n"].tolist() == [2, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1]
    assert table["share"].sum() == pytest.approx(1)


def test_one_age_fills_one_decade():
    assert decade_table([7])[["from_age", "to_age", "n", "share"]].to_numpy().tolist() == [[0, 10, 1, 1]]


def test_round_ages_give_the_numbers_worked_by_hand():
    numbers = rounding([25, 26, 27, 28, 30, 70], min_counted=1, min_spread=0)
    assert numbers["share_ending_0_or_5"] == 0.5
    assert numbers["whipple_index"] == pytest.approx(200)
    interval = binomtest(2, 5).proportion_ci(method="exact")
    assert numbers["whipple_low"] == pytest.approx(500 * interval.low)
    assert numbers["whipple_high"] == pytest.approx(500 * interval.high)


def test_ages_are_counted_by_completed_years():
    assert rounding([20.9, 21, 25.7, 33])["share_ending_0_or_5"] == 0.5


def test_whipple_is_100_without_rounding_and_500_when_all_ages_are_round():
    assert rounding(np.tile(np.arange(23, 63), 3))["whipple_index"] == pytest.approx(100)
    assert rounding(np.tile([25, 30, 60], 40))["whipple_index"] == 500


def test_whipple_looks_at_23_to_62_alone():
    assert rounding([20, 22, 23, 62, 63, 65], min_counted=2)["whipple_index"] == 0
    assert "whipple_index" not in rounding([0, 5, 70] * 100)


@pytest.mark.parametrize(
    "ages",
    [[30], [23], np.arange(23, 63), np.full(500, 30), np.tile(np.arange(18, 25), 50), [30] * 199 + [60]],
)
def test_whipple_says_nothing_of_few_ages_or_of_ages_that_do_not_spread(ages):
    assert "whipple_index" not in rounding(ages)


def test_whipple_tells_rounding_to_decades():
    assert rounding(np.repeat([30, 40, 50, 60], 25))["whipple_index"] == 500


def test_the_summary_holds_the_numbers_worked_by_hand():
    summary = summarise(
        manifest_of([10, 20, 30, 61], sizes=[(200, 100)] * 3 + [(50, 300)], groups=[0, 1, 1, 2])
    )
    assert summary["n_photos"] == 4
    assert summary["n_duplicate_groups"] == 3
    assert summary["age_years"] == {
        "mean": 30.25,
        "sd": pytest.approx(np.std([10, 20, 30, 61], ddof=1), abs=1e-4),
        "min": 10,
        "quartile_1": 17.5,
        "median": 25,
        "quartile_3": 37.75,
        "max": 61,
    }
    assert summary["share_of_decade"]["60_69"] == 0.25
    assert summary["rounding"]["share_ending_0_or_5"] == 0.75
    assert summary["rounding"]["n_from_23_to_62"] == 2
    assert summary["image_size_px"]["commonest"] == "200 × 100"
    assert summary["image_size_px"]["commonest_share"] == 0.75
    assert summary["image_size_px"]["max_height"] == 300


@pytest.mark.parametrize("ages", [[0], [100], [33, 33, 33], [0, 100]])
def test_the_summary_of_few_or_equal_ages_is_valid_json(ages):
    summary = summarise(manifest_of(ages))
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert ("sd" in summary["age_years"]) == (len(ages) > 1)


def test_a_manifest_without_photos_is_refused():
    with pytest.raises(ValueError, match="no usable photo"):
        summarise(manifest_of([1]).iloc[:0])


def test_chosen_photos_span_all_ages_in_order():
    chosen = choose_photos(manifest_of(np.repeat(np.arange(1, 91), 20)), 10, seed=0)
    assert chosen["real_age"].iloc[0] == 1
    assert chosen["real_age"].iloc[-1] == 90
    assert np.diff(chosen["real_age"]).min() >= 8
    assert np.diff(chosen["real_age"]).max() <= 12


def test_the_seed_decides_which_photos_are_chosen():
    manifest = manifest_of(np.repeat(np.arange(1, 91), 20))
    files = [choose_photos(manifest, 10, seed=seed)["file_name"].tolist() for seed in (0, 0, 1)]
    assert files[0] == files[1] != files[2]


def test_each_photo_is_chosen_once_and_of_duplicates_only_one():
    chosen = choose_photos(manifest_of([5, 5, 5, 80], groups=[0, 0, 1, 2]), 15, seed=3)
    assert sorted(chosen["duplicate_group"]) == [0, 1, 2]


def test_one_photo_or_equal_ages_can_be_chosen_from():
    assert choose_photos(manifest_of([42]), 15, seed=0)["real_age"].tolist() == [42]
    assert choose_photos(manifest_of([7] * 20), 15, seed=0)["file_name"].nunique() == 15


def test_a_preview_is_upright_rgb_and_small(tmp_path):
    image = Image.new("L", (1000, 500))
    image.paste(255, (0, 0, 500, 500))  # left half white
    exif = image.getexif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    image.save(tmp_path / "turned.jpg", exif=exif)
    preview = read_preview(tmp_path / "turned.jpg")
    assert preview.shape == (PREVIEW_SIDE_PX, PREVIEW_SIDE_PX // 2, 3)
    assert preview.dtype == np.uint8
    assert preview[:100].min() > 240
    assert preview[-100:].max() < 15
