import cv2
import numpy as np
import pytest
from fake_detector import face

from shopper_age.detection.crop import crop_face
from shopper_age.detection.face import Face

PHOTO = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)


def _marked(points, shape=(1400, 1400, 3)):
    """A photo with a bright spot at each of some points."""
    photo = np.zeros(shape, np.uint8)
    for x, y in points:
        cv2.circle(photo, (round(x), round(y)), 2, (255, 255, 255), -1)
    return photo


def _centre_of_light(crop):
    light = crop[..., 0].astype(float)
    rows, columns = np.indices(light.shape)
    return (columns * light).sum() / light.sum(), (rows * light).sum() / light.sum()


def _turned(found, degrees, scale=1.0, about=(120, 120)):
    angle = np.radians(degrees)
    matrix = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return Face(found.box, (found.landmarks - about) @ matrix.T + about, found.score)


def test_a_crop_has_the_side_asked_for_or_as_many_pixels_as_the_photo_has_there():
    assert crop_face(PHOTO, face(), margin=0.3, size_px=64).shape == (64, 64, 3)
    side = crop_face(PHOTO, face(side=60), margin=0).shape[0]
    assert crop_face(PHOTO, face(side=30), margin=0).shape[0] == pytest.approx(side / 2, abs=1)
    assert crop_face(PHOTO, face(side=60), margin=0.5).shape[0] == pytest.approx(2 * side, abs=1)


@pytest.mark.parametrize("degrees", [0, 30, -45, 90, 180])
@pytest.mark.parametrize("scale", [0.5, 1, 2.5])
@pytest.mark.parametrize("margin", [0, 0.3])
def test_the_landmarks_lie_at_the_same_place_of_every_crop(degrees, scale, margin):
    upright, found = face(side=200), _turned(face(side=200), degrees, scale)
    for number in range(5):
        wanted = _centre_of_light(
            crop_face(_marked(upright.landmarks[[number]] + 500), _moved(upright), margin=margin, size_px=112)
        )
        spot = crop_face(_marked(found.landmarks[[number]] + 500), _moved(found), margin=margin, size_px=112)
        assert np.hypot(*np.subtract(_centre_of_light(spot), wanted)) <= 1.5


def _moved(found):
    return Face(found.box, found.landmarks + 500, found.score)


def test_nothing_is_mirrored():
    points = face(side=200).landmarks + 500
    left_eye = _centre_of_light(
        crop_face(_marked(points[[0]]), _moved(face(side=200)), margin=0.2, size_px=112)
    )
    right_eye = _centre_of_light(
        crop_face(_marked(points[[1]]), _moved(face(side=200)), margin=0.2, size_px=112)
    )
    assert left_eye[0] < 56 < right_eye[0]


def test_what_lies_beyond_the_photo_repeats_its_border():
    crop = crop_face(np.full((50, 50, 3), 77, np.uint8), face(left=-30, top=-30, side=100), margin=1)
    assert (crop == 77).all()


def test_a_large_face_is_averaged_not_sampled():
    stripes = np.zeros((800, 800, 3), np.uint8)
    stripes[:, ::2] = 255  # finer than the crop can show: what is left is their mean
    crop = crop_face(stripes, face(left=100, top=100, side=600), margin=0, size_px=32)
    assert crop.std() < 12
    assert crop.mean() == pytest.approx(127, abs=4)


def test_landmarks_in_one_point_make_a_crop_all_the_same():
    found = Face((0, 0, 10, 10), np.full((5, 2), 5.0), 0.9)
    assert crop_face(PHOTO, found, margin=0, size_px=32).shape == (32, 32, 3)
