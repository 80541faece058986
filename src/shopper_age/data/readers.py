"""Readers of photos: batches for every backend of Keras, or Keras's ImageDataGenerator."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from shopper_age.data.augmentation import augment, batch_seed
from shopper_age.data.batches import Batches
from shopper_age.data.cache import Photos
from shopper_age.data.order import shuffled
from shopper_age.data.store import PhotoStore
from shopper_age.data.tables import FILE_NAME, PHOTO_FOLDER, REAL_AGE
from shopper_age.params import AugmentationParams

_NO_AUGMENTATION = AugmentationParams(
    horizontal_flip=False, rotation_degrees=0, zoom=0, shift=0, brightness=0, contrast=0, erasing=0
)


def photo_batches(store: PhotoStore, max_batch_size: int) -> Batches:
    """The photos alone, uint8 (n, side, side, 3), for `model.predict`.

    All batches have one size, as the model would be compiled again for a shorter one: as many batches as are
    needed share the photos, and where these do not go round, the last is repeated at the end.
    """
    n_batches = -(-len(store) // max_batch_size)
    batch_size = -(-len(store) // n_batches)
    n_missing = n_batches * batch_size - len(store)
    indices = np.pad(np.arange(len(store)), (0, n_missing), mode="edge").reshape(-1, batch_size)
    return Batches(n_batches, lambda _, step: store[indices[step]])


def ordered_batches(photos: PhotoStore | Photos, ages_years: ArrayLike, batch_size: int) -> Batches:
    """Pairs of photos, uint8 (n, side, side, 3), and ages, float32 (n,), in their order."""
    ages = np.asarray(ages_years, "float32")

    def make(_: int, step: int) -> tuple[Photos, NDArray[np.float32]]:
        indices = np.arange(len(ages))[step * batch_size : (step + 1) * batch_size]
        return photos[indices], ages[indices]

    return Batches(-(-len(ages) // batch_size), make)


def shuffled_batches(
    photos: PhotoStore | Photos,
    ages_years: ArrayLike,
    batch_size: int,
    *,
    seed: int,
    augmentation: AugmentationParams,
) -> Batches:
    """The same, in an order and with changes that follow from the seed and the number of the epoch."""
    ages = np.asarray(ages_years, "float32")

    def make(epoch: int, step: int) -> tuple[Photos, NDArray[np.float32]]:
        order = shuffled(len(ages), seed=seed, epoch=epoch)
        indices = order[step * batch_size : (step + 1) * batch_size]
        return augment(photos[indices], batch_seed(seed, epoch, step), augmentation), ages[indices]

    return Batches(-(-len(ages) // batch_size), make)


def image_data_generator(
    path: str | Path,
    table: pd.DataFrame,
    image_size: int,
    batch_size: int,
    *,
    seed: int | None = None,
    augmentation: AugmentationParams = _NO_AUGMENTATION,
) -> Any:
    """Keras's generator for these rows, shuffled where there is a seed; needs TensorFlow.

    Raises:
        ValueError: the augmentation has what the generator does not know.
    """
    if augmentation.contrast or augmentation.erasing:
        raise ValueError(
            'image_data_generator has no contrast and no erasing; set both to 0 or use reader="py_dataset"'
        )
    from tensorflow.keras.preprocessing.image import ImageDataGenerator

    generator = ImageDataGenerator(
        horizontal_flip=augmentation.horizontal_flip,
        rotation_range=augmentation.rotation_degrees,
        zoom_range=augmentation.zoom,
        width_shift_range=augmentation.shift,
        height_shift_range=augmentation.shift,
        brightness_range=(1 - augmentation.brightness, 1 + augmentation.brightness)
        if augmentation.brightness
        else None,
        fill_mode="nearest",
    )
    return generator.flow_from_dataframe(
        table.astype({REAL_AGE: "float32"}),
        directory=str(Path(path, PHOTO_FOLDER)),
        x_col=FILE_NAME,
        y_col=REAL_AGE,
        class_mode="raw",
        target_size=(image_size, image_size),
        batch_size=batch_size,
        interpolation="bilinear",  # Keras's default, nearest, leaves out pixels
        shuffle=seed is not None,
        seed=seed,
    )
