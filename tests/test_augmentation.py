import keras
import numpy as np
import pytest

from shopper_age.augmentation import augmentation_sheet, colour_layers, move, random_affine_maps, recolourer
from shopper_age.params import AugmentationParams

OFF = {
    "horizontal_flip": False,
    "rotation_degrees": 0,
    "zoom": 0,
    "shift": 0,
    "brightness": 0,
    "contrast": 0,
    "erasing": 0,
}
PHOTOS = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), np.uint8)
KEY = np.array([1, 2])


def _settings(**strengths):
    return AugmentationParams(**(OFF | strengths))


def _recoloured(key=KEY, **strengths):
    recolour = recolourer(_settings(**strengths))
    return keras.ops.convert_to_numpy(recolour(keras.ops.convert_to_tensor(PHOTOS), key))


def test_all_strengths_at_zero_change_nothing():
    assert colour_layers(_settings()) == []
    np.testing.assert_array_equal(move(PHOTOS, KEY, _settings()), PHOTOS)
    np.testing.assert_array_equal(_recoloured(), PHOTOS)


def test_a_flip_mirrors_some_photos_and_leaves_the_others():
    flipped = move(PHOTOS, KEY, _settings(horizontal_flip=True))
    is_same = (flipped == PHOTOS).all(axis=(1, 2, 3))
    is_mirrored = (flipped == PHOTOS[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (is_same ^ is_mirrored).all()
    assert 0 < is_mirrored.sum() < len(PHOTOS)


@pytest.mark.parametrize("strength", [{"rotation_degrees": 20}, {"zoom": 0.2}, {"shift": 0.2}])
def test_every_move_changes_photos(strength):
    moved = move(PHOTOS, KEY, _settings(**strength))
    assert moved.shape == PHOTOS.shape
    assert moved.dtype == np.uint8
    assert (moved != PHOTOS).any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize("strength", [{"brightness": 0.2}, {"contrast": 0.2}, {"erasing": 1}])
def test_every_change_of_values_stays_within_their_range(strength):
    changed = _recoloured(**strength)
    assert changed.shape == PHOTOS.shape
    assert changed.dtype == np.uint8
    difference = abs(changed.astype(int) - PHOTOS)
    assert difference.any()
    if "erasing" not in strength:
        assert difference.max() <= 0.2 * 255 + 1  # nothing wrapped around from white to black


def test_rotation_is_measured_in_degrees():
    # a bar across the middle, turned by at most 10 degrees, stays within tan(10°) of its row
    bar = np.zeros((64, 65, 65, 3), np.uint8)
    bar[:, 32] = 255
    turned = move(bar, KEY, _settings(rotation_degrees=10))
    ends = turned[:, :, 64].mean(axis=-1).argmax(axis=1)
    assert abs(ends - 32).max() <= np.ceil(32 * np.tan(np.radians(10)))
    assert abs(ends - 32).max() >= 3


def test_zoom_and_shift_are_shares_of_the_side():
    corner, middle = np.array([0, 0, 1]), np.array([50, 50, 1])
    zoomed = random_affine_maps(500, 101, np.random.default_rng(0), _settings(zoom=0.1))
    np.testing.assert_allclose(zoomed @ middle, 50)  # the middle stays
    distance = 50 - (zoomed @ corner)  # of what is seen in the corner
    np.testing.assert_allclose(distance[:, 0], distance[:, 1])
    assert 45 <= distance.min() < 46 < 54 < distance.max() <= 55
    shifted = random_affine_maps(500, 100, np.random.default_rng(0), _settings(shift=0.1)) @ corner
    assert -10 <= shifted.min() < -9 < 9 < shifted.max() <= 10
    assert abs(np.corrcoef(shifted.T)[0, 1]) < 0.1  # across and down are drawn apart


def test_what_opens_at_the_border_is_filled_with_the_border():
    grey = np.full((8, 32, 32, 3), 77, np.uint8)
    np.testing.assert_array_equal(move(grey, KEY, _settings(rotation_degrees=45, shift=0.3, zoom=0.3)), 77)


@pytest.mark.parametrize("strengths", [{"rotation_degrees": 20, "zoom": 0.1}, {"horizontal_flip": True}])
def test_the_key_decides_the_moves(strengths):
    first, again, other = (
        move(PHOTOS, np.array(key), _settings(**strengths)) for key in ((1, 2), (1, 2), (1, 3))
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_key_decides_the_values():
    np.testing.assert_array_equal(_recoloured((1, 2), erasing=1), _recoloured((1, 2), erasing=1))
    assert not np.array_equal(_recoloured((1, 2), erasing=1), _recoloured((1, 3), erasing=1))


def test_the_sheet_shows_the_first_photos_in_rows():
    batches = [(PHOTOS, np.arange(16)), (PHOTOS, np.arange(16))]
    sheet = augmentation_sheet(batches, n_rows=2, n_columns=4)
    assert sheet.shape == (64, 128, 3)
    np.testing.assert_array_equal(sheet[32:, :32], PHOTOS[4])
    assert (
        augmentation_sheet(batches[:1], n_rows=5, n_columns=4)[-1].min() == 255
    )  # too few photos leave white
