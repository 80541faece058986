import math
import time

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sklearn_metrics

from shopper_age.metrics.errors import (
    baseline_mae,
    bias,
    cs5,
    errors,
    errors_by_band,
    label_issues,
    mae,
    mae_interval,
    mean_interval,
    rank_by_error,
    rmse,
    summarise,
)

TRUE, PRED = [20, 30, 40], [22, 29, 46]


@pytest.fixture(scope="module")
def many():
    rng = np.random.default_rng(3)
    y_true = rng.integers(1, 90, 700).astype(float)
    return y_true, y_true + rng.normal(0.5, 7, 700)


def test_three_photos_give_the_numbers_worked_by_hand():
    assert mae(TRUE, PRED) == pytest.approx(3)
    assert rmse(TRUE, PRED) == pytest.approx(math.sqrt(41 / 3))
    assert bias(TRUE, PRED) == pytest.approx(7 / 3)


def test_bias_is_negative_when_people_are_estimated_too_young():
    assert bias([60], [50]) == -10


def test_errors_agree_with_scikit_learn(many):
    assert mae(*many) == pytest.approx(sklearn_metrics.mean_absolute_error(*many))
    assert rmse(*many) == pytest.approx(sklearn_metrics.root_mean_squared_error(*many))


def test_an_error_of_exactly_five_years_counts_as_within_five_either_way():
    assert cs5([20, 30, 40], [25, 25, 46]) == pytest.approx(2 / 3)
    assert cs5([20], [25.001]) == 0


def test_the_bootstrap_interval_agrees_with_the_normal_one_for_many_photos(many):
    absolute = np.abs(errors(*many))
    half = 1.96 * absolute.std(ddof=1) / math.sqrt(absolute.size)
    low, high = mae_interval(*many, seed=0)
    assert low == pytest.approx(absolute.mean() - half, abs=0.05)
    assert high == pytest.approx(absolute.mean() + half, abs=0.05)


def test_the_bootstrap_interval_repeats_with_its_seed_and_widens_with_its_level(many):
    low, high = mae_interval(*many, seed=5)
    assert (low, high) == mae_interval(*many, seed=5)
    assert (low, high) != mae_interval(*many, seed=6)
    wide_low, wide_high = mae_interval(*many, seed=5, level=0.999)
    assert wide_low < low < high < wide_high


def test_batches_of_resamples_do_not_change_the_interval(many, monkeypatch):
    whole = mae_interval(*many, seed=0, n_resamples=50)
    monkeypatch.setattr("shopper_age.metrics.errors._BOOTSTRAP_CELLS", 1)
    assert mae_interval(*many, seed=0, n_resamples=50) == pytest.approx(whole)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9])
def test_the_interval_of_many_photos_is_that_of_the_binomial_which_resampling_would_approach(share):
    n = 200_000
    values = np.repeat([1.0, 0.0], [int(n * share), n - int(n * share)])

    low, high = mean_interval(values, seed=0)

    exact_low, exact_high = stats.binom.ppf([0.025, 0.975], n, share) / n
    assert low == pytest.approx(exact_low, abs=0.01 * (exact_high - exact_low))
    assert high == pytest.approx(exact_high, abs=0.01 * (exact_high - exact_low))


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_the_interval_of_many_photos_is_that_of_very_many_resamples(level):
    rng = np.random.default_rng(0)
    counts = 11 * np.bincount(np.abs(np.round(rng.laplace(0, 5, 1000))).astype(int))
    years = np.arange(counts.size)
    n = counts.sum()
    means = rng.multinomial(n, counts / n, size=200_000) @ years / n

    low, high = mean_interval(np.repeat(years, counts).astype(float), seed=0, level=level)

    exact_low, exact_high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    assert (low, high) == pytest.approx((exact_low, exact_high), abs=0.01 * (exact_high - exact_low))


def test_many_photos_take_no_second():
    values = np.random.default_rng(0).exponential(5, 1_000_000)

    begin = time.perf_counter()
    mean_interval(values, seed=0)

    assert time.perf_counter() - begin < 1


def test_many_photos_are_resampled_where_one_outweighs_the_others():
    values = np.append(np.abs(np.random.default_rng(0).normal(0, 6, 10_000)), 50_000)

    low, high = mean_interval(values, seed=0)

    # it is in a resample k times with the Poisson probability of k
    assert low == pytest.approx(values[:-1].mean(), abs=0.3)
    assert high == pytest.approx(values[:-1].mean() + 3 * 5, abs=0.3)
    assert mean_interval(np.full(20_000, 3.0), seed=0) == (3, 3)


def test_one_photo_has_an_error_but_no_interval():
    assert mae([20], [23]) == 3
    assert all(math.isnan(bound) for bound in mae_interval([20], [23], seed=0))


def test_the_largest_error_ranks_first_whichever_its_sign_and_ties_keep_their_order():
    assert rank_by_error([2, -3, 3, -12]).tolist() == [3, 1, 2, 0]


def test_bands_are_of_true_age_and_an_empty_one_keeps_its_row():
    table = errors_by_band([9, 10, 19.5, 85], [12, 8, 19.5, 65])
    assert table["age_band"].tolist()[:3] == ["0–9", "10–19", "20–29"]
    assert table["n"].tolist() == [1, 2, 0, 0, 0, 0, 0, 0, 1]
    assert table["mae"].tolist()[:2] == [3, 1]
    assert table["bias"].tolist()[:2] == [3, -1]
    assert table.loc[2, ["mae", "bias"]].isna().all()
    assert table.loc[8, "bias"] == -20


