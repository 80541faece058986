"""Shards: tar files in WebDataset's layout.

00000042.jpg is a photo as it was, 00000042.json beside it has its file name, checksum and labels. The bytes
of a shard follow from photos and labels alone.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from shopper_age.data.photos import PHOTO_SUFFIXES, decode_photo, open_photo
from shopper_age.data.shards.manifest import file_sha256
from shopper_age.data.tables import FILE_NAME
from shopper_age.runtime.files import replacing
from shopper_age.runtime.threads import in_threads
from shopper_age.validation.links import link_problem
from shopper_age.validation.photos import DECODED_SIDE_PX, NO_SUCH_FILE

# So many photos are in memory at a time.
_PHOTOS_PER_PORTION = 256


class Packed(NamedTuple):
    """A photo in a shard: where its bytes lie, and its JSON."""

    offset: int
    n_bytes: int
    told: dict[str, Any]


class _Photo(NamedTuple):
    name: str
    data: bytes = b""
    sha256: str = ""
    problem: str = ""


class _Digest(io.RawIOBase):
    """A file of which only the checksum is kept."""

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()

    def write(self, data: Any) -> int:
        self.sha256.update(data)
        return len(data)

    def tell(self) -> int:
        return 0


class ShardWriter:
    """Writes one shard, or sees that it is written already.

    Args:
        folder: of the photos, free of links itself.
        rows: the rows of labels.csv that name a photo, by its name.
        first: number of the first photo.
        advance: told how many photos are done more.
    """

    def __init__(
        self,
        folder: Path,
        rows: Mapping[str, list[dict[str, str]]],
        first: int,
        advance: Callable[[int], None],
    ) -> None:
        self._folder = folder
        self._rows = rows
        self._first = first
        self._advance = advance
        self.problems: dict[str, str] = {}  # why photos are left out, by name

    def is_packed(self, path: Path, names: Sequence[str]) -> bool:
        """Whether a file is, byte for byte, the shard of these photos as they are now."""
        try:
            known = {photo.told[FILE_NAME]: photo.told["sha256"] for photo in read_shard(path)}
        except (tarfile.TarError, ValueError, KeyError, TypeError, OSError):
            return False
        expected = _Digest()
        with tarfile.open(fileobj=expected, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            self._fill(tar, names, known)
        if file_sha256(path) != expected.sha256.hexdigest():
            return False
        self._advance(len(names))
        return True

    def write(self, path: Path, names: Sequence[str]) -> None:
        """Writes these photos into a shard, whole or not at all; raises OSError."""
        with replacing(path) as unfinished, tarfile.open(unfinished, "w", format=tarfile.USTAR_FORMAT) as tar:
            self._fill(tar, names, {}, advance=self._advance)

    def _fill(
        self,
        tar: tarfile.TarFile,
        names: Sequence[str],
        known: Mapping[str, str],
        advance: Callable[[int], Any] = lambda _: None,
    ) -> None:
        numbers = {name: number for number, name in enumerate(names, self._first)}
        for photo in self._photos(names, known, advance):
            suffix = PurePosixPath(photo.name).suffix.lower()
            key = f"{numbers[photo.name]:08d}"
            told = json.dumps(self._told(photo), ensure_ascii=False).encode()
            _add(tar, f"{key}{suffix if suffix in PHOTO_SUFFIXES else '.photo'}", photo.data)
            _add(tar, f"{key}.json", told)

    def _told(self, photo: _Photo) -> dict[str, Any]:
        return {FILE_NAME: photo.name, "sha256": photo.sha256, "labels": self._rows[photo.name]}

    def _photos(
        self, names: Sequence[str], known: Mapping[str, str], advance: Callable[[int], Any]
    ) -> Iterator[_Photo]:
        """The photos that can be packed; of those whose checksum is known nothing is decoded."""
        self.problems.clear()
        for start in range(0, len(names), _PHOTOS_PER_PORTION):
            portion = names[start : start + _PHOTOS_PER_PORTION]
            read = [_Photo("")] * len(portion)

            def work(index: int, portion: Sequence[str] = portion, read: list[_Photo] = read) -> None:
                read[index] = _read(self._folder, portion[index], known.get(portion[index]))

            in_threads(work, len(portion))
            self.problems |= {photo.name: photo.problem for photo in read if photo.problem}
            yield from (photo for photo in read if not photo.problem)
            advance(len(portion))


def _read(folder: Path, name: str, known: str | None) -> _Photo:
    path = folder / name
    if problem := link_problem(folder, path):
        return _Photo(name, problem=problem[1])
    try:
        if path.exists() and not path.is_file():
            return _Photo(name, problem="not a file")
        data = path.read_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 != known:
            file = io.BytesIO(data)
            decode_photo(file, open_photo(file), DECODED_SIDE_PX)
    except (FileNotFoundError, NotADirectoryError):
        return _Photo(name, problem=NO_SUCH_FILE)
    except Exception as error:  # readers of pictures stumble over broken ones with any kind of error
        return _Photo(name, problem=str(error) or type(error).__name__)
    return _Photo(name, data, sha256)


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def read_shard(path: Path) -> Iterator[Packed]:
    """The photos of a shard, in their order.

    Raises:
        ValueError: a JSON cannot be read.
        tarfile.TarError: it is no whole tar file.
    """
    with tarfile.open(path, "r:") as tar:
        photo = None
        for member in tar:
            if photo is None:
                photo = member
                continue
            file = tar.extractfile(member)
            told = json.loads(file.read() if file else b"")
            yield Packed(photo.offset_data, photo.size, told)
            photo = None
            tar.members = []  # type: ignore[attr-defined]  # or all of them would be kept
