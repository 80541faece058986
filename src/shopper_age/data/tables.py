"""Tables of faces: labels.csv, the manifest and the splits.

It grows on its way through the pipeline: the labels (what the user knows), the manifest (the usable
photos, measured) and the splits (who learns from which photo). Only pandas is needed here, because every
stage starts by importing this module.
"""

import csv
import os
import re
from collections import Counter
from collections.abc import Mapping
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np
import pandas as pd

from shopper_age.runtime.csv_tables import read_table
from shopper_age.runtime.files import read_csv, write_csv
from shopper_age.runtime.messages import shorten_list

FILE_NAME = "file_name"

REAL_AGE = "real_age"

SPLIT = "split"

# With cross-calibration: the number, from 1, of the fold of a photo that is not for the test.
FOLD = "fold"

WIDTH = "width"

HEIGHT = "height"

MODE = "mode"

N_BYTES = "n_bytes"

# 16 hex digits that follow from the bytes of the file: equal digits, the same file under whatever name.
CONTENT_HASH = "content_hash"

# In predictions.csv, where the people are known: the number of each photo's.
PERSON = "person"

PERCEPTUAL_HASH = "perceptual_hash"

DUPLICATE_GROUP = "duplicate_group"

PHOTO_FOLDER = "final_files"

LABELS_FILE = "labels.csv"

# How the photos were cropped, where `shopper-age prepare` made them.
FACES_FILE = "faces.json"

TRAIN = "train"

VALIDATION = "validation"

TEST = "test"

PARTS = (TRAIN, VALIDATION, TEST)

# Measured from the photo; further columns of labels.csv follow them in the manifest.
MEASURED = (WIDTH, HEIGHT, MODE, N_BYTES, CONTENT_HASH, PERCEPTUAL_HASH, DUPLICATE_GROUP)

# Cells are gathered as text in portions: as Python's strings a million rows would fill a third of a GiB.
_ROWS_PER_PORTION = 65_536

_MANIFEST_TYPES = {REAL_AGE: float, WIDTH: int, HEIGHT: int, N_BYTES: int, DUPLICATE_GROUP: int}

_SPLITS_TYPES: Mapping[str, type | str] = {REAL_AGE: float, FOLD: "Int64"}

# What predictions.csv holds beside text. Earlier evaluations may lack columns.
_ESTIMATE_TYPES = {
    REAL_AGE: float,
    "predicted_age": float,
    "interval_low": float,
    "interval_high": float,
    "is_answered": bool,
    "age_sd": float,
    "p_minor": float,
    PERSON: int,
}

# Among so many entries of a folder a near miss of its files is looked for.
_MOST_ENTRIES = 1000

# Where so large a share of the photos has one age, a model that always says it seems perfect.
_ONE_AGE_SHARE = 0.9


def photo_path(data_path: str | Path, file_name: str) -> Path:
    """Where a photo lies; `file_name` may hold folders and is counted from the photo folder."""
    return Path(data_path, PHOTO_FOLDER, file_name)


def read_labels(data_path: str | Path) -> pd.DataFrame:
    """labels.csv as text, nothing judged: a blank cell is "", a row that is too short is filled with "".

    The index, named "row", is the line where an editor shows the row (the header is line 1). Empty lines,
    a byte order mark, blanks around column names and columns without a name (the index that pandas
    writes) are left out.

    Raises:
        FileNotFoundError: there is no labels.csv.
        ValueError: it is not a UTF-8 table of comma-separated values, a row has more cells than the header,
            or a column is missing, appears twice or has the name of a measured one.
    """
    path = Path(data_path, LABELS_FILE)
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} not found. {near_miss(path)}Put your photos into {Path(data_path, PHOTO_FOLDER)} and "
            f"list them in {path} with the columns {FILE_NAME} and {REAL_AGE}, or run `make demo` to see it "
            "work on drawn faces."
        )
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _table(path, file)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text ({error.reason}): save it as 'CSV UTF-8'.") from None


