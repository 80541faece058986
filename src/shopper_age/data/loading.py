"""Photos and ages of one part as batches: `load_train`, `load_test` and, for any part, `load_part`."""

from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from shopper_age.data.cache import Cache
from shopper_age.data.folders import open_folder
from shopper_age.data.readers import image_data_generator, ordered_batches, shuffled_batches
from shopper_age.data.shares import WHOLE, Share
from shopper_age.data.store import PhotoStore
from shopper_age.data.tables import (
    FILE_NAME,
    REAL_AGE,
    SPLIT,
    TEST,
    TRAIN,
    age_years,
    first_rows,
    read_labels,
)
from shopper_age.params import AugmentationParams
from shopper_age.runtime.arguments import check_whole
from shopper_age.runtime.messages import shorten, shorten_list
from shopper_age.runtime.threads import in_threads

Reader = Literal["py_dataset", "image_data_generator"]

_DEFAULT_TEST_SHARE = 0.25

_DEFAULT_CACHE = Cache(memory_gib=4.0)

_FLIP_ONLY = AugmentationParams(
    horizontal_flip=True, rotation_degrees=0, zoom=0, shift=0, brightness=0, contrast=0, erasing=0
)


def load_train(
    path: str | Path,
    *,
    splits: pd.DataFrame | None = None,
    reader: Reader = "py_dataset",
    image_size: int = 224,
    batch_size: int = 16,
    seed: int = 0,
    augmentation: AugmentationParams = _FLIP_ONLY,
    cache: Cache = _DEFAULT_CACHE,
    share: Share = WHOLE,
) -> Any:
    """Shuffled, augmented batches of training photos with their ages, for `train_model` or `model.fit`.

    A batch is a pair: photos of shape (n, image_size, image_size, 3), RGB 0-255, and ages of shape (n,),
    float32, in years. The reader "py_dataset" gives photos as uint8, a quarter of the bytes to copy around
    and onto a GPU; the model turns them into float32. `len(data)` is the number of batches in an epoch.

    The order and the augmentation follow from `seed` and the number of the epoch. The reader "py_dataset" has
    that number in `data.epoch`: it counts up with every pass, and setting it resumes there.

    Args:
        path: folder with labels.csv (`file_name, real_age`) and final_files/, or one that `shopper-age pack`
            made, or the address of such a one in an object store.
        splits: table `file_name, real_age, split`; without it the first quarter of the rows is the test
            part and the rest trains, as ImageDataGenerator(validation_split=0.25) splits.
        reader: "py_dataset", a keras.utils.PyDataset for every backend, or "image_data_generator" for Keras's
            ImageDataGenerator.flow_from_dataframe, which needs TensorFlow (bilinear; `next(data)` gives a
            batch; without contrast and erasing, nothing cached; WEBP, GIF, 16 bits, transparent pixels and
            photos turned by their EXIF orientation are refused by name).
        image_size: side of the square photos, in pixels.
        batch_size: photos per batch; the last of an epoch may be smaller.
        augmentation: strengths of the random changes.
        cache: where decoded photos may be kept.
        share: what this process reads of each batch, where it trains together with others ("py_dataset").

    Raises:
        FileNotFoundError: there is no labels.csv, or photos are missing.
        ValueError: an age is not a number, the part is empty, or an option breaks its rule; photos are of
            a kind that "image_data_generator" cannot read.
    """
    check_whole("seed", seed, at_least=0)
    table = _rows_of_part(path, splits, TRAIN, image_size=image_size, batch_size=batch_size)
    if not _is_py_dataset(reader):
        return image_data_generator(path, table, image_size, batch_size, seed=seed, augmentation=augmentation)
    store = _open_store(path, table[FILE_NAME], image_size, cache)
    return shuffled_batches(
        store, table[REAL_AGE], batch_size, seed=seed, augmentation=augmentation, share=share
    )


def load_part(
    path: str | Path,
    part: str,
    *,
    splits: pd.DataFrame | None = None,
    reader: Reader = "py_dataset",
    image_size: int = 224,
    batch_size: int = 16,
    cache: Cache = _DEFAULT_CACHE,
    share: Share = WHOLE,
) -> Any:
    """Batches of a part in the order of the table, never shuffled or augmented.

    Everything else is as in `load_train`.

    Args:
        part: "train", "validation" or "test".
    """
    table = _rows_of_part(path, splits, part, image_size=image_size, batch_size=batch_size)
    if not _is_py_dataset(reader):
        return image_data_generator(path, table, image_size, batch_size)
    store = _open_store(path, table[FILE_NAME], image_size, cache)
    return ordered_batches(store, table[REAL_AGE], batch_size, share=share)


def load_test(
    path: str | Path,
    *,
    splits: pd.DataFrame | None = None,
    reader: Reader = "py_dataset",
    image_size: int = 224,
    batch_size: int = 16,
    cache: Cache = _DEFAULT_CACHE,
) -> Any:
    """The test part, as `load_part` gives it."""
    return load_part(
        path, TEST, splits=splits, reader=reader, image_size=image_size, batch_size=batch_size, cache=cache
    )


def _open_store(path: str | Path, file_names: pd.Series, image_size: int, cache: Cache) -> PhotoStore:
    folder = open_folder(path).photos
    paths = [folder / name for name in file_names]
    is_there = np.zeros(len(paths), bool)
    in_threads(lambda index: is_there.__setitem__(index, paths[index].is_file()), len(paths))
    if not is_there.all():
        missing = file_names[~is_there]
        raise FileNotFoundError(
            f"{len(missing):,} of {len(paths):,} photos are not in {folder}: "
            f"{shorten_list(missing, 5)}. Stage validate_data lists and leaves out all of them."
        )
    return PhotoStore(paths, image_size, cache)


def _rows_of_part(
    path: str | Path, splits: pd.DataFrame | None, part: str, *, image_size: int, batch_size: int
) -> pd.DataFrame:
    check_whole("image_size", image_size, at_least=1)
    check_whole("batch_size", batch_size, at_least=1)
    if splits is None:
        splits = _first_rows_test(path)
    table = splits[splits[SPLIT] == part].reset_index(drop=True)
    if table.empty:
        found = shorten_list(sorted(splits[SPLIT].unique())) or "none"
        raise ValueError(f"no photo belongs to the part '{part}' of {path}; parts found: {found}")
    return table


def _first_rows_test(path: str | Path) -> pd.DataFrame:
    labels = read_labels(open_folder(path).path)
    ages = age_years(labels[REAL_AGE])
    if not np.isfinite(ages).all():
        bad = labels.loc[~np.isfinite(ages), REAL_AGE]
        raise ValueError(
            f"{path}/labels.csv, line {bad.index[0]}: {REAL_AGE} is {shorten(repr(bad.iloc[0]))}, "
            f"not a number ({len(bad)} such rows). Stage validate_data lists and leaves out all of them."
        )
    is_test = first_rows(len(labels), share=_DEFAULT_TEST_SHARE)
    return pd.DataFrame({FILE_NAME: labels[FILE_NAME], REAL_AGE: ages, SPLIT: np.where(is_test, TEST, TRAIN)})


def _is_py_dataset(reader: str) -> bool:
    if reader not in get_args(Reader):
        raise ValueError(f'reader must be "py_dataset" or "image_data_generator", received {reader!r}')
    return reader == "py_dataset"
