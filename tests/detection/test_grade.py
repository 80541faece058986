import cv2
import numpy as np
import pytest
from fake_detector import face

from shopper_age.detection.face import Face
from shopper_age.detection.grade import Grade, Limits, grade, problem_of

PHOTO = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
LIMITS = Limits(min_eye_distance_px=20, min_sharpness=30, max_turn=0.8)


@pytest.mark.parametrize(("side", "distance"), [(50, 20), (100, 40)])
def test_the_distance_between_the_eyes_is_in_pixels(side, distance):
    assert grade(PHOTO, face(side=side)).eye_distance == pytest.approx(distance)


@pytest.mark.parametrize(("turn", "measured"), [(0, 0), (0.5, 0.5), (-1, 1)])
def test_a_turned_head_is_told_by_its_nose(turn, measured):
    assert grade(PHOTO, face(turn=turn)).turn == pytest.approx(measured, abs=0.01)


def test_blur_lowers_the_sharpness_and_the_size_of_the_photo_does_not():
    sharp = cv2.GaussianBlur(PHOTO, (0, 0), 2)
    larger = cv2.resize(sharp, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    here, there = grade(sharp, face()), grade(larger, face(left=60, top=60, side=180))
    assert there.sharpness == pytest.approx(here.sharpness, rel=0.25)
    assert grade(cv2.GaussianBlur(PHOTO, (0, 0), 5), face()).sharpness < here.sharpness / 4


def test_eyes_in_one_point_are_no_frontal_face():
    found = Face((0, 0, 10, 10), np.full((5, 2), 5.0), 0.9)
    assert problem_of(grade(PHOTO, found), LIMITS) == "too_small"
    assert problem_of(grade(PHOTO, found), Limits(0, 0, 0.8)) == "turned_away"


@pytest.mark.parametrize(
    ("measured", "problem"),
    [
        (Grade(20, 30, 0.8), None),
        (Grade(19.9, 30, 0.8), "too_small"),
        (Grade(20, 29.9, 0.8), "too_blurred"),
        (Grade(20, 30, 0.81), "turned_away"),
        (Grade(1, 1, 1), "too_small"),
    ],
)
def test_the_limits_themselves_are_fit(measured, problem):
    assert problem_of(measured, LIMITS) == problem
