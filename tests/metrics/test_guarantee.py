import numpy as np
import pytest
from scipy.stats import binom, binomtest, norm

from shopper_age.metrics.guarantee import choose, guaranteed_threshold, minors_needed
from shopper_age.metrics.id_check import MINORS, choose_threshold, rates_by_threshold_age


def rates_of(estimates):
    """The rates of 16-year-olds with these estimates."""
    return rates_by_threshold_age([16] * len(estimates), estimates, legal_age=18, minors_from=14)


def test_the_example_worked_by_hand():
    rates = rates_of([16] * 298 + [29])
    assert 0.0494 < 0.99**299 < 0.0496
    assert guaranteed_threshold(rates, max_false_positive_rate=0.01, guarantee=0.95) == 30
    assert choose_threshold(rates, max_false_positive_rate=0.01) == 18  # one of 299 is 0.3 %


@pytest.mark.parametrize(
    ("rate", "guarantee", "needed"),
    [(0.01, 0.95, 299), (0.05, 0.95, 59), (0.1, 0.95, 29), (0.5, 0.5, 1), (0.01, 0.99, 459), (1, 0.95, 0)],
)
def test_the_fewest_minors_are_those_of_whom_none_may_pass(rate, guarantee, needed):
    assert minors_needed(rate, guarantee) == needed
    if needed:
        chosen = [
            guaranteed_threshold(rates_of([16] * n), max_false_positive_rate=rate, guarantee=guarantee)
            for n in (needed - 1, needed)
            if n
        ]
        assert chosen[-1] == 18
        assert chosen[:-1] in ([], [None])


def test_no_number_of_people_proves_that_nobody_passes():
    assert minors_needed(0, 0.95) is None


def test_the_threshold_is_the_laxest_before_the_first_that_fails():
    rng = np.random.default_rng(0)
    rates = rates_of(rng.normal(22, 6, 2000))
    chosen = guaranteed_threshold(rates, max_false_positive_rate=0.02, guarantee=0.9)
    minors = rates[rates["group"] == MINORS].set_index("threshold")
    for threshold, row in minors.iterrows():
        bound = binomtest(int(row["n_hits"]), 2000).proportion_ci(0.8, method="exact").high  # 10 % at the end
        assert (bound <= 0.02) == (threshold >= chosen), threshold


@pytest.mark.parametrize("estimates", [[], [60] * 1000, [16] * 10])
def test_without_a_proof_the_observed_rate_chooses(estimates):
    found = choose(rates_of(estimates), max_false_positive_rate=0.01, guarantee=0.95)
    assert not found.is_guaranteed
    assert found.n_minors == len(estimates)
    assert found.threshold == (18 if estimates and estimates[0] == 16 else None)


def test_the_promise_is_kept_as_often_as_it_says():
    rng = np.random.default_rng(1)
    mean, sd, accepted = 18.0, 6.0, 0.05
    broken = {"guaranteed": 0, "observed": 0}
    for _ in range(300):
        rates = rates_of(rng.normal(mean, sd, 400))
        chosen = {
            "guaranteed": guaranteed_threshold(rates, max_false_positive_rate=accepted, guarantee=0.9),
            "observed": choose_threshold(rates, max_false_positive_rate=accepted),
        }
        for way, threshold in chosen.items():
            broken[way] += norm.sf(threshold, mean, sd) > accepted
    # 30 of 300 may break; more than 45 would come to pass once in 400 times
    assert binom.sf(45, 300, 0.1) < 1 / 400
    assert broken["guaranteed"] <= 45
    assert broken["observed"] > broken["guaranteed"]