def near_miss(path: Path) -> str:
    """A sentence on what lies near a file or folder that does not exist and may be meant, or ""."""
    parent = path.parent
    if not parent.is_dir():
        like = [entry for entry in _entries(parent.parent) if _is_like(entry, parent)]
        return f"There is a folder {like[0]}: correct data_path in params.yaml. " if like else ""
    beside = _entries(parent)
    if like := [entry for entry in beside if _is_like(entry, path) and entry != path]:
        same_kind = like[0].name.casefold() == path.name.casefold()
        remedy = "rename it" if same_kind or like[0].is_dir() else f"save it as {path.name} (CSV UTF-8)"
        return f"There is {like[0]}: {remedy}. "
    for place in (*(entry for entry in beside if entry.is_dir()), parent.parent):
        if (place / path.name).exists():
            is_whole = (place / LABELS_FILE).exists() and (place / PHOTO_FOLDER).exists()
            remedy = f"set data_path in params.yaml to {place}" if is_whole else "move it"
            return f"There is {place / path.name}: {remedy}. "
    return ""


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder, of many thousand photos the first; nothing where it cannot be read."""
    try:
        with os.scandir(folder) as found:
            return sorted(Path(entry.path) for entry in islice(found, _MOST_ENTRIES))
    except OSError:
        return []


def _is_like(entry: Path, wanted: Path) -> bool:
    """Whether two names are equal but for case, punctuation and what follows the first dot."""
    one, other = (re.sub(r"[\W_]", "", path.name.casefold().split(".")[0]) for path in (entry, wanted))
    return one == other != ""


def read_manifest(path: str | Path) -> pd.DataFrame:
    """The usable photos in the order of labels.csv, one row each; further columns are text.

    Raises:
        FileNotFoundError: validate_data has not written it.
        ValueError: a column is missing or does not hold what it should.
    """
    return _read(path, (FILE_NAME, REAL_AGE, *MEASURED), _MANIFEST_TYPES, made_by="validate_data")


def read_splits(path: str | Path) -> pd.DataFrame:
    """Columns file_name (text), real_age (years, float), split (one of `PARTS`) and, with folds, fold.

    Raises:
        FileNotFoundError: split has not written it.
        ValueError: a column is missing, or a part has an unknown name.
    """
    splits = _read(path, (FILE_NAME, REAL_AGE, SPLIT), _SPLITS_TYPES, made_by="split")
    if unknown := sorted(set(splits[SPLIT]) - set(PARTS)):
        raise ValueError(
            f"{path}: column '{SPLIT}' holds {shorten_list(unknown)}; expected {', '.join(PARTS)}."
        )
    return splits


def write_splits(table: pd.DataFrame, path: str | Path) -> None:
    write_csv(path, table[[FILE_NAME, REAL_AGE, SPLIT, *([FOLD] if FOLD in table else [])]])


def read_estimates(path: str | Path) -> pd.DataFrame:
    """predictions.csv of an evaluation: text, but for numbers and `is_answered`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no such table.
    """
    return read_csv(path, _ESTIMATE_TYPES)


def estimates_of(text: str) -> pd.DataFrame:
    """As `read_estimates`, of the file's text with its own line breaks.

    Raises:
        ValueError: it is no such table.
    """
    return read_table(StringIO(text, newline=""), _ESTIMATE_TYPES)


def _table(path: Path, file: TextIO) -> pd.DataFrame:
    reader = csv.reader(file, strict=True)
    start = 1  # a quoted cell may span lines: a row is known by its first
    portions: list[pd.DataFrame] = []
    too_long: list[int] = []
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(path, header)
        rows: list[int] = []
        columns: list[list[str]] = [[] for _ in header]
        start = reader.line_num + 1
        for cells in reader:
            if any(cells[len(header) :]):
                too_long.append(start)
            elif cells:
                rows.append(start)
                for column, cell in zip(columns, cells + [""] * (len(header) - len(cells)), strict=False):
                    column.append(cell)
            if len(rows) == _ROWS_PER_PORTION:
                portions.append(_text_table(header, rows, columns))
                rows, columns = [], [[] for _ in header]
            start = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(f"{path}, line {start}: {error}. Is a double quote left open?") from None
    if too_long:
        raise ValueError(
            f"{path}: {len(too_long)} rows have more cells than the header's {len(header)}, first in line "
            f"{', '.join(map(str, too_long[:5]))}. Put a cell that holds a comma in double quotes."
        )
    return pd.concat([*portions, _text_table(header, rows, columns)])


def _text_table(header: list[str], rows: list[int], columns: list[list[str]]) -> pd.DataFrame:
    named = {name: column for name, column in zip(header, columns, strict=True) if name}
    return pd.DataFrame(named, index=pd.Index(rows, name="row", dtype="int64"), dtype="str")


def _check_header(path: Path, header: list[str]) -> None:
    found = f"found: {shorten_list(header) or 'nothing'}"
    if missing := [name for name in (FILE_NAME, REAL_AGE) if name not in header]:
        separators = " Separate the columns by commas." if len(header) == 1 and header[0] else ""
        raise ValueError(f"{path} lacks the column {' and '.join(missing)} in line 1 ({found}).{separators}")
    if twice := [name for name, count in Counter(header).items() if name and count > 1]:
        raise ValueError(
            f"{path} has the column {shorten_list(twice, separator=' and ')} more than once ({found})."
        )
    if taken := [name for name in header if name in MEASURED]:
        column, are, them = ("column", "is", "it") if len(taken) == 1 else ("columns", "are", "them")
        raise ValueError(
            f"{path} has the {column} {' and '.join(taken)}, which {are} measured here: rename {them}."
        )


def _read(
    path: str | Path, expected: tuple[str, ...], types: Mapping[str, type | str], *, made_by: str
) -> pd.DataFrame:
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} not found: stage {made_by} writes it, run `dvc repro {made_by}`.")
    try:
        table = read_csv(path, types)
    except ValueError as error:
        raise ValueError(f"{error}. Run `dvc repro -f {made_by}`.") from None
    if missing := [name for name in expected if name not in table]:
        raise ValueError(f"{path} lacks the column {' and '.join(missing)}: run `dvc repro -f {made_by}`.")
    return table


def first_rows(n: int, *, share: float) -> np.ndarray:
    """Which of `n` rows are the test part (n,): what `subset="validation"` gives.

    Source: keras/src/legacy/preprocessing/image.py, DataFrameIterator: `df.iloc[0 : int(share * n)]`, after
        rows whose file does not exist were dropped. It is the same part as long as these are the only rows
        that validate_data left out.
    """
    return np.arange(n) < int(share * n)


def one_age(ages: pd.Series) -> str:
    """A sentence when all photos, or nearly all, have one age, so that nothing can be learnt; or ""."""
    counts = ages.value_counts()
    if counts.empty or counts.iloc[0] < _ONE_AGE_SHARE * len(ages):
        return ""
    age, n = counts.index[0], int(counts.iloc[0])
    who = f"All {n:,} photos have" if n == len(ages) else f"{n:,} of {len(ages):,} photos have"
    if len(ages) == 1:
        who = "The only photo has"
    return (
        f"{who} the age {age:g}: there is nothing to learn, and a model would say {age:g} of everybody. "
        f"Is the column {REAL_AGE} of {LABELS_FILE} right?"
    )


def age_years(text: pd.Series) -> pd.Series:
    """Ages as numbers, NaN where the text is none; "1e3" is 1000, "inf" infinite, "1,5" and "1_0" none."""
    return pd.to_numeric(text.str.strip(), errors="coerce").astype(float)
