import dataclasses
import json
import re

import numpy as np
import pytest
from evaluations import PARAMS, ages, estimates, evaluation_of, usual_evaluation
from metrics_docs import explained

from shopper_age.evaluation.parts import PartEstimates
from shopper_age.inference.estimates import Estimates
from shopper_age.metrics.errors import mae


@pytest.fixture(scope="module")
def usual():
    return usual_evaluation()


@pytest.fixture(scope="module")
def without_distribution():
    return usual_evaluation(sd=None)


def test_the_threshold_is_chosen_on_validation_and_measured_on_test():
    # of the 16-year-olds at validation, none is estimated above 20; at the test all are estimated 26
    people = np.array([16.0] * 30 + [40.0] * 30)
    validation = estimates(people, np.array([4.0] * 30 + [0.0] * 30))
    evaluation = evaluation_of(validation, estimates(people, np.array([10.0] * 30 + [0.0] * 30)))
    assert evaluation.by_age.chosen == 21
    assert evaluation.metrics["id_threshold_age"] == 21
    assert evaluation.metrics["id_false_positive_rate"] == 1
    assert evaluation.metrics["id_meets"] is False
    assert evaluation.metrics["id_request_rate"] == 0
    assert evaluation.metrics["id_false_positive_rate_at_30"] == 0


