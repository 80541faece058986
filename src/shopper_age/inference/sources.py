"""The photos that a command is asked about: files, folders, patterns, a labels.csv, or a list of names."""

import csv
import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from shopper_age.data.photos import PHOTO_SUFFIXES
from shopper_age.runtime.sorting import sorted_texts

STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Source:
    """A photo, and the true age of its person in years where a labels.csv tells it."""

    path: str
    real_age: float | None = None


def sources(paths: Iterable[str], standard_input: TextIO) -> Iterator[Source]:
    """The photos that are meant, in the order of `paths`, those of a folder sorted; read one by one.

    Args:
        paths: of photos; of folders, with all photos below them; patterns such as `till/*.jpg`; of a
            labels.csv, whose photos lie in final_files beside it or, without that folder, beside it; or `-`
            for one path a line on `standard_input`.

    Raises:
        FileNotFoundError: there is nothing at a path, or nothing that a pattern matches.
        PermissionError: a folder cannot be read.
        ValueError: a table has no column file_name.
    """
    for path in paths:
        if path == STANDARD_INPUT:
            yield from (Source(line.rstrip("\r\n")) for line in standard_input if line.strip())
        elif os.path.isdir(path):  # noqa: PTH112 - plain strings: a million of them
            yield from (Source(name) for name in _photos_below(path))
        elif path.lower().endswith(".csv") and os.path.exists(path):  # noqa: PTH110
            yield from _of_table(Path(path))
        elif os.path.lexists(path):
            yield Source(path)
        elif glob.has_magic(path):
            yield from _matching(path)
        else:
            raise FileNotFoundError(f"{path} not found: pass photos, folders, patterns, a labels.csv, or -")


def _photos_below(folder: str) -> Iterator[str]:
    """Those of the folder itself, then those of each folder in it; links to folders are not followed."""
    folders = []

    def photos() -> Iterator[str]:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir():
                    if not entry.is_symlink():
                        folders.append(entry.name)
                elif os.path.splitext(entry.name)[1].lower() in PHOTO_SUFFIXES:  # noqa: PTH122
                    yield entry.name

    yield from (os.path.join(folder, name) for name in sorted_texts(photos()))  # noqa: PTH118
    for name in sorted(folders):
        yield from _photos_below(os.path.join(folder, name))  # noqa: PTH118


def _matching(pattern: str) -> Iterator[Source]:
    found = (name for name in glob.iglob(pattern, recursive=True) if not os.path.isdir(name))  # noqa: PTH112, PTH207
    is_found = False
    for name in sorted_texts(found):
        is_found = True
        yield Source(name)
    if not is_found:
        raise FileNotFoundError(f"no file matches {pattern}")


def _of_table(path: Path) -> Iterator[Source]:
    folder = path.parent / "final_files"
    if not folder.is_dir():
        folder = path.parent
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = csv.DictReader(file)
        table.fieldnames = [name.strip() for name in table.fieldnames or []]
        if "file_name" not in table.fieldnames:
            raise ValueError(f"{path} has no column file_name, but {', '.join(table.fieldnames) or 'none'}")
        for row in table:
            if name := (row["file_name"] or "").strip():
                yield Source(str(folder / name), _age(row.get("real_age")))


def _age(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None
