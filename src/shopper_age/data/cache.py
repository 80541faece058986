"""Caches of decoded photos: in memory or in a memory-mapped file."""

import os
import shutil
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from shopper_age.data.folders import PhotoFile
from shopper_age.runtime.hashing import content_key
from shopper_age.runtime.threads import in_threads

Photo = NDArray[np.uint8]  # (side, side, 3), RGB

Photos = NDArray[np.uint8]  # (n, side, side, 3)

Indices = NDArray[np.int64]

Place = Literal["memory", "file"]

_GIB = 2**30

_PIXELS, _STAMPS = "pixels", "stamps"

# A cache file leaves this share of the free disk to others.
_SHARE_LEFT_FREE = 0.25


@dataclass(frozen=True)
class Cache:
    """Where decoded photos may be kept; as it stands, nowhere."""

    memory_gib: float = 0.0  # they are kept in memory where all photos fit into this,
    folder: Path | None = None  # else in a file in this folder
    file_gib: float = 0.0  # where all fit into this, together with the older files there


NO_CACHE = Cache()


class PhotoCache(Protocol):
    """Photos by index."""

    place: Place
    pixels: Photos

    def has(self, indices: Indices) -> NDArray[np.bool_]:
        """Whether `pixels` holds each of these photos as it is now."""

    def put(self, index: int, photo: Photo) -> None:
        """Keeps a photo; several threads may do so at a time."""


class MemoryCache:
    """Photos in memory, which the system hands out page by page as they arrive."""

    place: Place = "memory"

    def __init__(self, shape: tuple[int, int, int, int]) -> None:
        self.pixels: Photos = np.empty(shape, np.uint8)
        self._is_kept = np.zeros(shape[0], bool)

    def has(self, indices: Indices) -> NDArray[np.bool_]:
        return self._is_kept[indices]

    def put(self, index: int, photo: Photo) -> None:
        self.pixels[index] = photo
        self._is_kept[index] = True


class FileCache:
    """Photos in a file, and a stamp of each: size and time of the file it came from, checksum of its pixels.

    A photo whose stamp does not fit, because it changed or because a process was killed or a disk lost power
    while it was written, counts as absent. The stamp is compared once in a process.

    Args:
        folder: of this cache alone; made when missing.
        paths: the files the photos come from.
        side_px: side of the square photos.

    Raises:
        OSError: the disk does not have the space, or the folder cannot be written.
    """

    place: Place = "file"

    def __init__(self, folder: Path, paths: Sequence[PhotoFile], side_px: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        shape = (len(paths), side_px, side_px, 3)
        self.pixels: Photos = _mapped(folder / _PIXELS, np.dtype(np.uint8), shape)
        self._stamps: NDArray[np.int64] = _mapped(folder / _STAMPS, np.dtype(np.int64), (len(paths), 3))
        self._paths = paths
        self._is_kept = np.zeros(len(paths), bool)
        os.utime(folder)  # `make_room` deletes what was used longest ago

    def has(self, indices: Indices) -> NDArray[np.bool_]:
        unsure = indices[~self._is_kept[indices]]

        def check(position: int) -> None:
            index = unsure[position]
            if self._stamps[index].any():
                self._is_kept[index] = np.array_equal(self._stamps[index], self._stamp(index))

        in_threads(check, len(unsure))
        return self._is_kept[indices]

    def put(self, index: int, photo: Photo) -> None:
        self.pixels[index] = photo
        self._stamps[index] = self._stamp(index)
        self._is_kept[index] = True

    def _stamp(self, index: int) -> tuple[int, int, int]:
        try:
            file = self._paths[index].stat()
        except OSError:  # reading the photo is where that is told
            return 0, 0, 0
        return file.st_size, file.st_mtime_ns, zlib.crc32(self.pixels[index])


def open_cache(cache: Cache, paths: Sequence[PhotoFile], side_px: int) -> PhotoCache | None:
    """A cache for all photos of these files: in memory where they fit, else in a file, else None.

    Keeping a part would be of no use: a shuffled epoch asks for all photos before it asks for one again.
    Older files in the folder are deleted where the limit asks for it.

    Args:
        paths: the files the photos come from.
        side_px: side of the square photos.

    Raises:
        OSError: the cache file cannot be made.
    """
    n_bytes = len(paths) * side_px * side_px * 3
    if n_bytes <= cache.memory_gib * _GIB:
        return MemoryCache((len(paths), side_px, side_px, 3))
    if cache.folder is None or n_bytes > cache.file_gib * _GIB:
        return None
    own = cache.folder / content_key(list(map(str, paths)), side_px)
    if not own.is_dir() and not make_room(cache.folder, n_bytes, limit_bytes=cache.file_gib * _GIB):
        return None
    return FileCache(own, paths, side_px)


def make_room(folder: Path, n_bytes: int, *, limit_bytes: float) -> bool:
    """Deletes the caches used longest ago until another `n_bytes` fit; whether the disk has them, too."""
    folder.mkdir(parents=True, exist_ok=True)
    caches = sorted(
        (path for path in folder.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime
    )
    sizes = {path: sum(file.stat().st_size for file in path.iterdir()) for path in caches}
    for path in caches:
        if sum(sizes.values()) + n_bytes <= limit_bytes:
            break
        shutil.rmtree(path)
        del sizes[path]
    return n_bytes <= (1 - _SHARE_LEFT_FREE) * shutil.disk_usage(folder).free


def _mapped(path: Path, dtype: np.dtype, shape: tuple[int, ...]) -> np.memmap:
    with path.open("ab") as file:
        if hasattr(os, "posix_fallocate"):  # not on macOS
            # a full disk shall be told now: writing to the map of a file without room kills the process
            os.posix_fallocate(file.fileno(), 0, int(np.prod(shape)) * dtype.itemsize)
        else:
            file.truncate(int(np.prod(shape)) * dtype.itemsize)
    return np.memmap(path, dtype, "r+", shape=shape)
