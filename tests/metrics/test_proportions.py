import numpy as np
import pytest
from scipy.stats import binomtest

from shopper_age.metrics.proportions import exact_interval, holm, share


def test_the_exact_interval_agrees_with_scipy_for_every_count_of_twelve():
    low, high = exact_interval(np.arange(13), 12, level=0.9)
    for n_hits in range(13):
        expected = binomtest(n_hits, 12).proportion_ci(0.9, method="exact")
        assert low[n_hits] == pytest.approx(expected.low, abs=1e-12)
        assert high[n_hits] == pytest.approx(expected.high, abs=1e-12)


def test_the_interval_of_zero_hits_can_be_worked_by_hand():
    low, high = exact_interval(0, 10)
    assert low == 0
    assert high == pytest.approx(1 - 0.025 ** (1 / 10))


def test_all_hits_reach_one():
    low, high = exact_interval(1, 1)
    assert (low.item(), high.item()) == (pytest.approx(0.025), 1.0)


def test_nothing_seen_is_not_a_rate_of_zero():
    assert np.isnan(share(0, 0))
    assert np.isnan(exact_interval(0, 0)).all()
    np.testing.assert_array_equal(share([0, 3, 0], [4, 4, 0]), [0, 0.75, np.nan])


@pytest.mark.parametrize("n_hits", [-1, 5])
def test_impossible_counts_are_refused(n_hits):
    with pytest.raises(ValueError, match="between 0 and its total"):
        exact_interval(n_hits, 4)


@pytest.mark.parametrize(("n_all", "most"), [(100, 0.0295), (1, 0.95), (299, 0.01)])
def test_none_of_a_hundred_proves_a_rate_below_three_percent(n_all, most):
    _, high = exact_interval(0, n_all, level=0.9)  # one-sided 95 %
    assert high == pytest.approx(most, abs=1e-4)


def test_holm_can_be_worked_by_hand():
    # 0.01 × 3, then 0.03 × 2, then 0.04 × 1, which is raised to the one before
    assert holm([0.01, 0.04, 0.03]).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, np.nan, 0.9]).tolist() == pytest.approx([1, np.nan, 1], nan_ok=True)
    assert holm([]).tolist() == []


def test_holm_raises_few_false_alarms_over_many_tests():
    rng = np.random.default_rng(1)
    alarms = sum((holm(rng.random(20)) < 0.05).any() for _ in range(2_000))
    assert 0.03 < alarms / 2_000 < 0.07
