import dataclasses

import numpy as np
import pytest
from evaluations import (
    ages,
    estimates,
    evaluation_of,
    history,
    minors_who_look_old,
    one_minor_who_looks_older_than_the_adults,
    swapped_groups,
    usual_evaluation,
)

from shopper_age.evaluation.conclusions import (
    assess_bands,
    assess_groups,
    assess_id_rule,
    assess_intervals,
    assess_training,
    clearly_worse_slices,
)
from shopper_age.metrics.errors import errors_by_band


@pytest.mark.parametrize(
    ("val_mae", "trend"),
    [
        ([8.0, 7.0, 6.0], "improving"),
        ([8.0, 6.0, 6.6], "worsening"),
        ([8.0, 6.0, 6.05], "settled"),
        ([8.0, 6.05, 6.0], "settled"),
        ([7.0], "settled"),
    ],
)
def test_the_last_epoch_against_the_best_shows_where_training_was_going(val_mae, trend):
    assert assess_training(history(val_mae)).trend == trend


def test_the_best_epoch_is_the_one_with_the_lowest_validation_mae():
    training = assess_training(history([8.0, 6.0, 6.5], mae=[9.0, 5.5, 3.0]))
    assert (training.best_epoch, training.best_val_mae, training.last_val_mae) == (2, 6.0, 6.5)
    assert training.has_large_gap
    assert not assess_training(history([8.0, 6.0], mae=[9.0, 5.5])).has_large_gap


def test_an_empty_history_is_refused():
    with pytest.raises(ValueError, match="no epoch"):
        assess_training(history([]))


def test_no_conclusion_rests_on_a_small_band():
    true = np.repeat([25.0, 65.0, 85.0], [60, 40, 2])
    assessed = assess_bands(errors_by_band(true, np.where(true == 85, 40, true - 3)))
    assert [band["age_band"] for band in assessed.too_young] == ["20–29", "60–69"]
    assert assessed.too_old == []
    assert not assessed.is_pulled_inwards
    assert [band["age_band"] for band in assessed.small] == ["80+"]


def test_two_large_bands_are_needed_for_a_best_and_a_worst():
    assessed = assess_bands(errors_by_band([25.0] * 40 + [5.0], [26.0] * 40 + [9.0]))
    assert (assessed.best, assessed.worst) == (None, None)


def test_perfect_estimates_are_good_enough_for_groups_and_wrong_ones_are_not():
    people = ages(100)
    good = assess_groups(evaluation_of(estimates(people, 0), estimates(people, 0)))
    assert (good.is_good_for_shares, good.is_good_for_one_person) == (True, True)
    bad = assess_groups(evaluation_of(estimates(people, 0), estimates(people, 15)))
    assert (bad.is_good_for_shares, bad.is_good_for_one_person) == (False, False)


def test_a_training_error_that_never_fell_has_learnt_nothing():
    flat = assess_training(history([17.2, 17.1, 17.1, 17.1], mae=[20.9, 20.9, 20.85, 20.9]))
    assert flat.trend == "learnt nothing"
    assert assess_training(history([17.2, 17.1], mae=[20.9, 18.0])).trend == "settled"
    assert assess_training(history([17.2], mae=[20.9])).trend != "learnt nothing"


@pytest.mark.parametrize("val_mae", [[9.0, 500.0, 8.0, 7.0], [32_687.0, 20.0, 15.0], [8.0, 9.0, 81.0]])
def test_a_validation_error_that_jumps_by_orders_is_wild(val_mae):
    assert assess_training(history(val_mae, mae=[20.0 - n for n in range(len(val_mae))])).trend == "wild"


def test_swapped_groups_are_good_enough_for_a_report_but_not_for_a_person():
    people, off = swapped_groups()
    assessment = assess_groups(evaluation_of(estimates(people, 0), estimates(people, off)))
    assert (assessment.is_good_for_shares, assessment.is_good_for_one_person) == (True, False)


def id_assessment(n_minors, n_passing, **changes):
    """At validation all minors are estimated 17; of those at the test `n_passing` are estimated 40."""
    people = np.array([16.0] * n_minors + [40.0] * 40)
    off = np.where(np.arange(people.size) < n_passing, 24.0, 0.0)
    validation = estimates([16.0] * 30 + [40.0] * 30, 0)
    evaluation = evaluation_of(validation, estimates(people, off), **changes)
    return assess_id_rule(evaluation.by_age, evaluation)


