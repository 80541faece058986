"""Checks of the photo files: whether each can be decoded, and its measures."""

import hashlib
import os
import stat
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

import cv2
import numpy as np
import pandas as pd
from PIL import Image, UnidentifiedImageError

from shopper_age.data.folders import PhotoFile, open_folder
from shopper_age.data.jpeg import DamagedPhotoError
from shopper_age.data.photos import (
    PHOTO_FORMATS,
    PHOTO_SUFFIXES,
    decode_photo,
    open_photo,
    to_grey,
    upright_size,
)
from shopper_age.data.shards.manifest import DamagedShardError
from shopper_age.data.shards.photos import PackedPhotos
from shopper_age.data.tables import HEIGHT, MODE, N_BYTES, WIDTH, near_miss
from shopper_age.runtime.progress import progress_bar
from shopper_age.runtime.threads import in_threads
from shopper_age.validation.duplicates import HASH_SHAPE, perceptual_hashes
from shopper_age.validation.links import link_problem
from shopper_age.validation.near_misses import shown
from shopper_age.validation.rules import findings

NO_SUCH_FILE = "no such file"

# Grey values (0-255) of the flattest of 7,591 face photos have a standard deviation of 15.
BLANK_STANDARD_DEVIATION = 2.0

# A photo is decoded as if for a square of this side, in pixels: hashing needs no more.
DECODED_SIDE_PX = 64

# Results are gathered in portions, so that a million photos do not wait as a million Python objects.
PHOTOS_PER_PORTION = 1024


class Photo(NamedTuple):
    """What was found on a photo: the rule it breaks ("" = none) with a detail, and its measures if usable."""

    rule: str = ""
    detail: str = ""
    width: int = 0  # as displayed, after the EXIF rotation
    height: int = 0
    mode: str = ""  # Pillow's name of the colour model
    n_bytes: int = 0
    content: int = 0  # 64-bit hash of the bytes
    hashes: np.ndarray = np.zeros(HASH_SHAPE, np.uint64)


class Inspection(NamedTuple):
    """The photos in the order asked for: a table of `Photo`'s fields, and their hashes, shape (n, 2, 5)."""

    table: pd.DataFrame
    hashes: np.ndarray


class _Unusable(Exception):  # noqa: N818 - about the photo, not the program
    def __init__(self, rule: str, detail: str) -> None:
        self.photo = Photo(rule, detail)


def list_photos(data_path: str | Path) -> list[str]:
    """Names, counted from the photo folder, of all files in it that end like a photo and are not hidden; of a
    packed folder, those of all its photos.

    Linked folders are not entered. What is not UTF-8 in a name is shown as an escape.

    Raises:
        FileNotFoundError: there is no photo folder.
    """
    folder = open_folder(data_path).photos
    if isinstance(folder, PackedPhotos):
        return folder.names()
    if not folder.is_dir():
        told = f"{folder} not found: the folder for the photos that labels.csv names. {near_miss(folder)}"
        raise FileNotFoundError(told.rstrip())
    names = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inside = os.path.relpath(parent, folder).replace(os.sep, "/")
        prefix = "" if inside == "." else f"{inside}/"
        names += [
            (prefix + name).encode(errors="backslashreplace").decode()
            for name in files
            if os.path.splitext(name)[1].lower() in PHOTO_SUFFIXES and not name.startswith(".")  # noqa: PTH122
        ]
    return sorted(names)


def inspect_photos(
    data_path: str | Path,
    file_names: Sequence[str],
    *,
    min_side_px: int,
    max_pixels: int,
    mapped: Callable[..., Iterator[Inspection]] = map,
) -> Inspection:
    """Inspects all photos on all cores, with a progress bar on a terminal; memory holds one photo per core.

    Threads, because decoding does not hold Python's lock and processes need seconds to start. `mapped` maps
    the work onto portions of the photos as `map` does, or on several machines.
    """
    folder = open_folder(data_path).photos
    if isinstance(folder, Path):
        folder = Path(os.path.realpath(folder))
    inspect = partial(_inspect_portion, folder, min_side_px=min_side_px, max_pixels=max_pixels)
    starts = range(0, len(file_names), PHOTOS_PER_PORTION)
    portions = (list(file_names[start : start + PHOTOS_PER_PORTION]) for start in starts)
    found = [Inspection(_as_table([]), np.zeros((0, *HASH_SHAPE), np.uint64))]
    with progress_bar("checking", len(file_names)) as advance:
        for portion in mapped(inspect, portions):
            found.append(portion)
            advance(len(portion.table))
    return Inspection(
        pd.concat([portion.table for portion in found], ignore_index=True),
        np.concatenate([portion.hashes for portion in found]),
    )


