import json
import warnings

import numpy as np
import pytest

from shopper_age.metrics.interval_rule import IntervalRule, is_narrow
from shopper_age.metrics.intervals import (
    Abstention,
    abstention,
    conformal_quantile,
    conformal_rank,
    coverage_table,
    fit_intervals,
)


def textbook_quantile(scores, level):
    """The smallest score that at least ⌈(n + 1) · level⌉ of the scores do not exceed, in whole percent."""
    n_needed = -(-(len(scores) + 1) * round(100 * level) // 100)
    return next(score for score in sorted(scores) if np.sum(scores <= score) >= n_needed)


@pytest.fixture(scope="module")
def photos():
    rng = np.random.default_rng(2)
    y_true = rng.integers(0, 90, 3000).astype(float)
    difficulty = 2 + y_true / 15
    return y_true, y_true + rng.normal(0, difficulty), difficulty


def test_nine_photos_take_the_largest_error_for_nine_in_ten():
    rule = fit_intervals(np.arange(9) + 30.0, np.full(9, 30.0), level=0.9)
    assert rule.quantiles == (8.0,)


def test_nineteen_photos_leave_one_error_out():
    rule = fit_intervals(np.arange(19) + 30.0, np.full(19, 30.0), level=0.9)
    assert rule.quantiles == (17.0,)


def test_a_rounding_error_of_the_level_does_not_take_the_next_larger_score():
    assert 100 * 0.55 > 55  # in floating point
    assert conformal_rank(99, 0.55) == 55
    assert conformal_quantile(np.arange(1, 100), 0.55) == 55


def test_equal_scores_are_a_quantile_like_any():
    assert conformal_quantile([2, 1, 2, 2, 2, 2, 2, 2, 3], 0.8) == 2


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("n_photos", [19, 39, 100, 757])
def test_the_quantile_is_the_textbook_one(photos, level, n_photos):
    y_true, y_pred, difficulty = (values[:n_photos] for values in photos)
    rule = fit_intervals(y_true, y_pred, difficulty, level=level)
    assert rule.quantiles == (textbook_quantile(np.abs(y_true - y_pred) / difficulty, level),)


def test_each_band_of_the_estimate_has_its_own_quantile(photos):
    y_true, y_pred, _ = photos
    rule = fit_intervals(y_true, y_pred, level=0.9, edges=(0, 30, 60))
    in_band = (y_pred >= 30) & (y_pred < 60)
    assert rule.quantiles[1] == textbook_quantile(np.abs(y_true - y_pred)[in_band], 0.9)
    assert rule.n_photos[1] == in_band.sum()
    assert rule.quantiles[0] < rule.quantiles[1] < rule.quantiles[2]


def test_a_band_with_too_few_photos_takes_the_quantile_of_all():
    y_true, y_pred = np.arange(20) + 30.0, np.append(np.full(19, 30.0), 70.0)
    rule = fit_intervals(y_true, y_pred, level=0.9, edges=(0, 60))
    assert rule.n_photos == (19, 20)
    assert rule.quantiles == (17.0, 18.0)


@pytest.mark.parametrize("n_photos", [0, 1, 8])
def test_too_few_photos_for_the_level_mean_any_age_without_a_warning(n_photos):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rule = fit_intervals(np.full(n_photos, 20.0), np.full(n_photos, 21.0), level=0.9)
    assert rule.quantiles == (None,)
    low, high = rule.apply([40.0])
    assert (low.tolist(), high.tolist()) == ([0], [100])


def test_intervals_end_within_a_human_life_and_scale_with_difficulty():
    rule = IntervalRule(level=0.9, has_difficulty=True, edges=(0,), quantiles=(2.0,), n_photos=(100,))
    low, high = rule.apply([3, 50, 97], [2, 4, 3])
    assert low.tolist() == [0, 42, 91]
    assert high.tolist() == [7, 58, 100]


def test_new_photos_are_covered_as_often_as_the_level_says(photos):
    y_true, y_pred, difficulty = photos
    rule = fit_intervals(y_true[:1500], y_pred[:1500], difficulty[:1500], level=0.9)
    low, high = rule.apply(y_pred[1500:], difficulty[1500:])
    table = coverage_table(y_true[1500:], low, high, edges=(0, 30, 60)).set_index("age_band")
    assert table["coverage"].between(0.87, 0.93).all()
    assert table.loc["0–29", "mean_width"] < table.loc["60+", "mean_width"]


def test_the_rule_survives_json(photos):
    rule = fit_intervals(*photos, level=0.9, edges=(0, 30, 95, 110))
    reread = IntervalRule.from_dict(json.loads(json.dumps(rule.to_dict(), allow_nan=False)))
    assert reread == rule
    np.testing.assert_array_equal(reread.apply([20, 99.0], [2, 3]), rule.apply([20, 99.0], [2, 3]))


def test_difficulty_must_be_given_to_both_or_to_neither(photos):
    y_true, y_pred, difficulty = photos
    with pytest.raises(ValueError, match="without difficulty"):
        fit_intervals(y_true, y_pred, level=0.9).apply(y_pred, difficulty)
    with pytest.raises(ValueError, match="with difficulty"):
        fit_intervals(y_true, y_pred, difficulty, level=0.9).apply(y_pred)


@pytest.mark.parametrize("difficulty", [[0.0], [-1.0], [np.nan], [np.inf]])
def test_difficulty_must_be_positive(difficulty):
    with pytest.raises(ValueError, match="positive"):
        fit_intervals([20.0], [20.0], difficulty, level=0.9)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="share one shape"):
        fit_intervals([20.0, 30.0], [20.0], level=0.9)
    with pytest.raises(ValueError, match="share one shape"):
        fit_intervals([20.0], [20.0], [1.0, 2.0], level=0.9)


def test_coverage_counts_the_ends_of_the_interval_and_shows_empty_bands():
    table = coverage_table([20, 30, 31], [20, 25, 20], [24, 30, 30], edges=(0, 18, 30)).set_index("age_band")
    assert table["n"].tolist() == [3, 0, 1, 2]
    assert table["coverage"].tolist() == pytest.approx([2 / 3, np.nan, 1, 0.5], nan_ok=True)
    assert table["mean_width"].tolist() == pytest.approx([19 / 3, np.nan, 4, 7.5], nan_ok=True)
    assert table.loc["30+", "coverage_high"] == pytest.approx(0.9874, abs=1e-4)


def test_abstaining_where_the_interval_is_wide_leaves_the_smaller_errors():
    is_answered = is_narrow([15, 25, 30, 40], [25, 35, 60, 90], max_width=10)
    assert is_answered.tolist() == [True, True, False, False]
    found = abstention([20, 30, 40, 50], [21, 33, 50, 64], is_answered)
    assert found == Abstention(n=4, n_answered=2, rate=0.5, mae_answered=2.0, mae_abstained=12.0)


def test_abstaining_always_or_never_leaves_one_error_unknown():
    assert np.isnan(abstention([20], [25], [False]).mae_answered)
    assert np.isnan(abstention([20], [25], [True]).mae_abstained)