def test_interval_widths_come_from_validation():
    n = 200
    validation = estimates(ages(n), np.tile([-6.0, 6.0], n // 2))
    evaluation = evaluation_of(validation, estimates(ages(n, youngest=30, oldest=60), np.zeros(n)))
    width = evaluation.intervals.high - evaluation.intervals.low
    assert width == pytest.approx(12, abs=0.1)
    assert evaluation.metrics["interval_coverage"] == 1
    assert evaluation.metrics["interval_mean_width"] == pytest.approx(12, abs=0.1)


def test_photos_whose_interval_is_too_wide_are_not_answered():
    # intervals of 12 years are wider than 10
    n = 200
    validation = estimates(ages(n), np.tile([-6.0, 6.0], n // 2))
    test = estimates(ages(n, youngest=30, oldest=60), np.ones(n))
    evaluation = evaluation_of(validation, test, max_interval_width=10.0)
    assert evaluation.metrics["abstain_rate"] == 1
    assert "mae_answered" not in evaluation.metrics


def test_the_metrics_are_flat_finite_numbers_that_json_takes(usual):
    assert json.loads(json.dumps(usual.metrics, allow_nan=False)) == usual.metrics
    assert {type(value) for value in usual.metrics.values()} <= {int, float, bool}
    assert usual.metrics["mae"] == pytest.approx(mae(usual.test.y_true, usual.test.y_pred), abs=1e-4)
    assert 0.8 < usual.metrics["interval_coverage"] < 1
    assert {"group_accuracy", "id_calibration_error", "id_probability_limit", "cs5"} <= set(usual.metrics)


def test_every_metric_is_explained_in_the_table_of_metrics_and_nothing_else_is():
    usual = usual_evaluation(1000)
    patterns = [re.sub(r"<\w+>", r"\\w+", name) for name in explained("# The metrics of `evaluate`")]
    names = list(usual.metrics)
    assert [name for name in names if not any(re.fullmatch(pattern, name) for pattern in patterns)] == []
    assert [pattern for pattern in patterns if not any(re.fullmatch(pattern, name) for name in names)] == []


def test_a_model_that_answers_with_a_number_is_measured_without_probabilities(without_distribution):
    assert without_distribution.by_probability is None
    assert without_distribution.calibration is None
    assert "id_calibration_error" not in without_distribution.metrics
    assert "id_threshold_age" in without_distribution.metrics
    # its intervals are as wide as its age group demands
    assert without_distribution.intervals.rule.edges == PARAMS.age_groups


def test_without_minors_there_is_no_rate_instead_of_a_false_zero():
    n = 60
    parts = [estimates(ages(n, seed=seed, youngest=20), np.zeros(n)) for seed in (1, 2)]
    evaluation = evaluation_of(*parts)
    assert evaluation.metrics["id_n_minors"] == 0
    assert evaluation.by_age.chosen is None
    assert not [name for name in evaluation.metrics if "false_positive" in name]
    assert evaluation.metrics["id_request_rate_at_25"] > 0


def test_one_test_photo_is_enough_to_be_evaluated(usual):
    evaluation = evaluation_of(usual.test, estimates([16.0], np.array([2.0])))
    assert evaluation.metrics["mae"] == 2
    assert "mae_low" not in evaluation.metrics
    assert evaluation.n_validation == 300


def test_a_legal_age_above_the_shown_thresholds_leaves_those_out(usual):
    evaluation = evaluation_of(usual.test, usual.test, legal_age=21)
    assert "id_request_rate_at_18" not in evaluation.metrics
    assert "id_request_rate_at_21" in evaluation.metrics


def test_the_first_label_issue_is_the_one_furthest_off_for_its_standard_deviation():
    test = estimates([30.0] * 40, np.array([0.0] * 39 + [25.0]))
    evaluation = evaluation_of(test, test)
    assert evaluation.label_issues.loc[0, "file_name"] == "39.jpg"
    assert evaluation.label_issues.loc[0, "standardized_error"] == pytest.approx(25 / 4.01, abs=0.02)


def test_the_errors_are_kept_once_and_are_those_of_the_estimates(usual):
    assert usual.errors.tolist() == (usual.test.y_pred - usual.test.y_true).tolist()
    assert usual.confusion_shares.sum(axis=1).tolist() == pytest.approx([1] * 8)


def test_the_plain_photos_have_an_mae_of_their_own_where_views_are_averaged(usual):
    one_view = Estimates(usual.test.y_true + 3.00004)
    evaluation = evaluation_of(usual.test, usual.test, one_view=one_view)
    assert evaluation.metrics["mae_one_view"] == 3.0
    assert "mae_one_view" not in usual.metrics


def test_ages_that_cannot_be_compared_are_refused(usual):
    broken = PartEstimates(np.array([20.0]), Estimates(np.array([np.nan])))
    with pytest.raises(ValueError, match="1 of 1 true ages or estimates are not finite"):
        evaluation_of(usual.test, broken)


def test_children_are_no_minors_and_stand_apart():
    people = np.array([5.0] * 500 + [16.0] * 40 + [40.0] * 60)
    # of the teenagers a quarter looks 30, of the children nobody does
    off = np.where((np.arange(600) >= 500) & (np.arange(600) < 510), 14.0, 0.0)
    evaluation = evaluation_of(estimates(people, off), estimates(people, off))
    assert evaluation.metrics["id_n_minors"] == 40
    assert evaluation.metrics["id_false_positive_rate_at_25"] == 0.25
    rates = evaluation.by_age.rates.set_index(["threshold", "group"])
    assert rates.loc[(25, "younger children"), ["n", "n_hits"]].tolist() == [500, 0]
    with_children = evaluation_of(estimates(people, off), estimates(people, off), minors_from=0)
    assert with_children.metrics["id_false_positive_rate_at_25"] == round(10 / 540, 4)


def test_who_gets_no_sure_answer_is_asked_at_any_threshold():
    people = np.array([16.0] * 40 + [40.0] * 60)
    unsure = np.arange(100) % 2 == 0
    off = np.where(people < 18, 14.0, 0.0)
    test = estimates(people, off)
    wide = np.where(unsure[:, None], 1 / 101, test.estimates.distribution)
    test = dataclasses.replace(test, estimates=Estimates(test.y_pred, wide))
    evaluation = evaluation_of(estimates(people, np.tile([-3.0, 3.0], 50)), test)
    assert evaluation.intervals.is_answered.tolist() == (~unsure).tolist()
    assert evaluation.metrics["abstain_rate"] == 0.5
    assert evaluation.metrics["id_false_positive_rate_at_25"] == 0.5
    assert evaluation.metrics["id_request_rate_at_25"] == 0.5
    assert evaluation.by_age.on_answered.false_positive_rate == 1
    assert evaluation.by_age.on_answered.id_request_rate == 0


def test_each_person_counts_once_for_the_promise():
    people = np.array([16.0] * 300 + [40.0] * 300)
    one_each = evaluation_of(estimates(people, 0), estimates(people, 0))
    assert one_each.metrics["id_is_guaranteed"] is True
    part = dataclasses.replace(estimates(people, 0), people=np.arange(600) // 2)
    two_each = evaluation_of(part, part)
    assert two_each.metrics["id_n_minors"] == 150
    assert two_each.n_validation_minors == 150
    assert two_each.metrics["id_is_guaranteed"] is False


def test_every_single_year_around_the_legal_age_has_a_row():
    table = usual_evaluation().single_years
    assert table["true_age"].tolist() == list(range(12, 31))
    assert {"asked_at_chosen", "asked_at_18", "asked_at_25"} <= {*table.columns}
