"""Processes that share the batches of a training."""

import numpy as np
import pytest

from shopper_age.data.readers import ordered_batches, shuffled_batches
from shopper_age.params import AugmentationParams

RNG = np.random.default_rng(0)
PHOTOS = RNG.integers(0, 256, (22, 16, 16, 3)).astype("uint8")
AGES = np.arange(22, dtype="float32")
STRONG = AugmentationParams(
    horizontal_flip=True, rotation_degrees=20, zoom=0.1, shift=0.1, brightness=0.2, contrast=0.2, erasing=0.5
)


class _Worker:
    """One of two that take half of each batch."""

    def __init__(self, number):
        self._number = number

    def rows(self, n):
        return slice(self._number * n // 2, (self._number + 1) * n // 2)

    def place(self, rows, n):
        assert len(rows) == n // 2
        return rows


class _Watched:
    """Photos by index, and which were asked for."""

    def __init__(self):
        self.asked = []

    def __getitem__(self, indices):
        self.asked += list(indices)
        return PHOTOS[indices]


def _shuffled(photos, **options):
    return shuffled_batches(photos, AGES, 8, seed=3, augmentation=STRONG, **options)


def _ordered(photos, **options):
    return ordered_batches(photos, AGES, 8, **options)


@pytest.mark.parametrize("read", [_shuffled, _ordered])
def test_shares_make_up_the_batches_of_one_process_and_each_photo_is_read_once(read):
    whole, watched = read(PHOTOS), [_Watched(), _Watched()]
    workers = [read(photos, share=_Worker(number)) for number, photos in enumerate(watched)]
    for batch, *parts in zip(whole, *workers, strict=True):
        for all_rows, *rows in zip(batch, *parts, strict=True):
            np.testing.assert_array_equal(np.concatenate(rows), all_rows)
    assert sorted(watched[0].asked + watched[1].asked) == list(range(22))
