import numpy as np
import pytest
from scipy import stats

from shopper_age.metrics.usefulness import (
    MIN_PHOTOS,
    mae_minus_baseline,
    rank_correlation,
    summarise_usefulness,
)

AGES = np.linspace(5, 80, 60)


def _summary(y_true, y_pred, train_ages=AGES):
    return summarise_usefulness(y_true, y_pred, train_ages=train_ages, seed=0)


def test_the_difference_is_that_of_the_same_photos():
    difference, low, high = mae_minus_baseline([20, 40], [21, 38], train_ages=[10, 30, 90], seed=0)
    assert difference == -8.5
    assert (low, high) == (-9.0, -8.0)  # both resamples of one photo alone


def test_one_photo_has_no_interval():
    assert np.isnan(mae_minus_baseline([20], [20], train_ages=[30], seed=0)[1:]).all()


def test_the_rank_correlation_is_spearmans():
    rng = np.random.default_rng(0)
    pred = AGES + rng.normal(0, 15, AGES.size)
    rho, low = rank_correlation(AGES, pred)
    assert rho == pytest.approx(stats.spearmanr(AGES, pred).statistic)
    assert 0 < low < rho


def test_the_lower_end_of_the_rank_correlation_by_hand():
    # rho 0.8 of 5 photos: tanh(artanh 0.8 - 1.96 * sqrt(1.06 / 2)) = tanh(1.0986 - 1.4269) = -0.3170
    rho, low = rank_correlation([1, 2, 3, 4, 5], [1, 3, 2, 5, 4])
    assert rho == pytest.approx(0.8)
    assert low == pytest.approx(-0.3170, abs=1e-4)


@pytest.mark.parametrize(
    ("true", "pred"), [([20, 30, 40, 50], [30] * 4), ([30] * 4, [20, 30, 40, 50]), ([1, 2, 3], [1, 2, 3])]
)
def test_nothing_that_varies_shows_no_order(true, pred):
    assert rank_correlation(true, pred) == (0.0, -1.0)


def test_a_perfect_model_is_of_use_from_the_least_number_of_photos_on():
    for n, is_useful in ((MIN_PHOTOS - 1, False), (MIN_PHOTOS, True)):
        ages = np.linspace(5, 80, n)
        assert _summary(ages, ages)["is_useful"] is is_useful


@pytest.mark.parametrize(
    "pred",
    [
        np.full(60, 30.0),  # one answer for everybody
        np.full(60, -5000.0),
        AGES[::-1],  # the young are old
        np.random.default_rng(1).uniform(5, 80, 60),  # no relation
    ],
)
def test_estimates_that_decide_nothing_are_of_no_use(pred):
    assert _summary(AGES, pred)["is_useful"] is False


def test_beating_the_median_of_other_ages_by_one_answer_is_of_no_use():
    summary = _summary(AGES, np.full(60, 42.0), train_ages=[5.0, 6.0])
    assert summary["mae_minus_baseline_high"] < 0
    assert summary["is_useful"] is False
