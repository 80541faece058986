"""Readers of photos: batches for every backend of Keras, or Keras's ImageDataGenerator."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from shopper_age.data.augmentation import augment, batch_seed
from shopper_age.data.batches import Batches
from shopper_age.data.cache import Photos
from shopper_age.data.folders import open_folder
from shopper_age.data.order import shuffled
from shopper_age.data.photos import decode_photo, is_turned, open_photo
from shopper_age.data.shares import WHOLE, Share
from shopper_age.data.store import PhotoStore
from shopper_age.data.tables import FILE_NAME, REAL_AGE
from shopper_age.params import AugmentationParams
from shopper_age.runtime.progress import progress_bar
from shopper_age.runtime.threads import in_threads

_NO_AUGMENTATION = AugmentationParams(
    horizontal_flip=False, rotation_degrees=0, zoom=0, shift=0, brightness=0, contrast=0, erasing=0
)

# Source: keras/src/legacy/preprocessing/image.py, BatchFromFilesMixin.set_processing_attrs and
#     DataFrameIterator, white_list_formats; it drops all others. PPM is none of our formats.
_GENERATOR_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")

_NAMES_TOLD = 5

# A progress bar moves after so many photos.
_PHOTOS_PER_PORTION = 256

_MISSING, _BROKEN = "not found", "that cannot be decoded"


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


def ordered_batches(
    photos: PhotoStore | Photos, ages_years: ArrayLike, batch_size: int, *, share: Share = WHOLE
) -> Batches:
    """Pairs of photos, uint8 (n, side, side, 3), and ages, float32 (n,), in their order.

    Args:
        share: what this process reads of each batch.
    """
    ages = np.asarray(ages_years, "float32")

    def make(_: int, step: int) -> tuple[Any, Any]:
        batch = np.arange(len(ages))[step * batch_size : (step + 1) * batch_size]
        indices = batch[share.rows(len(batch))]
        return share.place(photos[indices], len(batch)), share.place(ages[indices], len(batch))

    return Batches(-(-len(ages) // batch_size), make)


def shuffled_batches(
    photos: PhotoStore | Photos,
    ages_years: ArrayLike,
    batch_size: int,
    *,
    seed: int,
    augmentation: AugmentationParams,
    share: Share = WHOLE,
) -> Batches:
    """The same, in an order and with changes that follow from the seed and the number of the epoch.

    The changes of a photo are the same in whichever process they are made.
    """
    ages = np.asarray(ages_years, "float32")

    def make(epoch: int, step: int) -> tuple[Any, Any]:
        order = shuffled(len(ages), seed=seed, epoch=epoch)
        batch = order[step * batch_size : (step + 1) * batch_size]
        n, rows = len(batch), share.rows(len(batch))
        changed = augment(
            photos[batch[rows]], batch_seed(seed, epoch, step), augmentation, n_batch=n, first=rows.start
        )
        return share.place(changed, n), share.place(ages[batch[rows]], n)

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

    Left to itself it drops a photo that is missing or whose name ends in another way than it knows, lays 16
    bits and transparency out wrongly, leaves a photo on its side and fills a damaged one with grey. So all
    photos are decoded once, before, and where there is such a one it is refused.

    Raises:
        FileNotFoundError: photos are missing.
        ValueError: the augmentation has what the generator does not know, the photos are packed, or some are
            of a kind that it does not read as `read_photo` does; they are named.
    """
    if augmentation.contrast or augmentation.erasing:
        raise ValueError(
            'image_data_generator has no contrast and no erasing; set both to 0 or use reader="py_dataset"'
        )
    folder = open_folder(path).photos
    if not isinstance(folder, Path):
        raise ValueError(
            f'image_data_generator reads loose photos alone, and {path} is packed; use reader="py_dataset"'
        )
    _check_for_generator(folder, table[FILE_NAME].tolist(), image_size)
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
        directory=str(folder),
        x_col=FILE_NAME,
        y_col=REAL_AGE,
        class_mode="raw",
        target_size=(image_size, image_size),
        batch_size=batch_size,
        interpolation="bilinear",  # Keras's default, nearest, leaves out pixels
        shuffle=seed is not None,
        seed=seed,
    )


def _check_for_generator(folder: Path, file_names: Sequence[str], image_size: int) -> None:
    problems = [""] * len(file_names)

    def check(index: int) -> None:
        problems[index] = _generator_problem(folder / file_names[index], image_size)

    def check_at(numbers: range, position: int) -> None:
        check(numbers[position])

    with progress_bar("checking", len(file_names)) as advance:
        for start in range(0, len(file_names), _PHOTOS_PER_PORTION):
            numbers = range(start, min(start + _PHOTOS_PER_PORTION, len(file_names)))
            in_threads(partial(check_at, numbers), len(numbers))
            advance(len(numbers))
    by_problem: dict[str, list[str]] = {}
    for name, problem in zip(file_names, problems, strict=True):
        by_problem.setdefault(problem, []).append(name)
    by_problem.pop("", None)
    if not by_problem:
        return
    told = "; ".join(
        f"{len(names)} {problem} ({', '.join(names[:_NAMES_TOLD])}{', …' * (len(names) > _NAMES_TOLD)})"
        for problem, names in by_problem.items()
    )
    n_refused = sum(map(len, by_problem.values()))
    message = f"image_data_generator cannot read {n_refused} of {len(file_names)} photos: {told}. "
    if _MISSING in by_problem or _BROKEN in by_problem:
        message += "Stage validate_data lists missing and broken photos and leaves them out. "
    if by_problem.keys() - {_MISSING, _BROKEN}:
        message += 'reader="py_dataset" reads the other kinds; or save them upright as JPEGs of 8 bits.'
    raise (FileNotFoundError if _MISSING in by_problem else ValueError)(message.rstrip())


def _generator_problem(path: Path, image_size: int) -> str:
    """What keeps Keras's generator from this photo, "" if nothing."""
    if not path.is_file():
        return _MISSING
    try:
        with path.open("rb") as file:
            image = open_photo(file)
            is_deep = image.mode == "I" or image.mode.startswith("I;16")
            is_rotated = is_turned(image)
            oddity = decode_photo(file, image, image_size).oddity
    except Exception:  # what Pillow raises on broken files has no common base
        return _BROKEN
    if path.suffix.lower() not in _GENERATOR_SUFFIXES:
        return f"whose names end in none of {', '.join(_GENERATOR_SUFFIXES)}"
    if oddity == "missing_end_marker":
        return "without their end marker"
    if oddity == "has_transparency":
        return "with transparent pixels"
    if is_deep:
        return "of 16 bits"
    return "turned by their EXIF orientation" if is_rotated else ""
