"""Decoding of photos to uint8 RGB, for validation and training alike."""

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, NamedTuple

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps

from shopper_age.data.jpeg import decode_jpeg
from shopper_age.data.shards.manifest import DamagedShardError

if TYPE_CHECKING:  # it needs pandas, which a till has not
    from shopper_age.data.folders import PhotoFile

# What Pillow may take a photo for, whatever its name ends in; never a format that runs a program (EPS).
PHOTO_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")

# How the names of photos end, in lower case.
PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"})

# A photo of several, as phones take it, is a JPEG followed by further ones.
_JPEGS = ("JPEG", "MPO")

_ON_ITS_SIDE = (5, 6, 7, 8)  # EXIF orientations

# What transparent pixels lie on, in every channel.
_NEUTRAL_GREY = 128

# How many of a pixel's 16 bits may be in use, by the sensor that took it.
_BITS_IN_USE = (8, 10, 12, 16)


class Photo(NamedTuple):
    """The pixels, uint8 RGB of shape (height, width, 3), upright, and what is odd about the file."""

    pixels: np.ndarray
    oddity: Literal["", "missing_end_marker", "has_transparency"] = ""


def read_photo(path: "str | PhotoFile", size_px: int | None = None) -> np.ndarray:
    """A photo as uint8 RGB, shape (height, width, 3), upright (EXIF orientation applied).

    With `size_px` it is stretched to that square: averaged over the pixels that fall together where it
    shrinks, bilinear where it grows.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it cannot be read, or not all of it decoded; or the shard that holds it is damaged.
    """
    try:
        with (Path(path) if isinstance(path, str) else path).open("rb") as file:
            upright = decode_photo(file, open_photo(file), size_px).pixels
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path} not found: run stage validate_data to list all missing photos"
        ) from None
    except DamagedShardError:
        raise
    except Exception as error:  # what Pillow raises on broken files has no common base
        problem, reason = "decoded", str(error) or type(error).__name__
        if isinstance(error, OSError) and error.errno is not None:
            problem, reason = "read", error.strerror or reason  # the disk's complaint, not Pillow's
        raise ValueError(
            f"{path} cannot be {problem} ({reason}): run stage validate_data to list all such photos"
        ) from error
    return upright if size_px is None else resize(upright, size_px)


def open_photo(file: BinaryIO) -> Image.Image:
    """The photo in an open file with its header read (format, size, mode); nothing is decoded yet.

    Raises:
        UnidentifiedImageError: it is none of `PHOTO_FORMATS`.
        Image.DecompressionBombError: its header claims more pixels than Pillow opens in any case.
    """
    return Image.open(file, formats=PHOTO_FORMATS)


def decode_photo(file: BinaryIO, image: Image.Image, size_px: int | None = None) -> Photo:
    """The photo in an open file, decoded; nothing is printed, and a damaged one is an error.

    `image` is what `open_photo` made of the file. With `size_px` a JPEG that is far larger than this square
    is decoded at a half, quarter or eighth of its size, but never below twice `size_px`. Whether a photo can
    be decoded does not depend on `size_px`.

    Raises:
        Exception: of any kind, for what Pillow raises on broken files has no common base.
    """
    if image.format in _JPEGS:
        file.seek(0)
        if (jpeg := decode_jpeg(file.read(), image.size, size_px)) is not None:
            upright = _turned(jpeg.pixels, _orientation(image))
            return Photo(upright, "" if jpeg.has_end else "missing_end_marker")
    # Pillow reads the upper 8 of 16 bits; it forgets that once the pixels are read
    is_deep = any(";16" in str(tile.args) for tile in getattr(image, "tile", ()))
    ImageOps.exif_transpose(image, in_place=True)
    return _as_rgb(image, is_deep=is_deep)


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height in pixels of a decoded photo as it is displayed, also where it was decoded smaller."""
    width, height = image.size  # where Pillow decoded, it is turned already and has no orientation left
    return (height, width) if _orientation(image) in _ON_ITS_SIDE else (width, height)


def is_turned(image: Image.Image) -> bool:
    """Whether a photo that is not decoded yet is displayed turned or mirrored, by its EXIF orientation."""
    return _orientation(image) in range(2, 9)


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


def _as_rgb(image: Image.Image, *, is_deep: bool) -> Photo:
    if image.mode == "I" or image.mode.startswith("I;16"):
        return Photo(np.asarray(_of_8_bits(image).convert("RGB")))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if np.asarray(image.getchannel("A")).min() < 255:
            ground = Image.new("RGBA", image.size, (_NEUTRAL_GREY,) * 3 + (255,))
            return Photo(np.asarray(Image.alpha_composite(ground, image).convert("RGB")), "has_transparency")
    pixels = np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    if is_deep and pixels.max() < 16:
        raise ValueError("a colour picture of 16 bits of which 12 or fewer are in use: save it with 8 bits")
    return Photo(pixels)


def _of_8_bits(image: Image.Image) -> Image.Image:
    """A grey picture of 16 bits with the upper 8 of those in use; Pillow's own conversion clips at 255."""
    pixels = np.asarray(image)
    largest = int(pixels.max())
    bits = next((bits for bits in _BITS_IN_USE if largest < 2**bits), 16)
    return Image.fromarray((pixels >> (bits - 8)).clip(0, 255).astype(np.uint8))
