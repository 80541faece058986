"""Samples to compare: a table of answers, or the test part of an evaluation."""

import csv
import json
import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopper_age.inference.tables import KINDS
from shopper_age.runtime.csv_tables import ENCODING
from shopper_age.runtime.messages import shorten, shorten_list

INTERVAL_WIDTH = "interval_width"

# What is compared, in this order; an answer without an estimate has none of them.
QUANTITIES = ("age", INTERVAL_WIDTH, "brightness", "sharpness", "shorter_side")

# The source of a sample that is no table of answers.
TEST_PART = "the test part"

_PROBLEM, _MODEL = "problem", "model_md5"

# By quantity the columns that it is made of: one, or the upper and the lower end.
_IN_ANSWERS = {name: (name,) for name in QUANTITIES} | {INTERVAL_WIDTH: ("high", "low")}

_IN_PREDICTIONS = _IN_ANSWERS | {"age": ("predicted_age",), INTERVAL_WIDTH: ("interval_high", "interval_low")}


@dataclass
class Sample:
    """The answers of a table.

    `values` holds the finite values of each quantity that the table has columns for, shape (n,).
    """

    source: str
    values: Mapping[str, NDArray[np.float64]]
    n_rows: int = 0
    problems: Counter[str] = field(default_factory=Counter)  # rows without an estimate, by kind
    models: Counter[str] = field(default_factory=Counter)  # rows by the md5 of their model, where it is told

    @property
    def n_estimates(self) -> int:
        return self.n_rows - self.problems.total()

    @property
    def missing(self) -> list[str]:
        """The quantities that the table has no columns for."""
        return [name for name in QUANTITIES if name not in self.values]


def read_answers(path: Path) -> Sample:
    """The answers of a table that `shopper-age predict` wrote, or of a folder with Parquet parts of one.

    Text is not kept: memory holds a number per answer and quantity.

    Raises:
        FileNotFoundError: there is nothing at `path`.
        ValueError: it is no table of answers, has no rows, or a cell is no number.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} not found: pass a table that `shopper-age predict --out` wrote")
    found = _collect(str(path), _files(path), _IN_ANSWERS, needed=("age", _PROBLEM))
    if not found.n_rows:
        raise ValueError(f"{path} has no rows: there are no answers to compare")
    return found


def read_test_part(path: Path, model_md5: str) -> Sample:
    """The test part by predictions.csv of the evaluation of a model; each of its photos has an estimate.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no such table, or has no rows.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} not found: stage evaluate writes it, run `dvc repro`")
    found = _collect(TEST_PART, [path], _IN_PREDICTIONS, needed=("predicted_age",))
    if not found.n_rows:
        raise ValueError(f"{path} has no rows: run `dvc repro -f evaluate`")
    found.models = Counter({model_md5: found.n_rows})
    return found


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    parts = sorted(part for part in path.rglob("*.parquet") if not part.name.startswith((".", "_")))
    if not parts:
        raise ValueError(f"{path} holds no .parquet file: pass a table, or the folder with its parts")
    return parts


def _collect(
    source: str, files: Iterable[Path], columns: Mapping[str, tuple[str, ...]], *, needed: Iterable[str]
) -> Sample:
    gathered: dict[str, array[float]] = {name: array("d") for name in columns}
    sample = Sample(source, {})
    lacking: set[str] = set()
    for file in files:
        for number, row in enumerate(_rows(file), 1):
            if absent := [name for name in needed if name not in row]:
                raise ValueError(
                    f"{file} is no such table: it lacks the column {' and '.join(absent)} "
                    f"(found: {shorten_list(row)})"
                )
            sample.n_rows += 1
            if problem := row.get(_PROBLEM):
                sample.problems[str(problem).split()[0]] += 1
            if model := row.get(_MODEL):
                sample.models[str(model)] += 1
            for quantity, parts in columns.items():
                if any(name not in row for name in parts):
                    lacking.add(quantity)
                elif not problem:
                    gathered[quantity].append(_number(file, number, row, parts))
    sample.values = {
        name: values[np.isfinite(values)]
        for name, numbers in gathered.items()
        if name not in lacking
        for values in [np.frombuffer(numbers, dtype=float) if numbers else np.zeros(0)]
    }
    return sample


def _number(file: Path, number: int, row: Mapping[str, Any], parts: tuple[str, ...]) -> float:
    """The cell's number, or upper less lower end; NaN where a cell is empty."""
    ends = []
    for name in parts:
        cell = row[name]
        try:
            ends.append(float("nan") if cell is None or cell == "" else float(cell))
        except (TypeError, ValueError):
            raise ValueError(f"{file}, row {number}: {name} is {shorten(repr(cell))}, no number") from None
    return ends[0] - sum(ends[1:])


def _rows(file: Path) -> Iterator[Mapping[str, Any]]:
    kind = file.suffix.lower()
    if kind not in KINDS:
        raise ValueError(
            f"{file} must end in one of {', '.join(KINDS)}, as `shopper-age predict` writes them"
        )
    try:
        yield from {".csv": _csv_rows, ".jsonl": _json_rows, ".parquet": _parquet_rows}[kind](file)
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is no table of answers: {error}") from None


def _csv_rows(file: Path) -> Iterator[Mapping[str, Any]]:
    before = csv.field_size_limit(sys.maxsize)
    try:
        with file.open(newline="", **ENCODING) as lines:
            reader = csv.reader(lines, strict=True)
            header = next(reader, [])
            for cells in reader:
                if len(cells) != len(header):
                    raise ValueError(
                        f"{file}, line {reader.line_num} has {len(cells)} cells, its header {len(header)}: "
                        "was it copied whole?"
                    )
                yield dict(zip(header, cells, strict=True))
    finally:
        csv.field_size_limit(before)


def _json_rows(file: Path) -> Iterator[Mapping[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
            except ValueError as error:
                raise ValueError(
                    f"{file}, line {number} is no JSON ({error}): was it copied whole?"
                ) from None
            if not isinstance(row, dict):
                raise ValueError(f"{file}, line {number} is no row of a table of answers")
            yield row


def _parquet_rows(file: Path) -> Iterator[Mapping[str, Any]]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError as error:
        raise ValueError(f"{file} needs pyarrow: pip install pyarrow, or write a .csv") from error
    try:
        with pq.ParquetFile(file) as table:
            wanted = {name for parts in _IN_ANSWERS.values() for name in parts} | {_PROBLEM, _MODEL}
            names = [name for name in table.schema_arrow.names if name in wanted]
            for batch in table.iter_batches(columns=names or None):
                yield from batch.to_pylist()
    except pa.ArrowException as error:
        raise ValueError(f"{file} is no Parquet file ({shorten(error, 200)}): was it copied whole?") from None