@pytest.mark.parametrize(
    ("n_minors", "n_passing", "outcome"),
    [(500, 0, "proven"), (100, 0, "met"), (200, 2, "met"), (100, 2, "missed"), (0, 0, "unknown")],
)
def test_the_id_check_is_proven_only_by_enough_minors(n_minors, n_passing, outcome):
    assert id_assessment(n_minors, n_passing).outcome == outcome


def test_a_promise_without_enough_minors_to_settle_it_says_how_many_are_missing():
    few = id_assessment(100, 0)
    assert (few.n_minors_needed, few.n_minors_missing, few.is_guaranteed) == (299, 269, False)
    enough = id_assessment(100, 0, max_false_positive_rate=0.1)
    assert (enough.n_minors_needed, enough.n_minors_missing, enough.is_guaranteed) == (29, 0, True)


@pytest.mark.parametrize(
    ("n_passing", "outcome"),
    # of 100 with an accepted rate of 10 %: luck explains 15 of 100, and 16 no more (binomial, one-sided 95 %)
    [(0, "proven"), (10, "proven"), (15, "proven"), (16, "missed"), (40, "missed")],
)
def test_a_guaranteed_threshold_is_given_up_only_where_the_test_part_speaks_against_it(n_passing, outcome):
    assert id_assessment(100, n_passing, max_false_positive_rate=0.1).outcome == outcome


def test_the_id_check_is_unknown_without_minors_to_choose_by():
    evaluation = evaluation_of(estimates([40.0] * 20, 0), estimates([16.0, 40.0], 0))
    assert assess_id_rule(evaluation.by_age, evaluation).outcome == "unknown"


def test_the_id_check_is_impossible_when_no_threshold_stops_the_minors():
    part = minors_who_look_old()
    evaluation = evaluation_of(part, part)
    assert assess_id_rule(evaluation.by_age, evaluation).outcome == "impossible"


def test_a_rule_that_asks_every_adult_is_found_out():
    part = one_minor_who_looks_older_than_the_adults()
    evaluation = evaluation_of(part, part)
    assessment = assess_id_rule(evaluation.by_age, evaluation)
    assert assessment.asks_everyone
    assert assessment.outcome == "asks everyone"


@pytest.mark.parametrize(("factor", "outcome"), [(1.0, "at level"), (0.3, "too wide"), (2.5, "too narrow")])
def test_intervals_are_at_their_level_when_test_errors_are_like_those_at_validation(factor, outcome):
    rng = np.random.default_rng(0)
    validation = estimates(ages(400, seed=1, youngest=30, oldest=70), rng.normal(0, 4, 400))
    test = estimates(ages(400, seed=2, youngest=30, oldest=70), factor * rng.normal(0, 4, 400))
    assert assess_intervals(evaluation_of(validation, test)).outcome == outcome


def test_the_luck_of_few_validation_photos_is_allowed_for():
    evaluation = usual_evaluation(400)
    coverage = evaluation.intervals.coverage
    coverage.loc[0, ["coverage", "coverage_low", "coverage_high"]] = [0.86, 0.82, 0.89]
    few = dataclasses.replace(evaluation, n_validation=100)
    many = dataclasses.replace(evaluation, n_validation=10_000)
    assert assess_intervals(few).outcome == "at level"
    assert assess_intervals(many).outcome == "too narrow"


def test_a_band_that_is_clearly_below_the_level_is_named_and_a_small_one_is_not():
    people = np.array([20.0] * 100 + [40.0] * 100 + [60.0] * 10)
    test = estimates(people, np.where(people == 20, 0.0, 15.0))
    evaluation = evaluation_of(estimates(people, np.tile([3.0, -3.0], 105)), test)
    assert [band["age_band"] for band in assess_intervals(evaluation).undercovered_bands] == ["35–44"]


def test_a_slice_is_clearly_worse_when_its_whole_interval_lies_above_the_mae_of_all():
    rng = np.random.default_rng(1)
    error = rng.normal(0, 1, 100) * np.repeat([2.0, 9.0], 50)
    evaluation = evaluation_of(estimates(ages(100), error), estimates(ages(100), error))
    assert [row["value"] for row in clearly_worse_slices(evaluation)] == ["B"]


def test_a_small_slice_is_never_called_worse():
    error = np.repeat([1.0, 30.0], 20) + np.tile([0, 0.5], 20)
    evaluation = evaluation_of(estimates(ages(40), error), estimates(ages(40), error))
    assert clearly_worse_slices(evaluation) == []
