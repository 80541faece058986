"""Tables of answers that grow photo by photo, and go on where an interrupted run stopped."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from shopper_age.inference.answers import COLUMNS, PhotoAnswer
from shopper_age.inference.answers import rows as answer_rows
from shopper_age.inference.decision import Decision
from shopper_age.inference.sources import Source
from shopper_age.runtime.csv_tables import ENCODING, row_of_cells
from shopper_age.runtime.files import replacing

REAL_AGE = "real_age"

KINDS = (".csv", ".jsonl", ".parquet")

# Of a row: those of an answer, and the true age.
ROW_COLUMNS = (*COLUMNS, REAL_AGE)

# Place of the photo among all that were asked about, from 0, in tables of several files.
PLACE = "photo"

_TEXTS = frozenset({"file_name", "age_group", "reason", "problem", "model_md5"})

_ROWS_PER_GROUP = 65_536


class _Line(NamedTuple):
    end: int  # of the line in the file, in bytes
    number: int  # of the photo, from 0
    path: str


class AnswerTable:
    """A table of answers: a log beside its place, which becomes the table when it is complete.

    Args:
        path: ends in .csv, .jsonl or .parquet.
        decision: that the answers follow; a log of another one, or with other columns, is not continued.

    Raises:
        ValueError: as `check_kind`.
    """

    def __init__(self, path: Path, decision: Decision) -> None:
        check_kind(path)
        self._path = path
        self._log = path.with_name(f".{path.name}.unfinished")
        self._mark = mark_of(decision)
        self._n_photos = 0

    def skip_finished(self, wanted: Iterator[Source]) -> int:
        """Takes from `wanted` the photos that an interrupted run has answered; returns how many these are.

        The last photo of the log is answered again, for some of its rows may be missing.

        Raises:
            ValueError: the log is about other photos.
        """
        end = self._start_of_log()
        last: _Line | None = None
        for line in self._lines(end):
            if last is not None and line.number != last.number:
                self._skip(wanted, last.path)
                end = last.end
            last = line
        if self._log.exists():
            os.truncate(self._log, end)
        return self._n_photos

    def _skip(self, wanted: Iterator[Source], path: str) -> None:
        source = next(wanted, None)
        if source is None or source.path != path:
            raise ValueError(
                f"{self._log} is the beginning of a table about other photos, {path} among them: delete it, "
                "or choose another --out"
            )
        self._n_photos += 1

    def _start_of_log(self) -> int:
        """Bytes of its first line; 0 where there is no log of this decision."""
        try:
            with self._log.open("rb") as file:
                return len(self._mark) + 1 if file.readline() == f"{self._mark}\n".encode() else 0
        except FileNotFoundError:
            return 0

    def _lines(self, start: int) -> Iterator[_Line]:
        if not start:
            return
        with self._log.open("rb") as file:
            file.seek(start)
            for line in file:
                try:
                    number, path, *_ = json.loads(line)
                except ValueError:  # the line at which it was killed
                    return
                start += len(line)
                yield _Line(start, number, path)

    def append(self, answered: Sequence[tuple[Source, PhotoAnswer]]) -> None:
        """Adds the rows of some photos."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("a", encoding="ascii") as file:
            if not file.tell():
                file.write(f"{self._mark}\n")
            for source, answer in answered:
                for values in values_of(source, answer):
                    file.write(json.dumps([self._n_photos, *values]) + "\n")
                self._n_photos += 1

    def complete(self) -> None:
        """Puts the table into its place, whole; the log is gone then."""
        write_rows(self._path, self._rows())
        self._log.unlink(missing_ok=True)

    def _rows(self) -> Iterator[list[Any]]:
        start = self._start_of_log()
        if not start:
            return
        with self._log.open("rb") as file:
            file.seek(start)
            for line in file:
                yield json.loads(line)[1:]


def mark_of(decision: Decision) -> str:
    """What tells answers of one decision, as this version writes them, from others."""
    told = json.dumps([asdict(decision), ROW_COLUMNS], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def write_rows(path: Path, rows: Iterator[list[Any]], columns: Sequence[str] = ROW_COLUMNS) -> None:
    """Writes a table whole, in the form of its suffix, from rows that come one by one.

    Raises:
        ValueError: as `check_kind`.
    """
    check_kind(path)
    with replacing(path) as unfinished:
        _WRITERS[path.suffix.lower()](unfinished, rows, columns)


def check_kind(path: Path) -> None:
    """Refuses what cannot be written, before any work.

    Raises:
        ValueError: the suffix is none of `KINDS`, or .parquet, and pyarrow is not installed.
    """
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise ValueError(
            f"{path} must end in one of {', '.join(KINDS)}, or in / for a folder of Parquet files"
        )
    if kind == ".parquet" and find_spec("pyarrow") is None:
        raise ValueError("Parquet needs pyarrow: pip install pyarrow, or choose .csv")


def values_of(source: Source, answer: PhotoAnswer) -> Iterator[list[Any]]:
    """The values of `ROW_COLUMNS` for each row of a photo."""
    for row in answer_rows(answer):
        yield [*row.values(), source.real_age]


def write_lines(path: Path, rows: Iterator[list[Any]]) -> None:
    """Writes rows whole, for `read_lines`: as they are, whatever they hold."""
    with replacing(path) as unfinished, unfinished.open("w", encoding="ascii") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def read_lines(path: Path) -> Iterator[list[Any]]:
    """The rows that `write_lines` wrote, one by one."""
    with path.open("rb") as file:
        yield from map(json.loads, file)


def _write_csv(path: Path, rows: Iterator[list[Any]], columns: Sequence[str]) -> None:
    with path.open("w", newline="", **ENCODING) as file:
        file.write(row_of_cells(columns))
        file.writelines(map(row_of_cells, rows))


def _write_jsonl(path: Path, rows: Iterator[list[Any]], columns: Sequence[str]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=True) + "\n")


def _write_parquet(path: Path, rows: Iterator[list[Any]], columns: Sequence[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, _parquet_type(pa, name)) for name in columns])
    with pq.ParquetWriter(path, schema) as writer:
        while portion := list(islice(rows, _ROWS_PER_GROUP)):
            values = [_texts(column) for column in zip(*portion, strict=True)]
            writer.write_table(pa.table(dict(zip(columns, values, strict=True)), schema=schema))


def _texts(column: Sequence[Any]) -> list[Any]:
    """Text as Arrow takes it: the bytes of a name that is no UTF-8 are spelled out."""
    return [
        value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
        for value in column
    ]


def _parquet_type(pa: Any, name: str) -> Any:
    if name in _TEXTS:
        return pa.string()
    kinds = {"face": pa.int32(), "shorter_side": pa.int32(), "ask_for_id": pa.bool_(), PLACE: pa.int64()}
    return kinds.get(name, pa.float64())


_WRITERS: Mapping[str, Callable[[Path, Iterator[list[Any]], Sequence[str]], None]] = {
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
    ".parquet": _write_parquet,
}
