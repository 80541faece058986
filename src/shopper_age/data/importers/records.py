"""Records that an importer yields of a public data set: photos with ages, and what it left out and why."""

import csv
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from shopper_age.data.photos import PHOTO_SUFFIXES
from shopper_age.runtime.csv_tables import ENCODING
from shopper_age.runtime.messages import shorten_list

# Further columns of labels.csv that mean the same whatever set they come from.
GENDER = "gender"  # female, male, or blank where it is not known

ETHNICITY = "ethnicity"

PERSON = "person"  # equal for photos of one person: fit for split.group_column

MALE, FEMALE = "male", "female"

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels of the upright photo


@dataclass(frozen=True)
class Record:
    """A photo to take."""

    source: Path
    file_name: str  # below the photo folder, with forward slashes
    real_age: str  # years, as the set writes them; a finite number
    attributes: Mapping[str, str] = field(default_factory=dict)  # further columns of labels.csv
    box: Box | None = None  # this part of the photo becomes a photo of its own


class Skip(NamedTuple):
    """A photo or a row that is left out."""

    name: str
    reason: str  # equal for equal causes, so that they can be counted


@dataclass(frozen=True)
class Options:
    """What of a set is wanted, where it has more than one of it."""

    age: str = "real"  # real | apparent
    faces: bool = False  # the faces alone instead of the whole photos


class Importer(Protocol):
    """Yields the photos of a set in a fixed order, and what is left out.

    Raises:
        FileNotFoundError: the folder does not hold the set.
        ValueError: a table of the set cannot be read.
    """

    def __call__(self, source: Path, options: Options, /) -> Iterator[Record | Skip]: ...


def walk_photos(source: Path, *, unpacked: str) -> Iterator[Path]:
    """All photos in a folder and below, by name; hidden files and folders are left out.

    Args:
        unpacked: what the folder of the set is, for the error.

    Raises:
        FileNotFoundError: there is none.
    """
    is_empty = True
    for parent, folders, files in os.walk(source):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in PHOTO_SUFFIXES:
                is_empty = False
                yield Path(parent, name)
    if is_empty:
        raise FileNotFoundError(f"{source} holds no photo: name the unpacked folder {unpacked}.")


def name_below(source: Path, path: Path) -> str:
    """A photo's name counted from the folder of the set, with forward slashes."""
    return path.relative_to(source).as_posix()


def read_rows(path: Path, required: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV, each with its line (the header is line 1) and its stripped cells by column.

    Cells that a short row lacks are "".

    Raises:
        ValueError: it is no UTF-8 text, no CSV, or lacks a required column; the message names it.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            if missing := [name for name in required if name not in header]:
                raise ValueError(f"lacks the column {shorten_list(missing)} (found: {shorten_list(header)})")
            line = reader.line_num + 1
            for cells in reader:
                if cells:
                    padded = cells + [""] * (len(header) - len(cells))
                    yield line, {name: cell.strip() for name, cell in zip(header, padded, strict=False)}
                line = reader.line_num + 1
        except (csv.Error, ValueError) as error:
            told = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error
            raise ValueError(f"{path} {told}: is it the table that the set brings?") from None


def age_problem(text: str) -> str:
    """Why a text is no age, or ""; whether a number can be somebody's age is for validate_data to judge."""
    if not text or text.casefold() == "nan":
        return "its age is not known"
    try:
        number = float(text)
    except ValueError:
        return "its age is not a number"
    return "" if math.isfinite(number) and "_" not in text else "its age is not a number"


def file_problem(source: Path, name: str) -> str:
    """Why a file that a table names cannot be taken from the folder of the set, or ""."""
    if not name:
        return "the row names no photo"
    if Path(name).is_absolute() or re.search(r"(^|[/\\])\.\.([/\\]|$)|[\x00-\x1f]", name):
        return "its name leads out of the folder"
    return "" if os.path.isfile(source / name) else "there is no such photo"  # noqa: PTH113 - raises never


def is_utf8(name: str) -> bool:
    try:
        name.encode(ENCODING["encoding"])
    except UnicodeEncodeError:
        return False
    return True
