"""Photos and ages of one part as batches: `load_train` and `load_test`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import tensorflow as tf

from shopper_age.data.readers import flow, image_data_generator, tf_data
from shopper_age.data.store import PhotoStore
from shopper_age.data.tables import FILE_NAME, REAL_AGE, SPLIT, TEST, TRAIN, photo_path, read_labels
from shopper_age.params import AugmentationParams

Reader = Literal["tf_data", "image_data_generator"]

_DEFAULT_TEST_SHARE = 0.25

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
        return tf_data(store, table[REAL_AGE], batch_size, shuffle_seed=seed, augmentation=augmentation)
    generator = image_data_generator(augmentation)
    return flow(generator, path, table, image_size, batch_size, shuffle=True, seed=seed)


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
        return tf_data(store, table[REAL_AGE], batch_size)
    generator = tf.keras.preprocessing.image.ImageDataGenerator()
    return flow(generator, path, table, image_size, batch_size, shuffle=False, seed=None)


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
