import numpy as np
import pytest
from scipy.stats import binomtest

from shopper_age.metrics.id_check import (
    ALL_ADULTS,
    MINORS,
    PROBABILITY_LIMITS,
    choose_threshold,
    rates_at,
    rates_by_probability_limit,
    rates_by_threshold_age,
    rates_of_threshold,
    trade_off,
)

#        a child and three teenagers, then five adults
TRUE = [10, 14, 17, 17.9, 18, 24, 29, 35, 70]
PRED = [12, 25, 19, 24.9, 17, 25, 40, 24, 61]


@pytest.fixture
def rates():
    return rates_by_threshold_age(TRUE, PRED, legal_age=18, minors_from=14)


@pytest.fixture(scope="module")
def many():
    rng = np.random.default_rng(5)
    y_true = rng.integers(0, 90, 4000).astype(float)
    return y_true, y_true + rng.normal(0, 6, 4000)


def counts(table, threshold):
    return {group: (int(row.n_hits), int(row.n)) for group, row in rates_at(table, threshold).iterrows()}


def test_challenge_25_gives_the_counts_worked_by_hand(rates):
    assert counts(rates, 25) == {
        "minors": (1, 3),  # the 14-year-old taken for exactly 25
        "17": (0, 2),
        "younger children": (0, 1),
        "all adults": (2, 5),  # taken for 17 and 24
        "18–24": (1, 2),
        "25–29": (0, 1),
        "30–39": (1, 1),
        "40+": (0, 1),
    }


def test_an_estimate_of_exactly_the_threshold_is_not_asked():
    table = rates_by_threshold_age([17, 30], [21.0, 21.0], legal_age=18)
    assert counts(table, 21)[MINORS] == (1, 1)
    assert counts(table, 21)[ALL_ADULTS] == (0, 1)
    assert counts(table, 22)[MINORS] == (0, 1)
    assert counts(table, 22)[ALL_ADULTS] == (1, 1)


def test_every_whole_year_from_the_legal_age_to_fifty_is_a_threshold(rates):
    assert rates["threshold"].unique().tolist() == list(range(18, 51))
    assert len(rates) == 33 * 8


