import dataclasses

import numpy as np
import pytest
from answering import decision

from shopper_age.inference.answers import COLUMNS, PhotoAnswer, answers, rows, without_estimate
from shopper_age.inference.estimates import Estimates
from shopper_age.metrics.interval_rule import IntervalRule

WHOLE = (None, None)


def answer(age, **changes):
    (found,) = answers(Estimates(np.array([age])), decision(**changes), [WHOLE])
    return found


def check(**changes):
    return dataclasses.replace(decision().id_check, **changes)


@pytest.mark.parametrize(
    ("age", "ask", "reason"),
    [
        (24.99, True, "estimated below 25"),
        (25.0, False, "estimated 25 or older"),
        (80.0, False, "estimated 25 or older"),
    ],
)
def test_who_is_estimated_below_the_threshold_is_asked(age, ask, reason):
    found = answer(age)
    assert (found.ask_for_id, found.reason) == (ask, reason)


def test_without_a_threshold_everybody_is_asked():
    assert answer(90.0, id_check=check(threshold_age=None)).ask_for_id


def test_an_interval_that_is_too_wide_is_asked_at_any_age():
    wide = answer(60.0, max_interval_width=19.9)
    assert wide.ask_for_id
    assert not wide.is_sure
    assert "not sure" in wide.reason
    assert answer(60.0, max_interval_width=20.0).is_sure


def test_the_answer_holds_age_interval_and_group():
    found = answer(17.5)
    assert (found.age, found.low, found.high, found.age_group) == (17.5, 7.5, 27.5, "12–17")
    assert found.p_under_legal_age is None


def test_a_distribution_gives_the_probability_of_being_under_age():
    distribution = np.zeros((1, 101))
    distribution[0, 17], distribution[0, 30] = 0.25, 0.75
    rule = IntervalRule(0.9, True, (0,), (1.0,), (100,))
    (found,) = answers(Estimates(np.array([30.0]), distribution), decision(interval=rule), [WHOLE])
    assert found.p_under_legal_age == pytest.approx(0.25)
    assert sum(found.distribution) == pytest.approx(1)
    assert found.high - found.low == pytest.approx(2 * np.sqrt(0.25 * 0.75 * 13**2 + 1 / 12))


def test_a_photo_is_asked_unless_one_face_suffices():
    fine, young, unfit = answer(40.0), answer(20.0), without_estimate("too_small")
    assert not PhotoAnswer("a.jpg", (fine,)).ask_for_id
    for faces in ((), (young,), (unfit,), (fine, fine), (fine, unfit)):
        assert PhotoAnswer("a.jpg", faces).ask_for_id
    assert PhotoAnswer("a.jpg", (fine, fine)).reason == "2 faces"
    assert PhotoAnswer("a.jpg", (), "no_face").reason == "no estimate: no_face"


def test_a_table_has_a_row_for_each_face_and_one_for_each_problem():
    two = rows(PhotoAnswer("a.jpg", (answer(40.0), without_estimate("too_small", (1, 2, 3, 4), 7.77))))
    assert [row["face"] for row in two] == [1, 2]
    assert all(tuple(row) == COLUMNS for row in two)
    assert two[1]["problem"] == "too_small"
    assert two[1]["ask_for_id"]
    assert (two[1]["left"], two[1]["bottom"], two[1]["eye_distance"]) == (1, 4, 7.8)
    (broken,) = rows(PhotoAnswer("b.jpg", (), "unreadable_photo", "no JPEG"))
    assert (broken["face"], broken["age"], broken["problem"]) == (0, None, "unreadable_photo no JPEG")
    assert broken["ask_for_id"]


def test_a_row_tells_of_what_the_model_saw_and_which_model_it_was():
    seen = dataclasses.replace(answer(40.0), brightness=101.234, sharpness=55.678, shorter_side=180)
    (row,) = rows(PhotoAnswer("a.jpg", (seen,), model_md5="abc"))
    assert [row[name] for name in COLUMNS[-4:]] == [101.23, 55.68, 180, "abc"]
    (unfit,) = rows(PhotoAnswer("a.jpg", (without_estimate("too_small"),)))
    assert [unfit[name] for name in COLUMNS[-4:]] == [None] * 4