def test_band_edges_are_the_callers():
    table = errors_by_band([17, 18], [20, 20], edges=(0, 18))
    assert table.to_dict("list") == {"age_band": ["0–17", "18+"], "n": [1, 1], "mae": [3, 2], "bias": [3, 2]}


def test_the_baseline_answers_with_the_median_of_the_training_ages_not_of_the_test_ages():
    assert baseline_mae([20, 30, 40], [10, 30, 80]) == pytest.approx(20 / 3)
    assert baseline_mae([20, 30, 40], [0, 0, 0]) == 30


def test_the_baseline_needs_training_ages():
    with pytest.raises(ValueError, match="training photos"):
        baseline_mae([20], [])


def test_the_requirement_is_met_when_just_reached():
    assert summarise([25], [33], train_ages=[30], max_mae=8, seed=0)["meets_requirement"] is True
    assert summarise([25], [33.0001], train_ages=[30], max_mae=8, seed=0)["meets_requirement"] is False


def test_a_column_of_outputs_is_refused_instead_of_broadcast():
    with pytest.raises(ValueError, match=r"\(3,\) and \(3, 1\)"):
        mae(TRUE, np.array(PRED)[:, None])


def test_no_photo_at_all_is_refused():
    with pytest.raises(ValueError, match="no photo to evaluate"):
        mae([], [])


def test_estimates_that_are_not_finite_are_counted():
    with pytest.raises(ValueError, match="2 of 3"):
        mae(TRUE, [math.nan, 30, math.inf])


def test_the_summary_is_flat_and_leaves_out_what_cannot_be_computed():
    summary = summarise([25], [28.00004], train_ages=[30], max_mae=8, seed=0)
    assert summary == {
        "n_test": 1,
        "mae": 3.0,
        "rmse": 3.0,
        "bias": 3.0,
        "cs5": 1.0,
        "baseline_mae": 5.0,
        "mae_age_20_29": 3.0,
        "bias_age_20_29": 3.0,
        "meets_requirement": True,
    }


def test_the_summary_holds_the_interval_around_the_mae(many):
    summary = summarise(*many, train_ages=many[0], max_mae=1, seed=0)
    assert summary["mae_low"] < summary["mae"] < summary["mae_high"]
    assert summary["meets_requirement"] is False
    assert summary["n_test"] == 700
    assert summary["mae_age_80_plus"] > 0


def test_a_label_is_an_issue_when_the_error_is_large_for_how_certain_the_model_is():
    table = label_issues(["a", "b", "c"], [20, 30, 60], [26, 42, 40], [2, 12, 5], n_rows=2)
    assert table["file_name"].tolist() == ["c", "a"]
    assert table["standardized_error"].tolist() == [4, 3]
    assert table["error"].tolist() == [-20, 6]
    assert table.columns.tolist() == ["file_name", "real_age", "predicted_age", "error", "standardized_error"]


def test_without_distributions_the_largest_error_is_the_first_label_issue():
    table = label_issues(["a", "b", "c"], [20, 30, 60], [26, 42, 40])
    assert table["file_name"].tolist() == ["c", "b", "a"]
    assert table["standardized_error"].tolist() == [20, 12, 6]


@pytest.mark.parametrize("age_sd", [[1.0], [1.0, 0.0]])
def test_every_photo_needs_a_standard_deviation(age_sd):
    with pytest.raises(ValueError, match="each of 2 photos"):
        label_issues(["a", "b"], [20, 30], [26, 42], age_sd)


def test_the_interval_is_as_wide_as_the_people_are_few():
    # every photo of a person errs alike: ten photos of each tell no more than one
    off = np.random.default_rng(0).gamma(2, 3, 40)
    alone = mae_interval(np.zeros(40), off, seed=0)
    people = np.repeat(np.arange(40), 10)
    together = mae_interval(np.zeros(400), np.repeat(off, 10), seed=0, people=people)
    as_photos = mae_interval(np.zeros(400), np.repeat(off, 10), seed=0)
    width = alone[1] - alone[0]
    assert together == pytest.approx(alone, abs=0.1 * width)
    assert as_photos[1] - as_photos[0] < 0.4 * width


def test_photos_of_one_person_have_no_interval_and_people_of_one_photo_the_usual_one():
    off = np.arange(9.0)
    assert np.isnan(mae_interval(np.zeros(9), off, seed=0, people=[7] * 9)).all()
    assert mae_interval(np.zeros(9), off, seed=0, people=range(9)) == mae_interval(np.zeros(9), off, seed=0)


@pytest.mark.parametrize("per_person", [1, 3])
def test_the_interval_of_very_many_people_is_that_of_the_bootstrap(per_person, monkeypatch):
    monkeypatch.setattr("shopper_age.metrics.errors.MANY_PEOPLE", 2_000)
    off = np.repeat(np.random.default_rng(0).gamma(1, 4, 2_001), per_person)
    off += np.random.default_rng(1).gamma(1, 1, off.size)
    people = np.arange(off.size) // per_person
    normal = mae_interval(np.zeros(off.size), off, seed=0, people=people)
    monkeypatch.setattr("shopper_age.metrics.errors.MANY_PEOPLE", 3_000)
    bootstrap = mae_interval(np.zeros(off.size), off, seed=0, people=people)
    assert normal == pytest.approx(bootstrap, abs=0.1 * (normal[1] - normal[0]))
