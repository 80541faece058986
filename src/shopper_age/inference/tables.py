"""Tables of answers that grow photo by photo, and go on where an interrupted run stopped."""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from shopper_age.inference.answers import COLUMNS, PhotoAnswer, rows
from shopper_age.inference.decision import Decision
from shopper_age.inference.sources import Source
from shopper_age.runtime.csv_tables import ENCODING, row_of_cells
from shopper_age.runtime.files import replacing

REAL_AGE = "real_age"

KINDS = (".csv", ".jsonl", ".parquet")

_COLUMNS = (*COLUMNS, REAL_AGE)

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
        ValueError: `path` ends in something else.
    """

    def __init__(self, path: Path, decision: Decision) -> None:
        if path.suffix.lower() not in KINDS:
            raise ValueError(f"{path} must end in one of {', '.join(KINDS)}")
        self._path = path
        self._log = path.with_name(f".{path.name}.unfinished")
        known_by = json.dumps([_COLUMNS, asdict(decision)], sort_keys=True)
        self._mark = hashlib.sha256(known_by.encode()).hexdigest()[:16]
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
                for row in rows(answer):
                    file.write(json.dumps([self._n_photos, *row.values(), source.real_age]) + "\n")
                self._n_photos += 1

    def complete(self) -> None:
        """Puts the table into its place, whole; the log is gone then."""
        with replacing(self._path) as unfinished:
            write = {".csv": self._as_csv, ".jsonl": self._as_jsonl, ".parquet": self._as_parquet}
            write[self._path.suffix.lower()](unfinished)
        self._log.unlink(missing_ok=True)

    def _rows(self) -> Iterator[list[Any]]:
        start = self._start_of_log()
        if not start:
            return
        with self._log.open("rb") as file:
            file.seek(start)
            for line in file:
                yield json.loads(line)[1:]

    def _as_csv(self, path: Path) -> None:
        with path.open("w", newline="", **ENCODING) as file:
            file.write(row_of_cells(_COLUMNS))
            file.writelines(map(row_of_cells, self._rows()))

    def _as_jsonl(self, path: Path) -> None:
        with path.open("w", encoding="utf-8") as file:
            for row in self._rows():
                file.write(json.dumps(dict(zip(_COLUMNS, row, strict=True)), ensure_ascii=True) + "\n")

    def _as_parquet(self, path: Path) -> None:
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ModuleNotFoundError as error:
            raise ValueError(f"{self._path} needs pyarrow: pip install pyarrow, or choose .csv") from error
        schema = pa.schema([(name, _parquet_type(pa, name)) for name in _COLUMNS])
        rows_left = self._rows()
        with pq.ParquetWriter(path, schema) as writer:
            while portion := list(islice(rows_left, _ROWS_PER_GROUP)):
                columns = [list(values) for values in zip(*portion, strict=True)]
                writer.write_table(pa.table(dict(zip(_COLUMNS, columns, strict=True)), schema=schema))


def _parquet_type(pa: Any, name: str) -> Any:
    if name in _TEXTS:
        return pa.string()
    return {"face": pa.int32(), "shorter_side": pa.int32(), "ask_for_id": pa.bool_()}.get(name, pa.float64())
