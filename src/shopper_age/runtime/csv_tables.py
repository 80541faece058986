"""Tables as CSV that come back as they were, and that a spreadsheet does not take for formulas.

A file has a header, one line break (LF) after each row and UTF-8 text; what is no UTF-8 (a file name of old)
keeps its bytes. Pandas alone loses a lone carriage return, the text "NA", "007" and NUL, or needs more care
than each caller takes.

A spreadsheet runs a cell that begins with =, +, - or @, blanks before it or not. Such text, and text that
begins with a tab or a line break, is written with an apostrophe in front, and so is such text that has
apostrophes already; reading takes one away. Numbers are no text and never get one.

Source: OWASP, "CSV Injection", https://owasp.org/www-community/attacks/CSV_Injection.
"""

import csv
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from shopper_age.runtime.messages import shorten, shorten_list

if TYPE_CHECKING:
    import pandas as pd

ENCODING: Mapping[str, Any] = {"encoding": "utf-8", "errors": "surrogateescape"}

# Rows that are in memory as Python's strings at once: a million would fill a third of a GiB.
_ROWS_PER_PORTION = 65_536

# With their wide forms, which East Asian spreadsheets take for the same.
_FORMULA = r"'*(?:\s*[=+\-@＝＋－＠]|[\t\r\n])"

_IS_FORMULA = re.compile(_FORMULA).match

_IS_GUARDED = re.compile("'" + _FORMULA).match

_NEEDS_QUOTES = re.compile(r'[,"\r\n]|^\s|\s\Z').search

_NUMBERS = "biuf"  # kinds of dtype


def write_table(file: TextIO, table: "pd.DataFrame", *, guarded: bool = True) -> None:
    """Writes a table without its index; missing text is written as empty text.

    Args:
        file: opened with `newline=""` and `ENCODING`.
        guarded: whether text that looks like a formula gets its apostrophe.
    """
    file.write(",".join(_cell(str(name), guarded) for name in table.columns) + "\n")
    alone = len(table.columns) == 1  # an empty line would be no row
    for start in range(0, len(table), _ROWS_PER_PORTION):
        portion = table.iloc[start : start + _ROWS_PER_PORTION]
        columns = [_cells(portion.iloc[:, place], guarded) for place in range(portion.shape[1])]
        file.writelines((",".join(cells) or '""' * alone) + "\n" for cells in zip(*columns, strict=True))


def row_of_cells(values: Iterable[Any]) -> str:
    """A line of a guarded table, for rows that come one at a time; None is an empty cell."""
    cells = ("" if value is None else _cell(str(value), isinstance(value, str)) for value in values)
    return ",".join(cells) + "\n"


def read_table(
    file: Iterable[str], types: Mapping[str, type | str] | None = None, *, other: type | str = str
) -> "pd.DataFrame":
    """The table that `write_table` wrote.

    Args:
        file: opened as for writing, or the lines of its text with their ends.
        types: what columns hold, as far as they are there: str, bool, int, float (an empty cell is NaN) or
            "Int64" (an empty cell is missing).
        other: what all other columns hold.

    Raises:
        ValueError: it has no header, a name twice, a row of another length, or a cell of another type.
    """
    import pandas as pd

    with _cells_of_any_length():
        reader = csv.reader(file, strict=True)
        try:
            header = [_unguarded(name) for name in next(reader, [])]
            if not header:
                raise ValueError("its header is empty")
            if len(set(header)) < len(header):
                raise ValueError(f"its header is not of different names: {shorten_list(header)}")
            kinds = [(types or {}).get(name, other) for name in header]
            portions = [
                [_column(name, cells, kind) for name, cells, kind in zip(header, columns, kinds, strict=True)]
                for columns in _portions(reader, len(header))
            ]
        except csv.Error as error:
            raise ValueError(f"line {reader.line_num}: {error}") from None
    tables = [pd.DataFrame(dict(enumerate(columns))) for columns in portions]
    table = pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]
    return table.set_axis(pd.Index(_texts(header)), axis=1)


def _cells(column: "pd.Series", guarded: bool) -> list[str]:
    values = column.tolist() if column.dtype != "float32" else list(column.to_numpy())
    if column.dtype.kind in _NUMBERS:
        cells = list(map(str, values))
    else:
        cells = [_cell(value, guarded) if isinstance(value, str) else _quoted(str(value)) for value in values]
    for place in column.isna().to_numpy().nonzero()[0]:
        cells[place] = ""
    return cells


def _cell(text: str, guarded: bool) -> str:
    return _quoted(f"'{text}" if guarded and _IS_FORMULA(text) else text)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES(text) else text


def _unguarded(text: str) -> str:
    return text[1:] if _IS_GUARDED(text) else text


def _portions(reader: Any, width: int) -> Iterator[list[list[str]]]:
    """The cells by column, some rows at a time; at least once."""
    columns: list[list[str]] = [[] for _ in range(width)]
    is_first = True
    for row in reader:
        if len(row) != width:
            raise ValueError(f"line {reader.line_num} has {len(row)} cells, its header {width}")
        for column, cell in zip(columns, row, strict=True):
            column.append(cell)
        if len(columns[0]) == _ROWS_PER_PORTION:
            yield columns
            columns, is_first = [[] for _ in range(width)], False
    if is_first or columns[0]:
        yield columns


def _column(name: str, cells: list[str], kind: type | str) -> "pd.Series":
    import pandas as pd

    if kind is str:
        return _texts(list(map(_unguarded, cells)))
    try:
        return pd.Series(list(map(_PARSERS[kind], cells)), dtype=kind)
    except (KeyError, ValueError) as error:
        raise ValueError(f"column '{shorten(name)}': {shorten(error, 200)}") from None


def _texts(texts: list[str]) -> "pd.Series":
    import pandas as pd

    try:
        return pd.Series(texts, dtype="str")
    except UnicodeEncodeError:  # Arrow's text has no place for bytes that are no UTF-8
        return pd.Series(texts, dtype=object)


def _truth(cell: str) -> bool:
    try:
        return {"True": True, "False": False}[cell]
    except KeyError:
        raise ValueError(f"{cell!r} is neither True nor False") from None


def _float(cell: str) -> float:
    return float(cell) if cell else float("nan")


def _int_or_none(cell: str) -> int | None:
    return int(cell) if cell else None


_PARSERS: Mapping[type | str, Callable[[str], Any]] = {
    bool: _truth,
    int: int,
    float: _float,
    "Int64": _int_or_none,
}


@contextmanager
def _cells_of_any_length() -> Iterator[None]:
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)