def test_rates_and_intervals_agree_with_scipy(rates):
    row = rates_at(rates, 21).loc["minors"]
    assert row["rate"] == pytest.approx(2 / 3)
    expected = binomtest(2, 3).proportion_ci(method="exact")
    assert (row["low"], row["high"]) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_counts_agree_with_asking_each_person(many):
    y_true, y_pred = many
    table = rates_by_threshold_age(y_true, y_pred, legal_age=18)
    for threshold in (18, 25, 37):
        asked = y_pred < threshold
        found = counts(table, threshold)
        assert found[MINORS] == ((~asked & (y_true < 18)).sum(), (y_true < 18).sum())
        assert found["30–39"] == ((asked & (y_true // 10 == 3)).sum(), (y_true // 10 == 3).sum())


@pytest.mark.parametrize(
    ("legal_age", "expected"),
    [
        (21, ["minors", "20", "all adults", "21–24", "25–29", "30–39", "40+"]),
        (40, ["minors", "39", "all adults", "40+"]),
        (2, ["minors", "1", "all adults", "2–24", "25–29", "30–39", "40+"]),
    ],
)
def test_other_legal_ages_have_their_own_groups(legal_age, expected):
    table = rates_by_threshold_age([20, 22], [20, 22], legal_age=legal_age)
    assert table["group"].unique().tolist() == expected
    assert table["threshold"].iloc[0] == legal_age


def test_groups_without_people_have_a_count_of_zero_and_no_rate():
    table = rates_by_threshold_age([40], [38], legal_age=18)
    row = rates_at(table, 25).loc["17"]
    assert row["n"] == row["n_hits"] == 0
    assert row[["rate", "low", "high"]].isna().all()


def test_the_smallest_threshold_that_is_strict_enough_is_chosen(rates):
    # estimates of minors: 12, 19, 24.9, 25; at most a quarter may pass, which 25 is the first to reach
    assert choose_threshold(rates, max_false_positive_rate=0.34) == 25
    assert choose_threshold(rates, max_false_positive_rate=0.33) == 26
    assert choose_threshold(rates, max_false_positive_rate=1) == 18


def test_a_rate_equal_to_the_limit_is_good_enough():
    y_true, y_pred = np.full(100, 17), np.append(np.full(99, 16.0), 30.0)
    assert (
        choose_threshold(rates_by_threshold_age(y_true, y_pred, legal_age=18), max_false_positive_rate=0.01)
        == 18
    )


def test_no_threshold_is_chosen_when_none_is_strict_enough():
    table = rates_by_threshold_age([17, 40], [60, 40], legal_age=18)
    assert choose_threshold(table, max_false_positive_rate=0.01) is None


def test_without_minors_no_threshold_is_chosen_and_their_rates_are_not_known():
    table = rates_by_threshold_age([30, 40], [20, 40], legal_age=18)
    assert choose_threshold(table, max_false_positive_rate=0.01) is None
    found = rates_of_threshold(table, 25)
    assert (found.n_minors, found.n_passed, found.n_adults) == (0, 0, 2)
    assert np.isnan([found.false_positive_rate, found.low, found.high, found.upper_bound]).all()
    assert found.id_request_rate == 0.5


def test_one_minor_who_is_caught_leaves_almost_any_rate_possible():
    found = rates_of_threshold(rates_by_threshold_age([16], [16], legal_age=18), 25)
    assert (found.n_minors, found.n_passed, found.false_positive_rate, found.low) == (1, 0, 0, 0)
    assert found.high == pytest.approx(0.975)
    assert found.upper_bound == pytest.approx(0.95)
    assert found.n_adults == 0
    assert np.isnan(found.id_request_rate)


def test_the_rates_of_a_threshold_are_those_of_all_minors_and_all_adults(rates):
    found = rates_of_threshold(rates, 25)
    assert (found.n_passed, found.n_minors, found.n_adults) == (1, 3, 5)
    assert (found.false_positive_rate, found.id_request_rate) == (1 / 3, 2 / 5)
    interval, one_sided = (binomtest(1, 3).proportion_ci(level, method="exact") for level in (0.95, 0.9))
    assert (found.low, found.high) == (pytest.approx(interval.low), pytest.approx(interval.high))
    assert found.upper_bound == pytest.approx(one_sided.high)


def test_a_threshold_that_is_not_in_the_table_is_refused(rates):
    with pytest.raises(ValueError, match="no threshold 17"):
        rates_at(rates, 17)


def test_the_probability_rule_asks_above_the_limit_and_not_at_it():
    table = rates_by_probability_limit(
        [16, 17, 20, 50], [0.9, 0.2, 0.2, 0.05], legal_age=18, limits=[0.2, 0.1, 0.05]
    )
    assert counts(table, 0.2)[MINORS] == (1, 2)
    assert counts(table, 0.2)[ALL_ADULTS] == (0, 2)
    assert counts(table, 0.1)[MINORS] == (0, 2)
    assert counts(table, 0.05)[ALL_ADULTS] == (1, 2)
    assert choose_threshold(table, max_false_positive_rate=0.01) == 0.1


def test_probability_limits_fall_to_zero_where_everybody_with_a_trace_of_doubt_is_asked():
    assert list(PROBABILITY_LIMITS) == sorted(set(PROBABILITY_LIMITS), reverse=True)
    assert PROBABILITY_LIMITS[0] == 0.99
    assert PROBABILITY_LIMITS[-1] == 0


def test_the_trade_off_falls_from_lax_to_strict(many):
    curve = trade_off(rates_by_threshold_age(*many, legal_age=18))
    assert curve["threshold"].tolist() == list(range(18, 51))
    assert curve["false_positive_rate"].is_monotonic_decreasing
    assert curve["id_request_rate"].is_monotonic_increasing


def test_the_trade_off_of_the_probability_rule_keeps_the_order_of_the_limits():
    curve = trade_off(rates_by_probability_limit([16, 40], [0.5, 0.1], legal_age=18, limits=[0.5, 0.4, 0.0]))
    assert curve["threshold"].tolist() == [0.5, 0.4, 0.0]
    assert curve["false_positive_rate"].tolist() == [1, 0, 0]
    assert curve["id_request_rate"].tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("y_true", "y_pred", "message"),
    [([20, 30], [20], "share one shape"), ([[20]], [[20]], "share one shape"), ([20], [np.nan], "finite")],
)
def test_input_that_cannot_be_compared_is_refused(y_true, y_pred, message):
    with pytest.raises(ValueError, match=message):
        rates_by_threshold_age(y_true, y_pred, legal_age=18)


@pytest.mark.parametrize(("n_minors", "is_proven"), [(298, False), (299, True)])
def test_to_rule_out_one_percent_takes_299_minors_of_whom_none_passes(n_minors, is_proven):
    # 0.99 ** 299 is the first power of 0.99 below 5 %
    table = rates_by_threshold_age([16] * n_minors, [16] * n_minors, legal_age=18)
    assert (rates_of_threshold(table, 25).upper_bound <= 0.01) == is_proven


def test_who_gets_no_answer_is_below_every_threshold():
    table = rates_by_threshold_age([16, 17, 30, 40], [60, 60, 60, 60], legal_age=18, is_answered=[1, 0, 1, 0])
    assert counts(table, 25)[MINORS] == (1, 2)
    assert counts(table, 25)[ALL_ADULTS] == (1, 2)
    limits = rates_by_probability_limit([16, 17], [0, 0], legal_age=18, is_answered=[True, False])
    assert counts(limits, 0.5)[MINORS] == (1, 2)
    with pytest.raises(ValueError, match="answers"):
        rates_by_threshold_age([16, 17], [16, 17], legal_age=18, is_answered=[True])


@pytest.mark.parametrize("minors_from", [-1, 18, 30])
def test_the_youngest_minors_are_below_the_legal_age(minors_from):
    with pytest.raises(ValueError, match="minors_from must lie below the legal age 18"):
        rates_by_threshold_age([16], [16], legal_age=18, minors_from=minors_from)


def test_without_younger_children_there_is_no_group_of_them():
    assert "younger children" not in {*rates_by_threshold_age([16], [16], legal_age=18)["group"]}
