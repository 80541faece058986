"""Photos decoded into memory, as batches for every backend of Keras."""

from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from shopper_age.data.augmentation import augment, batch_key
from shopper_age.data.store import PhotoStore
from shopper_age.data.tables import FILE_NAME, REAL_AGE, photo_path, read_labels
from shopper_age.params import AugmentationParams


def decoded(faces: Path, image_size: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """All photos of a folder, (n, image_size, image_size, 3), RGB, and their ages in years, (n,)."""
    labels = read_labels(faces)
    store = PhotoStore([photo_path(faces, name) for name in labels[FILE_NAME]], image_size)
    return store[np.arange(len(store))], labels[REAL_AGE].to_numpy("float32")


class TrainingPhotos(keras.utils.PyDataset):
    """Shuffled, augmented batches, as `load_train` gives them; order and changes follow from seed and epoch.

    Args:
        photos: uint8 (n, side, side, 3), RGB.
        ages: (n,), in years.
    """

    def __init__(
        self,
        photos: NDArray[np.uint8],
        ages: NDArray[np.float32],
        *,
        batch_size: int,
        seed: int,
        augmentation: AugmentationParams,
    ) -> None:
        super().__init__(workers=2)  # one more batch is made while the step runs
        self._photos, self._ages = photos, ages
        self._batch_size, self._seed, self._augmentation = batch_size, seed, augmentation
        self._epoch = 0

    def __len__(self) -> int:
        return -(-len(self._photos) // self._batch_size)

    def __getitem__(self, step: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        order = np.random.default_rng([self._seed, self._epoch]).permutation(len(self._photos))
        numbers = order[step * self._batch_size : (step + 1) * self._batch_size]
        key = np.array(batch_key(self._seed, self._epoch, step))
        return augment(self._photos[numbers], key, self._augmentation), self._ages[numbers]

    def on_epoch_end(self) -> None:
        self._epoch += 1
