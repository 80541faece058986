"""Photos and ages as batches for Keras: what trains the model and what tests it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import tensorflow as tf

from shopper_age.augmentation import augment, batch_key
from shopper_age.faces import FILE_NAME, PHOTO_FOLDER, REAL_AGE, SPLIT, TEST, TRAIN, photo_path, read_labels
from shopper_age.params import AugmentationParams
from shopper_age.photo_store import PhotoStore

Reader = Literal["tf_data", "image_data_generator"]

_DEFAULT_TEST_SHARE = 0.25
# The cores share the photos of a batch; a second batch keeps them busy while the last photos of the first are
# awaited and it is handed over.
_FETCHES_AT_ONCE = 2
_BATCHES_AHEAD = 2
_FLIP_ONLY = AugmentationParams(
    horizontal_flip=True, rotation_degrees=0, zoom=0, shift=0, brightness=0, contrast=0, erasing=0
)


def load_train(
    path: str | Path,
    *,
    splits: pd.DataFrame | None = None,
    reader: Reader = "tf_data",
    image_size: int = 224,
    batch_size: int = 16,
    seed: int = 0,
    augmentation: AugmentationParams = _FLIP_ONLY,
    cache_gib: float = 4.0,
    cache_folder: str | Path | None = None,
    cache_file_gib: float = 0.0,
) -> Any:
    """Shuffled, augmented batches of training photos with their ages, for `train_model` or `model.fit`.

    A batch is a pair: photos of shape (n, image_size, image_size, 3), RGB 0-255, and ages of shape (n,),
    float32, in years. The reader "tf_data" gives photos as uint8, a quarter of the bytes to copy around and
    onto a GPU; the model turns them into float32. `len(data)` is the number of batches in an epoch.

    The order and the augmentation follow from `seed` and the number of the epoch. The reader "tf_data" has
    that number in `data.epoch`: it counts up with every pass, and setting it resumes there.

    Args:
        path: folder with labels.csv (`file_name, real_age`) and final_files/.
        splits: table `file_name, real_age, split`; without it the first quarter of the rows is the test
            part and the rest trains, as ImageDataGenerator(validation_split=0.25) splits.
        reader: "tf_data", or "image_data_generator" for Keras's ImageDataGenerator.flow_from_dataframe
            (bilinear; `next(data)` gives a batch; without contrast and erasing, EXIF orientation ignored).
        image_size: side of the square photos, in pixels.
        batch_size: photos per batch; the last of an epoch may be smaller.
        augmentation: strengths of the random changes.
        cache_gib: decoded photos are kept in memory if all fit into this, else in a file in `cache_folder`,
            if there is one and they fit into `cache_file_gib`; reader "tf_data" only.

    Raises:
        FileNotFoundError: there is no labels.csv.
        ValueError: an age is not a number, the part is empty, or an option is unknown.
    """
    table = _part(path, splits, TRAIN)
    if _is_tf_data(reader):
        store = photo_store(path, table[FILE_NAME], image_size, cache_gib, cache_folder, cache_file_gib)
        return _tf_data(store, table[REAL_AGE], batch_size, shuffle_seed=seed, augmentation=augmentation)
    generator = _image_data_generator(augmentation)
    return _flow(generator, path, table, image_size, batch_size, shuffle=True, seed=seed)


def load_test(
    path: str | Path,
    *,
    splits: pd.DataFrame | None = None,
    part: str = TEST,
    reader: Reader = "tf_data",
    image_size: int = 224,
    batch_size: int = 16,
    cache_gib: float = 4.0,
    cache_folder: str | Path | None = None,
    cache_file_gib: float = 0.0,
) -> Any:
    """Batches of the test part (or `part="validation"`) in the order of the table, never augmented.

    Everything else is as in `load_train`.
    """
    table = _part(path, splits, part)
    if _is_tf_data(reader):
        store = photo_store(path, table[FILE_NAME], image_size, cache_gib, cache_folder, cache_file_gib)
        return _tf_data(store, table[REAL_AGE], batch_size)
    generator = tf.keras.preprocessing.image.ImageDataGenerator()
    return _flow(generator, path, table, image_size, batch_size, shuffle=False, seed=None)


def photo_store(
    path: str | Path,
    file_names: Iterable[str],
    image_size: int,
    cache_gib: float = 0.0,
    cache_folder: str | Path | None = None,
    cache_file_gib: float = 0.0,
) -> PhotoStore:
    """The photos of these rows, to be had by number; the cache's options as in `PhotoStore`."""
    return PhotoStore(
        [photo_path(path, name) for name in file_names],
        image_size,
        cache_gib=cache_gib,
        cache_folder=None if cache_folder is None else Path(cache_folder),
        cache_file_gib=cache_file_gib,
    )


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


def _part(path: str | Path, splits: pd.DataFrame | None, part: str) -> pd.DataFrame:
    if splits is None:
        splits = _first_rows_test(path)
    table = splits[splits[SPLIT] == part].reset_index(drop=True)
    if table.empty:
        found = ", ".join(sorted(splits[SPLIT].unique())) or "none"
        raise ValueError(f"no photo belongs to the part '{part}' of {path}; parts found: {found}")
    return table


def _first_rows_test(path: str | Path) -> pd.DataFrame:
    labels = read_labels(path)
    ages = pd.to_numeric(labels[REAL_AGE], errors="coerce")
    if not np.isfinite(ages).all():
        bad = labels.loc[~np.isfinite(ages), REAL_AGE]
        raise ValueError(
            f"{path}/labels.csv, line {bad.index[0]}: {REAL_AGE} is {bad.iloc[0]!r}, not a number "
            f"({len(bad)} such rows). Stage validate_data lists and leaves out all of them."
        )
    n_test = int(_DEFAULT_TEST_SHARE * len(labels))
    return pd.DataFrame(
        {
            FILE_NAME: labels[FILE_NAME],
            REAL_AGE: ages,
            SPLIT: np.where(np.arange(len(labels)) < n_test, TEST, TRAIN),
        }
    )


def _is_tf_data(reader: str) -> bool:
    if reader not in ("tf_data", "image_data_generator"):
        raise ValueError(f'reader must be "tf_data" or "image_data_generator", received {reader!r}')
    return reader == "tf_data"


def _tf_data(
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


def _image_data_generator(augmentation: AugmentationParams) -> Any:
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


def _flow(
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
