import cv2
import numpy as np
import pytest

from shopper_age.demo.faces import draw_face
from shopper_age.detection.face import LEFT_EYE, NOSE, RIGHT_EYE
from shopper_age.detection.mtcnn import Mtcnn, _best

GROUND = np.full((400, 600, 3), 128, np.uint8)


@pytest.fixture(scope="module")
def detector():
    return Mtcnn()


@pytest.fixture(scope="module")
def portrait():
    return np.asarray(draw_face(30, np.random.default_rng(0)).convert("RGB"))


def _with(portrait, *places):
    photo = GROUND.copy()
    for left, top, side in places:
        photo[top : top + side, left : left + side] = cv2.resize(portrait, (side, side))
    return photo


def test_most_drawn_faces_are_found_once(detector):
    rng = np.random.default_rng(1)
    counts = [
        len(detector.find(np.asarray(draw_face(age, rng).convert("RGB")))) for age in np.linspace(5, 85, 20)
    ]
    assert max(counts) == 1
    assert sum(counts) >= 17


def test_a_face_is_found_where_it_is(detector, portrait):
    (found,) = detector.find(_with(portrait, (300, 100, 200)))
    left, top, right, bottom = found.box
    assert 300 < left < right < 500
    assert 100 < top < bottom < 300
    left_eye, right_eye, nose = found.landmarks[[LEFT_EYE, RIGHT_EYE, NOSE]]
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_eye[1] < nose[1] > right_eye[1]
    assert 0.7 < found.score <= 1


def test_the_largest_face_comes_first(detector, portrait):
    first, second = detector.find(_with(portrait, (20, 50, 110), (250, 100, 250)))
    assert first.area > 2 * second.area
    assert first.box[0] > 250 > second.box[2]


def test_places_on_a_large_photo_are_told_in_its_own_pixels(detector, portrait):
    photo = _with(portrait, (300, 100, 200))
    large = cv2.resize(photo, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    (here,), (there,) = detector.find(photo), detector.find(large)
    np.testing.assert_allclose(there.landmarks / 4, here.landmarks, atol=4)


@pytest.mark.parametrize("shape", [(1, 1), (11, 300), (300, 11), (12, 12), (40, 3000)])
def test_photos_of_any_shape_without_a_face_have_none(detector, shape):
    assert detector.find(np.full((*shape, 3), 90, np.uint8)) == []


def test_noise_is_no_face(detector):
    rng = np.random.default_rng(0)
    assert not any(detector.find(rng.integers(0, 255, (200, 300, 3), np.uint8)) for _ in range(5))


def test_of_boxes_that_overlap_the_better_one_stays():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10], [2, 2, 6, 6]], np.float32)
    scores = np.array([0.8, 0.9, 0.5, 0.7], np.float32)
    # shares in common: 9/11 of the first two, 16/100 of the last with either; 16/16 of the smaller
    assert _best(boxes, scores, 0.7).tolist() == [1, 3, 2]
    assert _best(boxes, scores, 0.7, of_the_smaller=True).tolist() == [1, 2]
    assert _best(boxes[:0], scores[:0], 0.7).tolist() == []
