import numpy as np
import pytest

from shopper_age.data.augmentation import (
    augment,
    augmentation_sheet,
    batch_seed,
    random_affine_maps,
    random_boxes,
    tone_curve,
)
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
SEED = (1, 2)


def _settings(**strengths):
    return AugmentationParams(**(OFF | strengths))


def _augmented(photos=PHOTOS, seed=SEED, **strengths):
    return augment(photos, seed, _settings(**strengths))


def test_all_strengths_at_zero_change_nothing():
    np.testing.assert_array_equal(_augmented(), PHOTOS)


def test_a_flip_mirrors_some_photos_and_leaves_the_others():
    flipped = _augmented(horizontal_flip=True)
    is_same = (flipped == PHOTOS).all(axis=(1, 2, 3))
    is_mirrored = (flipped == PHOTOS[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (is_same ^ is_mirrored).all()
    assert 0 < is_mirrored.sum() < len(PHOTOS)


@pytest.mark.parametrize("strength", [{"rotation_degrees": 20}, {"zoom": 0.2}, {"shift": 0.2}])
def test_every_move_changes_photos(strength):
    moved = _augmented(**strength)
    assert moved.shape == PHOTOS.shape
    assert moved.dtype == np.uint8
    assert (moved != PHOTOS).any(axis=(1, 2, 3)).all()


def test_moved_photos_are_as_sharp_as_they_were():
    noise = np.random.default_rng(0).uniform(-1, 1, (16, 66, 66, 3))
    blurred = noise[:, :-2] + 2 * noise[:, 1:-1] + noise[:, 2:]
    blurred = blurred[:, :, :-2] + 2 * blurred[:, :, 1:-1] + blurred[:, :, 2:]
    photos = (128 + 8 * blurred).clip(0, 255).astype(np.uint8)
    moved = _augmented(photos, shift=0.05)
    middle = slice(8, -8)  # away from the borders, which are filled

    def steepness(photos):
        return np.diff(photos[:, middle, middle].astype(float), axis=2).std()

    assert steepness(moved) == pytest.approx(steepness(photos), rel=0.1)


def test_brightness_and_contrast_stay_within_their_strength():
    greys = np.empty((64, 32, 32, 3), np.uint8)
    greys[:] = np.arange(0, 256, 8)[:, None, None]  # from black at the top to white
    lifted = _augmented(greys, brightness=0.2).astype(int) - greys
    in_the_middle = lifted[:, 16].reshape(64, -1)  # far from black and white, where nothing is cut off
    assert (in_the_middle == in_the_middle[:, :1]).all()
    assert abs(in_the_middle).max() <= 0.2 * 255
    assert in_the_middle.min() < -0.15 * 255 < 0.15 * 255 < in_the_middle.max()
    spread = _augmented(greys, contrast=0.2)[:, [12, 20], 0, 0].astype(int) @ [-1, 1] / (8 * 8)
    assert 0.8 - 0.02 <= spread.min() < 0.9 < 1.1 < spread.max() <= 1.2 + 0.02


def test_values_are_cut_off_at_black_and_white():
    np.testing.assert_array_equal(tone_curve(100, 30, 1)[[0, 100, 225, 226, 255]], [30, 130, 255, 255, 255])
    np.testing.assert_array_equal(
        tone_curve(100, 0, 1.5)[[0, 33, 34, 100, 200, 255]], [0, 0, 1, 100, 250, 255]
    )
    np.testing.assert_array_equal(tone_curve(100, -50, 0.5)[[0, 40, 100, 200]], [25, 25, 50, 100])


def test_erasing_blanks_one_rectangle_in_its_share_of_the_photos():
    photos = np.random.default_rng(1).integers(0, 256, (400, 32, 32, 3), np.uint8)
    erased = (_augmented(photos, erasing=0.3) != photos).any(axis=-1)
    is_changed = erased.any(axis=(1, 2))
    assert 0.23 < is_changed.mean() < 0.37
    for mask, photo in zip(erased[is_changed], _augmented(photos, erasing=0.3)[is_changed], strict=True):
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        inside = photo[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].reshape(-1, 3)
        assert (inside == inside[0]).all()


def test_boxes_have_the_area_and_the_proportions_that_were_asked_for():
    boxes = random_boxes(2000, 1000, np.random.default_rng(0))
    assert boxes.min() == 0
    assert boxes.max() == 1000
    height, width = (boxes[:, 2:] - boxes[:, :2]).T / 1000
    is_whole = (boxes > 0).all(axis=1) & (boxes < 1000).all(axis=1)
    area, aspect = (height * width)[is_whole], (height / width)[is_whole]
    assert 0.019 < area.min() < 0.03 < 0.18 < area.max() < 0.201
    assert 0.49 < aspect.min() < 0.55 < 1.8 < aspect.max() < 2.02


def test_rotation_is_measured_in_degrees():
    # a bar across the middle, turned by at most 10 degrees, stays within tan(10°) of its row
    bar = np.zeros((64, 65, 65, 3), np.uint8)
    bar[:, 32] = 255
    turned = _augmented(bar, rotation_degrees=10)
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
    np.testing.assert_array_equal(_augmented(grey, rotation_degrees=45, shift=0.3, zoom=0.3), 77)


@pytest.mark.parametrize(
    "strengths",
    [{"rotation_degrees": 20, "zoom": 0.1}, {"horizontal_flip": True}, {"brightness": 0.5}, {"erasing": 1}],
)
def test_the_seed_decides_the_changes(strengths):
    first, again, other = (_augmented(seed=seed, **strengths) for seed in ((1, 2), (1, 2), (1, 3)))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_every_batch_of_a_training_has_a_seed_of_its_own():
    seeds = {batch_seed(seed, epoch, step) for seed in (0, 1) for epoch in range(50) for step in range(20)}
    assert len(seeds) == 2 * 50 * 20


def test_the_photos_given_stay_as_they_are():
    before = PHOTOS.copy()
    _augmented(brightness=0.5, erasing=1)
    np.testing.assert_array_equal(PHOTOS, before)


def test_the_sheet_shows_the_first_photos_in_rows():
    batches = [(PHOTOS, np.arange(16)), (PHOTOS, np.arange(16))]
    sheet = augmentation_sheet(batches, n_rows=2, n_columns=4)
    assert sheet.shape == (72, 144, 3)  # white around each
    np.testing.assert_array_equal(sheet[38:70, 2:34], PHOTOS[4])
    assert (
        augmentation_sheet(batches[:1], n_rows=5, n_columns=4)[-1].min() == 255
    )  # too few photos leave white
