"""Photos by index, decoded and cached."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from shopper_age.data.cache import NO_CACHE, Cache, Indices, Photo, Photos, Place, open_cache
from shopper_age.data.folders import PhotoFile, open_folder
from shopper_age.data.photos import read_photo
from shopper_age.runtime.threads import in_threads


class PhotoStore:
    """The photos of some files, resized, by index: `store[[3, 0]]` is uint8 (2, size_px, size_px, 3), RGB.

    Args:
        paths: the files; a photo's index is its position here.
        size_px: side of the square photos.
        cache: where decoded photos may be kept.

    Raises:
        OSError: the cache file cannot be made.
    """

    def __init__(self, paths: Sequence[PhotoFile], size_px: int, cache: Cache = NO_CACHE) -> None:
        self._paths = list(paths)
        self.size_px = size_px
        self._cache = open_cache(cache, self._paths, size_px)

    @classmethod
    def open(
        cls, data_path: str | Path, file_names: Iterable[str], size_px: int, cache: Cache = NO_CACHE
    ) -> "PhotoStore":
        """The photos of these names of a training folder, loose or packed."""
        folder = open_folder(data_path).photos
        return cls([folder / name for name in file_names], size_px, cache)

    @property
    def cache_place(self) -> Place | Literal["nowhere"]:
        """Where decoded photos are kept."""
        return self._cache.place if self._cache else "nowhere"

    def __len__(self) -> int:
        return len(self._paths)

    def __iter__(self) -> Iterator[Photos]:
        return (self[[index]][0] for index in range(len(self)))

    def __getitem__(self, indices: Sequence[int] | Indices) -> Photos:
        indices = np.asarray(indices)
        cache = self._cache
        if cache is None:
            photos = np.empty((len(indices), self.size_px, self.size_px, 3), np.uint8)
            self._read(indices, photos.__setitem__)
            return photos
        missing = indices[~cache.has(indices)]
        self._read(missing, lambda position, photo: cache.put(missing[position], photo))
        return cache.pixels[indices]

    def _read(self, indices: Indices, keep: Callable[[int, Photo], None]) -> None:
        """Reads these photos on all cores and has `keep` called with the position and the pixels of each."""
        in_threads(
            lambda position: keep(position, read_photo(self._paths[indices[position]], self.size_px)),
            len(indices),
        )
