"""Estimates that decide nothing lead to no verdict, whatever their numbers are."""

import numpy as np
import pytest
from evaluations import ages, estimates, evaluation_of, usual_evaluation
from reports import analysis, card

from shopper_age.evaluation.conclusions import assess_groups, assess_id_rule

RNG = np.random.default_rng(0)
BOTH_SIDES = np.concatenate([RNG.integers(1, 18, 400), RNG.integers(18, 80, 400)]).astype(float)


def _answering(y_true, answers):
    return estimates(y_true, np.asarray(answers) - y_true, sd=None)


def _in_short(text):
    return text.split("## In short")[1].split("## ")[0].strip()


def _is_refused(evaluation):
    groups = assess_groups(evaluation)
    assert not groups.is_good_for_shares
    assert not groups.is_good_for_one_person
    assert assess_id_rule(evaluation.by_age, evaluation).outcome in ("unknown", "useless", "asks everyone")
    assert "looks good enough" not in analysis(evaluation)
    assert "Ask everyone whose" not in card(evaluation)


@pytest.mark.parametrize("answer", [30.0, 0.0, -5000.0, 90.0])
def test_one_answer_for_everybody_is_of_no_use(answer):
    part = _answering(BOTH_SIDES, answer + RNG.normal(0, 0.1, BOTH_SIDES.size))
    evaluation = evaluation_of(part, part)
    _is_refused(evaluation)
    assert _in_short(analysis(evaluation)).startswith("- **Of no use:**")
    assert "**Of no use:**" in card(evaluation)


def test_customers_of_a_narrow_age_guessed_at_random_are_no_success():
    people = RNG.integers(18, 25, 300).astype(float)
    part = _answering(people, 21 + RNG.normal(0, 1, 300))
    evaluation = evaluation_of(part, part)
    assert evaluation.metrics["meets_requirement"]
    _is_refused(evaluation)
    assert _in_short(analysis(evaluation)).startswith("- **Of no use:**")


@pytest.mark.parametrize("n", [1, 2, 29])
def test_few_photos_decide_nothing(n):
    validation = estimates(ages(300), RNG.normal(0, 4, 300))
    evaluation = evaluation_of(validation, estimates(ages(n), 0))
    _is_refused(evaluation)
    assert _in_short(analysis(evaluation)).startswith("- **Not known:**")
    assert f"{n} test photo{'' if n == 1 else 's'} cannot tell" in card(evaluation)


@pytest.mark.parametrize(
    ("people", "missing"),
    [(np.linspace(1, 17, 200), "adults"), (np.linspace(18, 80, 200), "minors")],
)
def test_the_id_check_takes_people_on_both_sides_in_both_parts(people, missing):
    mixed = estimates(ages(1000), 0)
    for validation, test, part in (
        (mixed, estimates(people, 0), "test"),
        (estimates(people, 0), mixed, "validation"),
    ):
        evaluation = evaluation_of(validation, test)
        assert assess_id_rule(evaluation.by_age, evaluation).outcome == "unknown"
        assert f"**not known**: too few people (no {missing} in the {part} part)" in analysis(evaluation)
        assert f"no {missing} in the {part} part" in card(evaluation)


@pytest.mark.parametrize("few", [1, 29, 30])
@pytest.mark.parametrize("who", ["minor", "adult"])
@pytest.mark.parametrize("part", ["validation", "test"])
def test_few_people_on_one_side_of_the_legal_age_leave_the_id_check_unknown(few, who, part):
    young, old = np.linspace(14, 17, 300), np.linspace(30, 80, 300)
    side = {"minor": np.concatenate([young[:few], old]), "adult": np.concatenate([young, old[:few]])}
    parts = {name: estimates(np.concatenate([young, old]), 0) for name in ("validation", "test")}
    evaluation = evaluation_of(**{**parts, part: estimates(side[who], 0)})
    is_unknown = assess_id_rule(evaluation.by_age, evaluation).outcome == "unknown"
    assert is_unknown == (few < 30)
    words = f"{few} {who}{'' if few == 1 else 's'} in the {part} part"
    for text in (analysis(evaluation), card(evaluation)):
        assert (words in text) == is_unknown


def test_few_photos_meet_no_requirement_and_hold_no_promise():
    evaluation = evaluation_of(estimates(ages(300), RNG.normal(0, 4, 300)), estimates(ages(29), 0))
    text = analysis(evaluation)
    assert "whether the requirement of at most 8 is met is **not known**" in _in_short(text)
    assert "meets the requirement**" not in text + card(evaluation)
    assert "whether the promise is kept is **not known**" in text


def test_a_good_model_is_not_held_up():
    evaluation = usual_evaluation(1000)
    text = _in_short(analysis(evaluation))
    assert evaluation.metrics["is_useful"]
    assert "no use" not in text
    assert "not known" not in text
