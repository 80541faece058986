"""Decoding of photos to uint8 RGB."""

import io
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

# A JPEG below this many bytes cannot hold so many pixels that decoding fewer of them would pay.
_SMALL_FILE = 32 * 1024

_JPEG_START = b"\xff\xd8\xff"

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
    shrinks, bilinear where it grows. A JPEG that is far larger is decoded at a half, quarter or eighth of its
    size, but never below twice `size_px`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it cannot be decoded.
    """
    try:
        data = Path(path).read_bytes()
        upright = _decode(data, size_px)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path} not found: run stage validate_data to list all missing photos"
        ) from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, cv2.error) as error:
        raise ValueError(
            f"{path} cannot be decoded ({error}): run stage validate_data to list all such photos"
        ) from error
    return upright if size_px is None else resize(upright, size_px)


def resize(photo: np.ndarray, size_px: int) -> np.ndarray:
    """A uint8 photo stretched to a square, shape (size_px, size_px, 3)."""
    height, width = photo.shape[:2]
    if (height, width) == (size_px, size_px):
        return photo
    shrinks = height >= size_px and width >= size_px
    return cv2.resize(
        photo, (size_px, size_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )


def _decode(data: bytes, size_px: int | None) -> np.ndarray:
    # Both use libjpeg-turbo and give the same pixels; OpenCV takes half the time, Pillow says what is wrong
    if data.startswith(_JPEG_START):
        photo = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB | _reduction(data, size_px))
        if photo is not None:
            return photo
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(_as_rgb(ImageOps.exif_transpose(image)))


def _reduction(data: bytes, size_px: int | None) -> int:
    """OpenCV's flag for decoding a JPEG at a part of its size."""
    if size_px is None or len(data) < _SMALL_FILE:
        return 0
    with Image.open(io.BytesIO(data)) as image:
        shorter_side = min(image.size)
    return next((flag for factor, flag in _REDUCTIONS.items() if shorter_side >= 2 * factor * size_px), 0)


def _as_rgb(image: Image.Image) -> Image.Image:
    if (
        image.mode.startswith("I;16") or image.mode == "I"
    ):  # 16-bit grey; Pillow's own conversion would clip it
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")
