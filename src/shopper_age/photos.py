"""Photos as arrays: one way to decode them for training, evaluation and prediction alike."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

_GIB = 2**30


def read_photo(path: str | Path, size_px: int | None = None) -> np.ndarray:
    """A photo as uint8 RGB, shape (height, width, 3), upright (EXIF orientation applied).

    With `size_px` it is stretched to that square, averaging over the pixels that fall together (Pillow's
    bilinear filter). A JPEG that is far larger is decoded at a half, quarter or eighth of its size, but
    never below twice `size_px`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it cannot be decoded.
    """
    try:
        with Image.open(path) as image:
            if size_px is not None:
                image.draft("RGB", (2 * size_px, 2 * size_px))
            upright = _as_rgb(ImageOps.exif_transpose(image))
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path} not found: run stage validate_data to list all missing photos"
        ) from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(
            f"{path} cannot be decoded ({error}): run stage validate_data to list all such photos"
        ) from error
    if size_px is not None and upright.size != (size_px, size_px):
        upright = upright.resize((size_px, size_px), Image.Resampling.BILINEAR)
    return np.asarray(upright)


class PhotoStore:
    """Photos by number, decoded and resized when first asked for, and kept where memory allows.

    `store[[3, 0]]` is a uint8 array of shape (2, size_px, size_px, 3). All photos are kept when they fit
    into `cache_gib`, else none is: a shuffled epoch would push every photo out before its next turn.
    """

    def __init__(self, paths: Sequence[Path], size_px: int, *, cache_gib: float) -> None:
        self._paths = list(paths)
        self._size_px = size_px
        shape = (len(self._paths), size_px, size_px, 3)
        self.is_cached = np.prod(shape, dtype=np.int64) <= cache_gib * _GIB
        # the system hands out this memory page by page as photos arrive
        self._kept = np.empty(shape if self.is_cached else (0, *shape[1:]), np.uint8)
        self._is_kept = np.zeros(len(self._paths) if self.is_cached else 0, bool)
        self._threads = ThreadPoolExecutor(os.cpu_count())

    def __len__(self) -> int:
        return len(self._paths)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[[number]][0] for number in range(len(self)))

    def __getitem__(self, numbers: Sequence[int] | np.ndarray) -> np.ndarray:
        numbers = np.asarray(numbers)
        if not self.is_cached:
            return self._decode(numbers)
        missing = numbers[~self._is_kept[numbers]]
        if len(missing):
            self._kept[missing] = self._decode(missing)
            self._is_kept[missing] = True
        return self._kept[numbers]

    def _decode(self, numbers: np.ndarray) -> np.ndarray:
        return np.stack(list(self._threads.map(lambda i: read_photo(self._paths[i], self._size_px), numbers)))


def _as_rgb(image: Image.Image) -> Image.Image:
    if (
        image.mode.startswith("I;16") or image.mode == "I"
    ):  # 16-bit grey; Pillow's own conversion would clip it
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")
