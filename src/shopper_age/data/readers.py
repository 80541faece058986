"""Readers of photos: tf.data, or Keras's ImageDataGenerator."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from shopper_age.data.augmentation import augment, batch_key
from shopper_age.data.store import PhotoStore
from shopper_age.data.tables import FILE_NAME, PHOTO_FOLDER, REAL_AGE
from shopper_age.params import AugmentationParams

# The cores share the photos of a batch; a second batch keeps them busy while the last photos of the first are
# awaited and it is handed over.
_FETCHES_AT_ONCE = 2

_BATCHES_AHEAD = 2


def photo_batches(store: PhotoStore, max_batch_size: int) -> tf.data.Dataset:
    """The photos alone, uint8 (n, side, side, 3), for `model.predict`.

    All batches have one size, as TensorFlow would compile the model again for a shorter one: as many batches
    as are needed share the photos, and where these do not go round, the last is repeated at the end.
    """
    n_batches = -(-len(store) // max_batch_size)
    batch_size = -(-len(store) // n_batches)
    n_missing = n_batches * batch_size - len(store)
    numbers = np.pad(np.arange(len(store)), (0, n_missing), mode="edge").reshape(-1, batch_size)
    shape = (batch_size, store.size_px, store.size_px, 3)

    def fetch(batch: tf.Tensor) -> tf.Tensor:
        return tf.ensure_shape(tf.numpy_function(store.__getitem__, [batch], tf.uint8), shape)

    data = tf.data.Dataset.from_tensor_slices(numbers).map(fetch, num_parallel_calls=_FETCHES_AT_ONCE)
    return _ahead(data)


def tf_data(
    store: PhotoStore,
    ages_years: pd.Series,
    batch_size: int,
    *,
    shuffle_seed: int | None = None,
    augmentation: AugmentationParams | None = None,
) -> tf.data.Dataset:
    ages = tf.constant(ages_years, tf.float32)
    epoch = tf.Variable(0, dtype=tf.int64, trainable=False, name="epoch")
    n_batches = -(-len(store) // batch_size)

    def batches_of_epoch(_: tf.Tensor) -> tf.data.Dataset:
        now = epoch.read_value()
        epoch.assign_add(1)
        numbers = tf.range(len(store), dtype=tf.int64)
        if shuffle_seed is not None:
            numbers = tf.random.experimental.stateless_shuffle(numbers, seed=tf.stack([shuffle_seed, now]))

        def batch(step: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            key = tf.stack(batch_key(shuffle_seed or 0, now, step))
            return numbers[step * batch_size : (step + 1) * batch_size], key

        return tf.data.Dataset.range(n_batches).map(batch)

    def read(numbers: np.ndarray, key: np.ndarray) -> np.ndarray:
        photos = store[numbers]
        return photos if augmentation is None else augment(photos, key, augmentation)

    def fetch(numbers: tf.Tensor, key: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        photos = tf.numpy_function(read, [numbers, key], tf.uint8)
        return tf.ensure_shape(photos, (None, store.size_px, store.size_px, 3)), tf.gather(ages, numbers)

    data = tf.data.Dataset.from_tensors(0).flat_map(batches_of_epoch)
    data = data.map(fetch, num_parallel_calls=_FETCHES_AT_ONCE)
    data = _ahead(data.apply(tf.data.experimental.assert_cardinality(n_batches)))
    data.epoch = epoch
    return data


def _ahead(data: tf.data.Dataset) -> tf.data.Dataset:
    """The same batches, made while the model works on those before; never tuned by TensorFlow itself."""
    # Autotuning wakes after 10 ms, 20 ms, ... up to a minute. The end of an iterator waits for its thread and
    # often fails to wake it (TensorFlow 2.21 signals before it marks the iterator as cancelled), so that
    # an epoch would end up to a minute late.
    options = tf.data.Options()
    options.autotune.enabled = False
    return data.prefetch(_BATCHES_AHEAD).with_options(options)


def image_data_generator(augmentation: AugmentationParams) -> Any:
    if augmentation.contrast or augmentation.erasing:
        raise ValueError(
            'image_data_generator has no contrast and no erasing; set both to 0 or use reader="tf_data"'
        )
    return tf.keras.preprocessing.image.ImageDataGenerator(
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


def flow(
    generator: Any, path: str | Path, table: pd.DataFrame, image_size: int, batch_size: int, **order: Any
) -> Any:
    return generator.flow_from_dataframe(
        table.astype({REAL_AGE: "float32"}),
        directory=str(Path(path, PHOTO_FOLDER)),
        x_col=FILE_NAME,
        y_col=REAL_AGE,
        class_mode="raw",
        target_size=(image_size, image_size),
        batch_size=batch_size,
        interpolation="bilinear",  # Keras's default, nearest, leaves out pixels
        **order,
    )
