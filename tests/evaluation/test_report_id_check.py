import re

import numpy as np
import pytest
from evaluations import (
    estimates,
    evaluation_of,
    minors_who_look_old,
    one_minor_who_looks_older_than_the_adults,
    usual_evaluation,
)
from reports import analysis, card


@pytest.fixture(scope="module")
def usual():
    return usual_evaluation()


def id_evaluation(n_minors, n_passing, *, n_validation_minors=30):
    """At validation all minors are estimated 16; of those at the test `n_passing` are estimated 40."""
    people = np.array([16.0] * n_minors + [40.0] * 40)
    off = np.where(np.arange(people.size) < n_passing, 24.0, 0.0)
    return evaluation_of(estimates([16.0] * n_validation_minors + [40.0] * 30, 0), estimates(people, off))


@pytest.mark.parametrize(
    ("n_minors", "n_passing", "words"),
    [
        (500, 0, "**It is good enough at T = 18.** None of 500 under-age people passed unasked"),
        (100, 0, "**It looks good enough at T = 18, but that is not proven.**"),
        (100, 3, "**It is not good enough.** T = 18 was strict enough for the validation part"),
        (0, 0, "There are too few people (no minors in the test part)"),
    ],
)
def test_the_alcohol_check_is_answered_by_the_minors_of_the_test_part(n_minors, n_passing, words):
    text = analysis(id_evaluation(n_minors, n_passing))
    assert words in text
    assert f"on the test part ({n_minors} minors)" in text


def test_report_and_card_say_how_many_minors_passed_and_what_that_proves():
    sentence = "40 of 3,000 under-age people (1.33 %) passed unasked; the 95 % interval of that rate is"
    evaluation = id_evaluation(3000, 40)
    assert sentence in analysis(evaluation)
    assert sentence in card(evaluation)


def test_one_minor_says_next_to_nothing():
    text = analysis(id_evaluation(1, 0))
    assert "The only under-age person was asked, which says next to nothing about others." in text
    assert "too few people (1 minor in the test part)" in text


@pytest.mark.parametrize(("n_minors", "has_verdict"), [(1, False), (29, False), (30, True)])
def test_few_minors_leave_out_whether_the_rate_is_met(n_minors, has_verdict):
    metrics = id_evaluation(n_minors, 0).metrics
    assert ("id_meets" in metrics) == has_verdict
    assert ("id_probability_meets" in metrics) == has_verdict
    assert metrics["id_false_positive_rate"] == 0


def test_a_probability_limit_without_minors_to_measure_it_by_says_so():
    text = analysis(id_evaluation(0, 0))
    assert re.search(r"The limit chosen .* is [^.]+\. There is no under-age person among these photos:", text)


def test_the_model_card_forbids_what_was_not_shown():
    assert "Ask everyone whose estimate is below **18**, or not sure." in card(id_evaluation(500, 0))
    assert "but not proven" in card(id_evaluation(100, 0))
    assert "**Not fit for this use.**" in card(id_evaluation(100, 3))
    assert "**Not known.**" in card(id_evaluation(0, 0))


def test_no_minors_to_choose_by_is_said():
    text = analysis(id_evaluation(10, 0, n_validation_minors=0))
    assert "too few people (no minors in the validation part, 10 minors in the test part)" in text
    assert "The price" not in text


def test_no_threshold_strict_enough_is_said():
    part = minors_who_look_old()
    evaluation = evaluation_of(part, part)
    assert "No T up to 50 kept the minors who pass at 1 %" in analysis(evaluation)
    assert "No threshold up to 50 years" in card(evaluation)


def test_a_rule_that_asks_everyone_is_said_to_decide_nothing():
    part = one_minor_who_looks_older_than_the_adults()
    evaluation = evaluation_of(part, part)
    text = analysis(evaluation)
    assert "100 % of the 60 adults are asked, so the estimate decides nothing." in text
    assert "But T = 49 asks 100 % of the 60 adults" in text
    assert "- **Alcohol check:** **not good enough**: to keep the minors who pass at 1 %, 100 %" in text
    assert "**Not fit for this use.**" in card(evaluation)


def test_rates_come_with_counts_and_exact_intervals_at_the_usual_thresholds():
    text = analysis(id_evaluation(100, 3))
    assert re.search(r"\| \*\*18\*\* \(chosen\) \| 3\.0 % \(3 of 100; 0\.6 % to 8\.5 %\)", text)
    for threshold in (21, 25, 30):
        assert f"\n| {threshold} | 3.0 %" in text


def test_groups_without_photos_have_a_dash_instead_of_a_rate():
    text = analysis(id_evaluation(0, 0))
    assert re.search(r"\n\| 25 \| – \| – \| – \| 0\.0 % ", text)
    assert "nan" not in text.lower()
    assert "| 0–11 | 0 | 0 | 0.0 % | 0.0 % | – | – |" in text


def test_seventeen_year_olds_are_set_beside_what_nist_found(usual):
    text = analysis(usual).replace("\n", " ")
    assert re.search(r"17-year-olds estimated 25 or older: here .* of \d+;", text)
    assert (
        "the best had 1.2 % on application photos and 1.4 % on border photos, the median 6.9 % and 15.3 %"
        in text
    )
    assert "the worst 52.2 % and 60.0 %" in text
    assert "49 systems that NIST had tested by July 2026" in text


def test_another_legal_age_is_not_compared_with_nist():
    evaluation = usual_evaluation(legal_age=21)
    assert "NIST" not in analysis(evaluation)
    assert "A minor is\na person of 14 to 20" in analysis(evaluation)


def test_a_model_with_distributions_tells_of_its_probability(usual):
    text = analysis(usual)
    assert "The limit chosen on the validation part is" in text
    assert "expected calibration error" in text
    assert "probability for each year" in card(usual)


def test_a_model_without_distributions_says_so():
    evaluation = usual_evaluation(sd=None)
    assert "answers with a number, not with probabilities" in analysis(evaluation)
    assert "probability for each year" not in card(evaluation)
