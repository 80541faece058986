"""Photos by index, decoded and cached."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from shopper_age.data.cache import Numbers, Photo, Photos, open_cache
from shopper_age.data.photos import read_photo
from shopper_age.runtime.threads import in_threads

_GIB = 2**30


class PhotoStore:
    """The photos of some files, resized, by number: `store[[3, 0]]` is uint8 (2, size_px, size_px, 3), RGB.

    Args:
        paths: the files; a photo's number is its place here.
        size_px: side of the square photos.
        cache_gib: decoded photos are kept in memory when all of them fit into this,
        cache_folder: else in a file in this folder
        cache_file_gib: when all fit into this, else nowhere.

    Raises:
        OSError: the cache file cannot be made.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        size_px: int,
        *,
        cache_gib: float = 0.0,
        cache_folder: Path | None = None,
        cache_file_gib: float = 0.0,
    ) -> None:
        self._paths = list(paths)
        self.size_px = size_px
        self._cache = open_cache(
            self._paths,
            size_px,
            memory_bytes=cache_gib * _GIB,
            folder=cache_folder,
            file_bytes=cache_file_gib * _GIB,
        )

    @property
    def cache_place(self) -> str:
        """Where decoded photos are kept: "memory", "file" or "nowhere"."""
        return self._cache.place if self._cache else "nowhere"

    def __len__(self) -> int:
        return len(self._paths)

    def __iter__(self) -> Iterator[Photos]:
        return (self[[number]][0] for number in range(len(self)))

    def __getitem__(self, numbers: Sequence[int] | Numbers) -> Photos:
        numbers = np.asarray(numbers)
        cache = self._cache
        if cache is None:
            photos = np.empty((len(numbers), self.size_px, self.size_px, 3), np.uint8)
            self._read(numbers, photos.__setitem__)
            return photos
        missing = numbers[~cache.has(numbers)]
        self._read(missing, lambda place, photo: cache.put(missing[place], photo))
        return cache.pixels[numbers]

    def _read(self, numbers: Numbers, keep: Callable[[int, Photo], None]) -> None:
        """Reads these photos on all cores and has `keep` called with the place and the pixels of each."""
        in_threads(
            lambda place: keep(place, read_photo(self._paths[numbers[place]], self.size_px)), len(numbers)
        )
