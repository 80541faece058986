"""Strict decoding of JPEGs: what is damaged is refused, what only looks odd is decoded."""

from typing import NamedTuple

import cv2
import numpy as np
import simplejpeg

from shopper_age.data.jpeg_scans import END, SCAN, DamagedPhotoError, check_scans, segments

# A JPEG below this many bytes cannot hold so many pixels that decoding fewer of them would pay.
_SMALL_FILE = 32 * 1024

# The bits of OpenCV's flag that ask for an eighth, a quarter, half of the size; the names say grey because
# the bit for colour is another.
_REDUCTIONS = {
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    1: 0,
}


class Jpeg(NamedTuple):
    """The pixels, uint8 RGB of shape (height, width, 3), as they lie in the file, perhaps reduced."""

    pixels: np.ndarray
    has_end: bool  # whether the file has its end marker


def decode_jpeg(data: bytes, size: tuple[int, int], size_px: int | None = None) -> Jpeg | None:
    """The first photo of these bytes, with the pixels that OpenCV and Pillow give; None for odd kinds.

    Odd is what TurboJPEG does not know: chroma of one third of the size, or a header that is none.

    libjpeg takes damage for a warning and makes up the pixels. Here it is an error, unless it leaves the
    pixels whole: a missing end marker, and bytes behind the end or between the segments of the file.
    Where the damaged bytes happen to stand for as many pixels as the right ones, libjpeg warns of nothing;
    then `check_scans` may find them.

    Args:
        size: width and height that its header was found to claim.
        size_px: a photo that is far larger than this square is decoded at a half, quarter or eighth of its
            size, but never below twice `size_px`.

    Raises:
        OSError: the end is missing, and pixels with it.
        DamagedPhotoError: it is damaged otherwise.
    """
    is_large = size_px is not None and len(data) >= _SMALL_FILE
    factor = next(f for f in _REDUCTIONS if f == 1 or (is_large and min(size) >= 2 * f * (size_px or 0)))
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data, strict=False)
    except (KeyError, ValueError):
        return None
    if (width, height) != size:
        raise DamagedPhotoError(f"one header says {size[0]} x {size[1]} pixels, another {width} x {height}")
    try:
        pixels = _decode(data, size, colours, factor)
    except ValueError as error:
        reason = str(error)
    else:
        check_scans(data)
        return Jpeg(pixels, has_end=True)
    whole = _without_rubbish(data)
    has_end = _has_end(whole)
    try:
        pixels = _decode(whole if has_end else whole + END, size, colours, factor)
    except ValueError:
        lost = _lost(data, size, colours)
    else:
        check_scans(whole)
        return Jpeg(pixels, has_end)
    if not has_end and data.find(END, data.rfind(SCAN)) < 0:
        raise OSError(f"image file is truncated: {lost}") from None
    raise DamagedPhotoError(f"{reason}; {lost}")


def _decode(
    data: bytes, size: tuple[int, int], colours: str, factor: int, *, strict: bool = True
) -> np.ndarray:
    smallest = {"min_width": -(-size[0] // factor), "min_height": -(-size[1] // factor), "min_factor": factor}
    if colours != "CMYK":  # other kinds can be turned into RGB by libjpeg
        return simplejpeg.decode_jpeg(data, **smallest, strict=strict)
    inks = simplejpeg.decode_jpeg(data, "CMYK", **smallest, strict=strict)
    if not strict:
        return inks
    # found whole, so that OpenCV has nothing to print
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION | _REDUCTIONS[factor]
    photo = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if photo is None:
        raise ValueError("the JPEG is of an unknown kind")
    return photo


def _lost(data: bytes, size: tuple[int, int], colours: str) -> str:
    """How much of the picture is missing: libjpeg fills with one colour what it cannot read up to the end."""
    try:
        small = _decode(data, size, colours, 8, strict=False)  # a pixel for each block of 8 x 8
    except ValueError:
        return "nothing of it can be decoded"
    pixels = small.reshape(-1, small.shape[-1])
    differs = np.flatnonzero((pixels != pixels[-1]).any(axis=1))
    share = 1 - (differs[-1] + 1) / len(pixels) if len(differs) else 1.0
    return f"{share:.0%} of the picture are missing" if share >= 0.005 else "pixels are displaced"


def _without_rubbish(data: bytes) -> bytes:
    """The file without what stands between its segments and so belongs to none."""
    return b"".join(data[begin:end] for begin, end in segments(data))


def _has_end(data: bytes) -> bool:
    begin, _ = segments(data)[-1]
    return data[begin:].lstrip(b"\xff")[:1] == END[1:]
