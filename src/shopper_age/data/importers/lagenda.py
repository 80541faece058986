"""LAGENDA: photos of Open Images on which each person has a row, with an age and gender for some.

    img_name, age, gender, face_x0, face_y0, face_x1, face_y1, person_x0, person_y0, person_x1, person_y1

Corners are pixels; -1 stands for what is not known; gender is M or F. Most photos show several people, so
that an age belongs to a face: `--faces` cuts each out with a margin of 40 % on every side.

Source: Kuprashevich and Tolstykh 2023, "MiVOLO: Multi-input Transformer for Age and Gender Estimation",
https://arxiv.org/abs/2307.04616; `PictureInfo` and the columns in mivolo/data/data_reader.py of
https://github.com/WildChlamydia/MiVOLO; https://wildchlamydia.github.io/lagenda/.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from shopper_age.data.importers.records import (
    FEMALE,
    GENDER,
    MALE,
    Box,
    Options,
    Record,
    Skip,
    age_problem,
    file_problem,
    name_below,
    read_rows,
)

_CORNERS = ("face_x0", "face_y0", "face_x1", "face_y1")

_COLUMNS = ("img_name", "age", "gender", *_CORNERS)

_GENDERS = {"M": MALE, "F": FEMALE}

# Of the longer side of the face, added on each side; as APPA-REAL's faces have it.
_MARGIN = 0.4


def read_lagenda(source: Path, options: Options) -> Iterator[Record | Skip]:
    """The faces or photos in the order of the table."""
    table = _find_table(source)
    rows = list(read_rows(table, _COLUMNS))
    people = Counter(row["img_name"] for _, row in rows)
    for line, row in rows:
        name = row["img_name"]
        shown = f"{name} (line {line})"
        if problem := "its age is not known" if row["age"] in ("-1", "-1.0") else age_problem(row["age"]):
            yield Skip(shown, problem)
            continue
        photo = _find_photo(source, table, name)
        box = _face(row) if options.faces else None
        if isinstance(photo, str):
            yield Skip(shown, photo)
        elif options.faces and box is None:
            yield Skip(shown, "the row has no face")
        elif not options.faces and people[name] > 1:
            yield Skip(shown, "it shows several people: import with --faces")
        else:
            inside = PurePosixPath(name_below(source, photo))
            target = str(inside.with_name(f"{inside.stem}_{line}.jpg") if box else inside)
            attributes = {GENDER: _GENDERS.get(row["gender"].upper(), "")}
            yield Record(photo, target, row["age"], attributes, box)


def _find_table(source: Path) -> Path:
    for path in sorted(source.rglob("*.csv")):
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            header = {name.strip() for name in file.readline().split(",")}
        if set(_COLUMNS) <= header:
            return path
    raise FileNotFoundError(
        f"{source} holds no CSV with the columns {', '.join(_COLUMNS)}: put lagenda_annotation.csv beside "
        "the folder of the photos."
    )


def _find_photo(source: Path, table: Path, name: str) -> Path | str:
    """The photo, counted from the folder of the set, of the table or images/ in it; or why there is none."""
    problems = []
    for folder in (source, table.parent, source / "images"):
        if not (problem := file_problem(folder, name)):
            return folder / name
        problems.append(problem)
    return problems[0]


def _face(row: dict[str, str]) -> Box | None:
    """The box of the face with its margin, not yet kept inside the photo; None where there is no face."""
    try:
        left, top, right, bottom = (float(row[corner]) for corner in _CORNERS)
    except ValueError:
        return None
    if not (0 <= left < right < 1e6 and 0 <= top < bottom < 1e6):
        return None
    margin = _MARGIN * max(right - left, bottom - top)
    return round(left - margin), round(top - margin), round(right + margin), round(bottom + margin)
