"""Decoding of photos to uint8 RGB, for validation and training alike."""

from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps

# What Pillow may take a photo for, whatever its name ends in; never a format that runs a program (EPS).
PHOTO_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")

# A JPEG below this many bytes cannot hold so many pixels that decoding fewer of them would pay.
_SMALL_FILE = 32 * 1024

# A photo of several, as phones take it, is a JPEG followed by further ones.
_JPEGS = ("JPEG", "MPO")

_ON_ITS_SIDE = (5, 6, 7, 8)  # EXIF orientations

# The bits of OpenCV's flag that ask for an eighth, a quarter, half of the size; the names say grey because
# the bit for colour is another.
_REDUCTIONS = {
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
}


def read_photo(path: str | Path, size_px: int | None = None) -> np.ndarray:
    """A photo as uint8 RGB, shape (height, width, 3), upright (EXIF orientation applied).

    With `size_px` it is stretched to that square: averaged over the pixels that fall together where it
    shrinks, bilinear where it grows.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it cannot be decoded.
    """
    try:
        with Path(path).open("rb") as file:
            upright = decode_photo(file, open_photo(file), size_px)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path} not found: run stage validate_data to list all missing photos"
        ) from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, cv2.error) as error:
        raise ValueError(
            f"{path} cannot be decoded ({error}): run stage validate_data to list all such photos"
        ) from error
    return upright if size_px is None else resize(upright, size_px)


def open_photo(file: BinaryIO) -> Image.Image:
    """The photo in an open file with its header read (format, size, mode); nothing is decoded yet.

    Raises:
        UnidentifiedImageError: it is none of `PHOTO_FORMATS`.
        Image.DecompressionBombError: its header claims more pixels than Pillow opens in any case.
    """
    return Image.open(file, formats=PHOTO_FORMATS)


def decode_photo(file: BinaryIO, image: Image.Image, size_px: int | None = None) -> np.ndarray:
    """The photo in an open file as uint8 RGB, shape (height, width, 3), upright.

    `image` is what `open_photo` made of the file. With `size_px` a JPEG that is far larger than this square
    is decoded at a half, quarter or eighth of its size, but never below twice `size_px`. Whether a photo can
    be decoded does not depend on `size_px`.

    Raises:
        Exception: of any kind, for what Pillow raises on broken files has no common base.
    """
    # Both use libjpeg-turbo and give the same pixels; OpenCV takes half the time, Pillow says what is wrong
    if image.format in _JPEGS and (photo := _decode_jpeg(file, image.size, size_px)) is not None:
        return _turned(photo, _orientation(image))
    ImageOps.exif_transpose(image, in_place=True)
    return np.asarray(_as_rgb(image))


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height in pixels of a decoded photo as it is displayed, also where it was decoded smaller."""
    width, height = image.size  # where Pillow decoded, it is turned already and has no orientation left
    return (height, width) if _orientation(image) in _ON_ITS_SIDE else (width, height)


def to_grey(photo: np.ndarray) -> np.ndarray:
    """The luma (ITU-R BT.601) of a uint8 RGB photo, uint8 of shape (height, width)."""
    return cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)


def resize(photo: np.ndarray, size_px: int) -> np.ndarray:
    """A uint8 photo stretched to a square, shape (size_px, size_px, 3)."""
    height, width = photo.shape[:2]
    if (height, width) == (size_px, size_px):
        return photo
    shrinks = height >= size_px and width >= size_px
    return cv2.resize(
        photo, (size_px, size_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )


def _decode_jpeg(file: BinaryIO, size: tuple[int, int], size_px: int | None) -> np.ndarray | None:
    """The photo as it lies in the file, perhaps reduced; None where OpenCV cannot decode it."""
    file.seek(0)
    data = file.read()
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    if size_px is not None and len(data) >= _SMALL_FILE:
        fits = (flag for factor, flag in _REDUCTIONS.items() if min(size) >= 2 * factor * size_px)
        flags |= next(fits, 0)
    return cv2.imdecode(np.frombuffer(data, np.uint8), flags)


def _orientation(image: Image.Image) -> int:
    return image.getexif().get(ExifTags.Base.Orientation, 1)


def _turned(photo: np.ndarray, orientation: int) -> np.ndarray:
    """The photo upright, by its EXIF orientation (1-8; what is none of these changes nothing)."""
    if orientation in _ON_ITS_SIDE:
        photo = photo.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        photo = photo[::-1]
    if orientation in (2, 3, 6, 7):
        photo = photo[:, ::-1]
    return np.ascontiguousarray(photo)


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "I" or image.mode.startswith("I;16"):
        # 16-bit grey: its upper 8 bits; Pillow's own conversion would clip it at 255
        image = Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    return image if image.mode == "RGB" else image.convert("RGB")
