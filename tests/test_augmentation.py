import keras
import numpy as np
import pytest

from shopper_age.augmentation import augmentation_sheet, augmenter, random_layers
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
PHOTOS = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3)).astype("float32")


def _changed(key=(1, 2), **strengths):
    augment = augmenter(AugmentationParams(**(OFF | strengths)))
    return keras.ops.convert_to_numpy(augment(keras.ops.convert_to_tensor(PHOTOS), np.array(key)))


def test_all_strengths_at_zero_change_nothing():
    assert random_layers(AugmentationParams(**OFF)) == []
    np.testing.assert_array_equal(_changed(), PHOTOS)


def test_a_flip_mirrors_some_photos_and_leaves_the_others():
    flipped = _changed(horizontal_flip=True)
    is_same = (flipped == PHOTOS).all(axis=(1, 2, 3))
    is_mirrored = (flipped == PHOTOS[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (is_same ^ is_mirrored).all()
    assert 0 < is_mirrored.sum() < len(PHOTOS)


@pytest.mark.parametrize(
    "strength",
    [
        {"rotation_degrees": 20},
        {"zoom": 0.2},
        {"shift": 0.2},
        {"brightness": 0.2},
        {"contrast": 0.2},
        {"erasing": 1},
    ],
)
def test_every_strength_changes_photos_within_their_range(strength):
    changed = _changed(**strength)
    assert changed.shape == PHOTOS.shape
    assert not np.allclose(changed, PHOTOS)
    assert changed.min() >= 0
    assert changed.max() <= 255


def test_rotation_is_measured_in_degrees():
    # a bar across the middle, turned by at most 10 degrees, stays within tan(10°) of its row
    bar = np.zeros((64, 65, 65, 3), "float32")
    bar[:, 32] = 255
    turned = augmenter(AugmentationParams(**(OFF | {"rotation_degrees": 10})))(bar, np.array([0, 0]))
    ends = np.asarray(turned)[:, :, 64].mean(axis=-1).argmax(axis=1)
    assert abs(ends - 32).max() <= np.ceil(32 * np.tan(np.radians(10)))
    assert abs(ends - 32).max() >= 3


def test_the_key_decides():
    np.testing.assert_array_equal(
        _changed(rotation_degrees=20, erasing=1), _changed(rotation_degrees=20, erasing=1)
    )
    assert not np.array_equal(_changed((1, 2), rotation_degrees=20), _changed((1, 3), rotation_degrees=20))


def test_the_sheet_shows_the_first_photos_in_rows():
    batches = [(PHOTOS, np.arange(16)), (PHOTOS, np.arange(16))]
    sheet = augmentation_sheet(batches, n_rows=2, n_columns=4)
    assert sheet.shape == (64, 128, 3)
    np.testing.assert_array_equal(sheet[32:, :32], PHOTOS[4])
    assert (
        augmentation_sheet(batches[:1], n_rows=5, n_columns=4)[-1].min() == 255
    )  # too few photos leave white
