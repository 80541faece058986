import json
import re

import numpy as np
import pytest
from evaluations import PARAMS, ages, estimates, evaluation_of, usual_evaluation
from project import ROOT

from shopper_age.evaluation.tables import evaluation_tables
from shopper_age.metrics.errors import mae


@pytest.fixture(scope="module")
def usual():
    return usual_evaluation()


@pytest.fixture(scope="module")
def without_distribution():
    return usual_evaluation(sd=None)


def test_the_threshold_is_chosen_on_validation_and_measured_on_test():
    # of the 16-year-olds at validation, none is estimated above 20; at the test all are estimated 26
    people = np.array([16.0] * 20 + [40.0] * 20)
    validation = estimates(people, np.array([4.0] * 20 + [0.0] * 20))
    evaluation = evaluation_of(validation, estimates(people, np.array([10.0] * 20 + [0.0] * 20)))
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


def explained(heading: str) -> list[str]:
    """The names in the first cells of the table below a heading of docs/metrics.md."""
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    section = text.split(f"{heading}\n")[1].split("\n## ")[0]
    first_cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return [name for cell in first_cells for name in re.findall(r"`([^`]+)`", cell)]


def test_every_metric_is_explained_in_the_table_of_metrics_and_nothing_else_is(usual):
    patterns = [re.sub(r"<\w+>", r"\\w+", name) for name in explained("# The metrics of `evaluate`")]
    names = list(usual.metrics)
    assert [name for name in names if not any(re.fullmatch(pattern, name) for pattern in patterns)] == []
    assert [pattern for pattern in patterns if not any(re.fullmatch(pattern, name) for name in names)] == []


def test_every_column_of_the_predictions_is_explained(usual):
    assert explained("## The tables of `evaluate`") == list(evaluation_tables(usual)["predictions.csv"])


def test_a_model_that_answers_with_a_number_is_measured_without_probabilities(without_distribution):
    assert without_distribution.by_probability is None
    assert without_distribution.reliability is None
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


def test_the_same_tables_come_from_every_model(usual, without_distribution):
    full, bare = evaluation_tables(usual), evaluation_tables(without_distribution)
    assert list(full) == list(bare)
    for name in ("id_check_by_probability.csv", "id_trade_off_by_probability.csv"):
        assert list(full[name]) == list(bare[name])
        assert bare[name].empty
    assert bare["reliability.csv"]["n"].sum() == 0


def test_predictions_tell_of_every_photo_all_that_was_estimated(usual):
    table = evaluation_tables(usual)["predictions.csv"]
    assert len(table) == 300
    first = table.iloc[0]
    assert first["file_name"] == "0.jpg"
    assert first["predicted_age"] == pytest.approx(usual.test.y_pred[0], abs=1e-3)
    assert first["interval_low"] <= first["predicted_age"] <= first["interval_high"]
    assert table["age_sd"].to_numpy() == pytest.approx(usual.test.estimates.sd(), abs=1e-3)
    assert table["is_answered"].tolist() == (usual.intervals.high - usual.intervals.low <= 20).tolist()
    assert set(table["age_group"]) <= set(usual.groups["age_group"])
    assert table["p_minor"].between(0, 1).all()
    assert (table["age_group"] == table["predicted_age_group"]).mean() == pytest.approx(
        usual.metrics["group_accuracy"], abs=1e-4
    )


def test_the_first_label_issue_is_the_one_furthest_off_for_its_standard_deviation():
    test = estimates([30.0] * 40, np.array([0.0] * 39 + [25.0]))
    evaluation = evaluation_of(test, test)
    assert evaluation.label_issues.loc[0, "file_name"] == "39.jpg"
    assert evaluation.label_issues.loc[0, "standardized_error"] == pytest.approx(25 / 4.01, abs=0.02)
