"""Photos of a packed folder, each by its file name, with what a `Path` of it would have."""

import hashlib
import io
import os
import stat
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import BinaryIO, NamedTuple

from shopper_age.data.shards.manifest import Manifest, damaged, file_sha256
from shopper_age.runtime.progress import with_progress

# A process may have about a thousand files open; shards beyond so many are opened for each photo.
_MOST_OPEN = 256


class Status(NamedTuple):
    """What `Path.stat` tells of a file; in place of the time, a number from the content."""

    st_size: int
    st_mtime_ns: int
    st_mode: int = stat.S_IFREG | 0o444


class PackedPhoto:
    """A photo in a shard, or the want of one, with the methods of `Path` by which photos are read."""

    __slots__ = ("_photos", "name")

    def __init__(self, photos: "PackedPhotos", name: str) -> None:
        self._photos = photos
        self.name = name

    def __str__(self) -> str:
        return f"{self._photos.place}/{self.name}"

    @property
    def suffix(self) -> str:
        """The end of the name, with its dot."""
        return PurePosixPath(self.name).suffix

    def is_file(self) -> bool:
        """Whether the photo is there."""
        return self.name in self._photos

    def stat(self) -> Status:
        """Size and so on; raises FileNotFoundError where the photo is not there."""
        return self._photos.status(self.name)

    def open(self, mode: str = "rb") -> io.BytesIO:
        """The photo as an open file; raises as `read_bytes` does."""
        if mode != "rb":
            raise ValueError(f"{self} is packed: it can be opened for reading ('rb'), not {mode!r}")
        return io.BytesIO(self.read_bytes())

    def read_bytes(self) -> bytes:
        """The bytes of the photo.

        Raises:
            FileNotFoundError: it is not there.
            DamagedShardError: they are not those that were packed.
        """
        return self._photos.read(self.name)


class PackedPhotos:
    """The photos of a packed folder: `photos / file_name` is one. Threads may read at a time.

    Args:
        place: how errors call the folder: its path or address.
        index: where `INDEX_FILE` lies, which has been checked.
        shard_path: the file of a shard, by its number.
    """

    def __init__(
        self, place: str, manifest: Manifest, index: Path, shard_path: Callable[[int], Path]
    ) -> None:
        import pyarrow.parquet as pq

        self.place = place
        self._manifest = manifest
        self._shard_path = shard_path
        self._open: dict[int, BinaryIO] = {}
        self._lock = Lock()
        table = pq.read_table(index)
        self._shards, self._offsets, self._n_bytes = (
            table[name].to_numpy() for name in ("shard", "offset", "n_bytes")
        )
        digests = table["sha256"].combine_chunks()
        self._digests = memoryview(digests.buffers()[1])[32 * digests.offset :]
        self._rows = {name: row for row, name in enumerate(table["file_name"].to_pylist())}

    def __truediv__(self, file_name: str) -> PackedPhoto:
        return PackedPhoto(self, str(file_name))

    def __reduce__(self) -> tuple[Callable[[str], "PackedPhotos"], tuple[str]]:
        return _opened_anew, (self.place,)  # in another process, which has files and locks of its own

    def __contains__(self, file_name: str) -> bool:
        return file_name in self._rows

    def __str__(self) -> str:
        return self.place

    def names(self) -> list[str]:
        """The names of all photos, sorted."""
        return sorted(self._rows)

    def status(self, file_name: str) -> Status:
        """What `Path.stat` would tell; raises FileNotFoundError."""
        row = self._row(file_name)
        return Status(int(self._n_bytes[row]), int.from_bytes(self._digest(row)[:7], "big"))

    def read(self, file_name: str) -> bytes:
        """The bytes of a photo; raises as `PackedPhoto.read_bytes` does."""
        row = self._row(file_name)
        number, n_bytes = int(self._shards[row]), int(self._n_bytes[row])
        data = self._read_at(number, int(self._offsets[row]), n_bytes)
        if hashlib.sha256(data).digest() != self._digest(row):
            raise damaged(self.place, self._manifest.shards[number].name, f"{file_name} has changed in it")
        return data

    def check(self) -> None:
        """Reads every shard whole and compares it with the manifest.

        Raises:
            DamagedShardError: one is damaged or missing; the message names it.
        """
        shards = self._manifest.shards
        for number, shard in enumerate(with_progress(shards, "checking shards", len(shards), "shards")):
            path = self._shard_path(number)
            if not path.is_file():
                raise damaged(self.place, shard.name, "it is missing")
            if path.stat().st_size != shard.n_bytes or file_sha256(path) != shard.sha256:
                raise damaged(self.place, shard.name, "its checksum is not that of shards.json")

    def _row(self, file_name: str) -> int:
        row = self._rows.get(file_name)
        if row is None:
            raise FileNotFoundError(2, os.strerror(2), f"{self.place}/{file_name}")
        return row

    def _digest(self, row: int) -> bytes:
        return bytes(self._digests[32 * row : 32 * row + 32])

    def _read_at(self, number: int, offset: int, n_bytes: int) -> bytes:
        file = self._open.get(number) or self._opened(number)
        try:
            return os.pread(file.fileno(), n_bytes, offset)
        finally:
            if number not in self._open:
                file.close()

    def _opened(self, number: int) -> BinaryIO:
        path = self._shard_path(number)
        with self._lock:
            if number in self._open:
                return self._open[number]
            try:
                file = path.open("rb", buffering=0)
            except FileNotFoundError:
                raise damaged(self.place, self._manifest.shards[number].name, "it is missing") from None
            if len(self._open) < _MOST_OPEN:
                self._open[number] = file
            return file


def _opened_anew(place: str) -> PackedPhotos:
    from shopper_age.data.folders import open_folder

    photos = open_folder(place).photos
    if isinstance(photos, PackedPhotos):
        return photos
    raise damaged(place, "shards.json", "it is missing")
