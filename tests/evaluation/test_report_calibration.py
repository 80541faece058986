"""What report and card say of the photos that thresholds and intervals were settled on."""

import re

import numpy as np
import pytest
from evaluations import ages, estimates, evaluation_of, minors_who_look_old, usual_evaluation
from reports import analysis, card

VALIDATION = "the validation part"
CROSS = "out-of-fold estimates of the training part"


def _one_line(text):
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize(("n_folds", "said", "unsaid"), [(0, VALIDATION, CROSS), (4, CROSS, VALIDATION)])
def test_the_report_names_what_was_calibrated_on_wherever_it_speaks_of_it(n_folds, said, unsaid):
    for evaluation in (
        usual_evaluation(n_folds=n_folds),
        evaluation_of(minors_who_look_old(), estimates(ages(1000), 0), n_folds=n_folds),
    ):
        text = _one_line(analysis(evaluation))
        assert f"T was chosen on {said} (" in text
        assert f"Their width was settled on {said} (" in text
        assert unsaid not in text
    assert f"kept the minors who pass at 1 % on {said}." in text


def test_cross_calibration_is_explained_with_what_it_does_not_prove():
    text = _one_line(analysis(usual_evaluation(n_folds=4)))
    assert "learnt from all 3 training photos, 4 others were trained, each without one fold" in text
    assert "which learnt from a little more, is an assumption and no proof" in text
    assert "Validation errors here are those of the 4 models" in text
    plain = _one_line(analysis(usual_evaluation()))
    assert "Out of fold" not in plain
    assert "left a fold out" not in plain


def test_the_card_names_it_too():
    assert "tuned and calibrated on 300, measured on 300 that it never saw" in card(usual_evaluation())
    text = _one_line(card(usual_evaluation(n_folds=4)))
    assert "calibrated on estimates of the same photos by 4 models that each left a fold of them out" in text
    assert "measured on 300 that none of them ever saw" in text


def test_too_few_minors_out_of_fold_are_said_to_be_in_the_training_part():
    evaluation = evaluation_of(estimates(np.linspace(18, 80, 200), 0), estimates(ages(1000), 0), n_folds=4)
    assert "too few people (no minors in the training part)" in analysis(evaluation)
