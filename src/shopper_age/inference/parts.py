"""Answers in parts: photos in chunks, of each of which one file is made, so that nothing is done twice.

The parts lie in a hidden folder beside their place until all are there; only then it, or the table that is
made of them, takes the place. A part is written whole and renamed, its name has a hash of its photos' names,
and its content follows from them: a chunk that is done twice, after a kill or beside it, changes nothing.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from shopper_age.inference.answers import PhotoAnswer
from shopper_age.inference.decision import Decision
from shopper_age.inference.predictor import BATCH_SIZE
from shopper_age.inference.sources import Source
from shopper_age.inference.tables import (
    KINDS,
    PLACE,
    ROW_COLUMNS,
    check_kind,
    mark_of,
    read_lines,
    values_of,
    write_lines,
    write_rows,
)
from shopper_age.runtime.files import replacing

_LIST = "photos.jsonl"


class Chunk(NamedTuple):
    """Photos that are answered together."""

    folder: str  # of the parts and of the list of photos
    part: str  # name of the file that is made of it
    first: int  # place of its first photo among all, from 0
    n_photos: int
    start: int  # of its lines in the list of photos, in bytes

    def sources(self) -> list[Source]:
        """Its photos, read from the list.

        Raises:
            ValueError: the list is another one by now.
        """
        with Path(self.folder, _LIST).open("rb") as file:
            file.seek(self.start)
            lines = list(islice(file, self.n_photos))
        if _hash_of(lines) not in self.part:
            raise ValueError(f"{file.name} was changed: another command writes there")
        return [Source(*json.loads(line)) for line in lines]

    def write(self, answered: Iterator[tuple[Source, PhotoAnswer]]) -> None:
        """Writes the part, whole."""
        path = Path(self.folder, self.part)
        numbered = enumerate(answered, self.first)
        if path.suffix == _IN_FOLDERS:
            rows = ([*values, place] for place, pair in numbered for values in values_of(*pair))
            write_rows(path, rows, (*ROW_COLUMNS, PLACE))
        else:
            write_lines(path, (values for _, pair in numbered for values in values_of(*pair)))


# Endings of the parts that stay in a folder, and of those from which one table is made.
_IN_FOLDERS, _FOR_TABLES = ".parquet", ".lines"


def is_folder(out: str) -> bool:
    """Whether answers written here become a folder of files: it is one, ends in / or has no suffix."""
    return out.endswith(("/", os.sep)) or Path(out).is_dir() or not Path(out).suffix


class AnswerParts:
    """Answers in parts.

    Args:
        out: the folder or table to write.
        decision: that the answers follow; parts of another one are thrown away.

    Raises:
        ValueError: `out` is a folder with other files, a file where a folder shall be, or as `check_kind`.
    """

    def __init__(self, out: str, decision: Decision) -> None:
        self._path = Path(out).absolute()
        self._suffix = _IN_FOLDERS if is_folder(out) else _FOR_TABLES
        check_kind(Path(f"part{_IN_FOLDERS}") if self._is_folder else self._path)
        if self._is_folder:
            _check_replaceable(self._path)
        self._folder = self._path.with_name(f".{self._path.name}.parts")
        self._mark = mark_of(decision)
        self._parts: list[str] = []
        self.n_photos = 0
        self.n_finished = 0  # photos of `n_photos` in parts of an interrupted run

    @property
    def _is_folder(self) -> bool:
        return self._suffix == _IN_FOLDERS

    def plan(self, wanted: Iterator[Source]) -> list[Chunk]:
        """Lists the photos in a file and returns the chunks that an interrupted run has left.

        Raises:
            ValueError: the parts that are there are all about other photos.
        """
        self._drop_parts_of_other_decisions()
        there = {path.name for path in self._folder.glob("part-*")}
        try:
            with replacing(self._folder / _LIST) as unfinished:
                chunks = list(self._listed(wanted, unfinished))
                if there and there.isdisjoint(self._parts):
                    raise ValueError(
                        f"{self._folder} holds parts of a table about other photos: delete it, or choose "
                        "another --out"
                    )
        except BaseException:
            with suppress(OSError):  # it is not empty: parts of an interrupted run
                self._folder.rmdir()
            raise
        for name in there.difference(self._parts):  # a photo came or went: its chunk is another one now
            Path(self._folder, name).unlink()
        self.n_photos = sum(chunk.n_photos for chunk in chunks)
        self.n_finished = sum(chunk.n_photos for chunk in chunks if chunk.part in there)
        return [chunk for chunk in chunks if chunk.part not in there]

    def _drop_parts_of_other_decisions(self) -> None:
        try:
            with Path(self._folder, _LIST).open("rb") as file:
                is_ours = file.readline() == self._first_line()
        except FileNotFoundError:
            is_ours = False
        if not is_ours:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _first_line(self) -> bytes:
        return json.dumps(self._mark).encode() + b"\n"

    def _listed(self, wanted: Iterator[Source], path: Path) -> Iterator[Chunk]:
        with path.open("wb") as file:
            file.write(self._first_line())
            first = 0
            while lines := [_line(source) for source in islice(wanted, _size_of_chunk(first))]:
                part = f"part-{len(self._parts):06d}-{_hash_of(lines)}{self._suffix}"
                self._parts.append(part)
                yield Chunk(str(self._folder), part, first, len(lines), file.tell())
                file.writelines(lines)
                first += len(lines)

    def complete(self) -> None:
        """Puts the folder or the table into its place, whole.

        Raises:
            RuntimeError: a part is missing.
        """
        if missing := [name for name in self._parts if not Path(self._folder, name).exists()]:
            raise RuntimeError(
                f"{len(missing)} of {len(self._parts)} parts were not written, {missing[0]} among them"
            )
        if self._is_folder:
            self._put_folder()
        else:
            write_rows(self._path, (row for name in self._parts for row in read_lines(self._folder / name)))
            shutil.rmtree(self._folder)

    def _put_folder(self) -> None:
        kept = set(self._parts)
        if not kept:  # readers of Parquet take an empty folder for a mistake
            Chunk(str(self._folder), f"part-000000{_IN_FOLDERS}", 0, 0, 0).write(iter(()))
            kept = {f"part-000000{_IN_FOLDERS}"}
        for path in self._folder.iterdir():
            if path.name not in kept:  # the list, and what a killed worker has begun
                path.unlink()
        before = self._path.with_name(f".{self._path.name}.replaced")
        shutil.rmtree(before, ignore_errors=True)
        if self._path.exists():
            self._path.rename(before)
        self._folder.rename(self._path)
        shutil.rmtree(before, ignore_errors=True)


def _size_of_chunk(first: int) -> int:
    """Photos in the chunk that begins at this place.

    A 64th of those before it, so that any number of photos keeps many workers busy to the end, and a million
    needs about a thousand files; whole batches, so that photos meet the same ones as without chunks.
    """
    return min(1024, max(128, first // 64 // BATCH_SIZE * BATCH_SIZE))


def _hash_of(lines: list[bytes]) -> str:
    return hashlib.sha256(b"".join(lines)).hexdigest()[:16]


def _line(source: Source) -> bytes:
    return json.dumps([source.path, source.real_age]).encode() + b"\n"


def _check_replaceable(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise ValueError(
            f"{path} is a file, not a folder: end --out in one of {', '.join(KINDS)}, or choose another"
        )
    if path.is_dir():
        for entry in path.iterdir():
            if not (entry.name.startswith("part-") and entry.suffix == _IN_FOLDERS):
                raise ValueError(
                    f"{path} holds {entry.name}, and answers would replace the folder: choose a new one"
                )