def _inspect_portion(folder: Path | PackedPhotos, file_names: Sequence[str], **limits: int) -> Inspection:
    photos = [Photo()] * len(file_names)

    def inspect(index: int) -> None:
        photos[index] = inspect_photo(folder, file_names[index], **limits)

    with warnings.catch_warnings():  # of odd metadata; what matters becomes a finding
        warnings.simplefilter("ignore")
        in_threads(inspect, len(file_names))
    return Inspection(_as_table(photos), np.stack([photo.hashes for photo in photos]))


def inspect_photo(folder: Path | PackedPhotos, file_name: str, *, min_side_px: int, max_pixels: int) -> Photo:
    """What is found on one photo, whatever state it is in; a `Path` must be free of links itself."""
    path = folder / file_name
    try:
        if isinstance(folder, Path) and (problem := link_problem(folder, folder / file_name)):
            raise _Unusable(*problem)
        n_bytes = _check_file(path)
        with path.open("rb") as file:
            image = _open(file, min_side_px=min_side_px, max_pixels=max_pixels)
            mode = image.mode
            pixels, oddity = decode_photo(file, image, DECODED_SIDE_PX)
            grey = to_grey(pixels)
            if (sd := cv2.meanStdDev(grey)[1].item()) < BLANK_STANDARD_DEVIATION:
                raise _Unusable("blank_photo", f"standard deviation of grey {sd:.1f} of 255")
            hashes = perceptual_hashes(Image.fromarray(grey))
            return Photo(oddity, "", *upright_size(image), mode, n_bytes, _content_hash(file), hashes)
    except _Unusable as unusable:
        return unusable.photo
    except DamagedShardError:
        raise  # no photo is at fault: the data are not those that were packed
    except DamagedPhotoError as error:
        return Photo("damaged_photo", str(error))
    except OSError as error:
        return Photo(_broken_rule(error), error.strerror or str(error))
    except Exception as error:  # readers of pictures stumble over broken ones with any kind of error
        return Photo("undecodable_photo", f"{type(error).__name__}: {error}")


def _check_file(path: PhotoFile) -> int:
    """The size of the file in bytes."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise _Unusable("missing_photo", NO_SUCH_FILE) from None
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
        raise _Unusable("not_a_file", "a folder" if stat.S_ISDIR(status.st_mode) else "a device or pipe")
    if status.st_size == 0:
        raise _Unusable("empty_photo", "0 bytes")
    return status.st_size


def _open(file: BinaryIO, *, min_side_px: int, max_pixels: int) -> Image.Image:
    """The photo with its header read and judged, nothing decoded yet."""
    try:
        image = open_photo(file)
    except UnidentifiedImageError:
        raise _Unusable("undecodable_photo", f"none of {', '.join(PHOTO_FORMATS)}") from None
    except Image.DecompressionBombError as error:
        raise _Unusable("too_many_pixels", str(error)) from None
    size = f"{image.width} x {image.height}"
    if image.width * image.height > max_pixels:
        raise _Unusable("too_many_pixels", f"{size} = {image.width * image.height} pixels")
    if min(image.size) < min_side_px:
        raise _Unusable("too_small_photo", f"{size} pixels")
    return image


def _broken_rule(error: OSError) -> str:
    if error.errno is not None:  # the disk's complaint, not Pillow's
        return "unreadable_photo"
    return "truncated_photo" if "truncated" in str(error).lower() else "undecodable_photo"


def _content_hash(file: BufferedReader | BytesIO) -> int:
    file.seek(0)
    digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).digest()
    return int.from_bytes(digest, "big", signed=True)


def _as_table(photos: list[Photo]) -> pd.DataFrame:
    table = pd.DataFrame([photo[:-1] for photo in photos], columns=list(Photo._fields[:-1]))
    numbers = dict.fromkeys((WIDTH, HEIGHT, N_BYTES, "content"), "int64")
    return table.astype({"rule": "str", "detail": "str", MODE: "str", **numbers})


def photo_findings(files: pd.Series, measured: pd.DataFrame, near: pd.Series) -> pd.DataFrame:
    """The unusable photos, a finding for each row that names one; `near`: what missing ones may be."""
    broken = measured[measured["rule"] != ""]
    detail = broken["detail"].copy()
    near = near[near != ""]
    detail[near.index] = [f"{NO_SUCH_FILE}; is it {shown(name)}?" for name in near]
    return findings(broken["rule"].tolist(), files[broken.index], detail.tolist())


def unlabelled_findings(files: pd.Series, on_disk: list[str]) -> pd.DataFrame:
    """Photos in the folder that no row names; they have no line."""
    named = set(files)
    names = [name for name in on_disk if name not in named]
    return findings("photo_without_label", pd.Series(names, index=[pd.NA] * len(names), dtype="str"), "")
