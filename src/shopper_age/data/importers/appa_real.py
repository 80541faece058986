"""APPA-REAL: 7,591 photos with real and apparent ages and an official split.

    gt_avg_train.csv   file_name, num_ratings, apparent_age_avg, apparent_age_std, real_age
    gt_train.csv       file_name, real_age, apparent_age, worker_age, worker_gender; a row per rating
    allcategories_train.csv   file, gender and more; it may be missing, and hold the ages where the others do
    train/000000.jpg, train/000000.jpg_face.jpg   the photo, and its face with a margin of 40 %

and the same for valid and test.

Source: Agustsson et al. 2017, "Apparent and real age estimation in still images with deep residual regressors
on APPA-REAL database", FG; the set's README as quoted in https://github.com/KilArtur/age-recognition-by-photo;
allcategories as annotation_appareal_keras.py of https://github.com/abars/YoloKerasFaceDetection reads it.
"""

from collections.abc import Iterator
from pathlib import Path

from shopper_age.data.importers.records import (
    ETHNICITY,
    Options,
    Record,
    Skip,
    age_problem,
    file_problem,
    read_rows,
)
from shopper_age.data.tables import FILE_NAME, MEASURED, REAL_AGE, SPLIT, TEST, TRAIN, VALIDATION

_PARTS = {"train": TRAIN, "valid": VALIDATION, "test": TEST}

_FACE = "_face.jpg"

_OUR_NAMES = {"race": ETHNICITY}


def read_appa_real(source: Path, options: Options) -> Iterator[Record | Skip]:
    """The photos in the order of the tables, with the official split and the further categories."""
    root = next((folder for folder in _folders(source) if _tables(folder)), None)
    if root is None:
        raise FileNotFoundError(
            f"{source} holds none of gt_avg_train.csv, gt_train.csv and those of valid and test: name the "
            "unpacked folder appa-real-release."
        )
    tables = _tables(root)
    for part, split in _PARTS.items():
        if part not in tables:
            yield Skip(f"{part}/", "there is no table of this part")
            continue
        categories = _categories(root / f"allcategories_{part}.csv")
        for name, age in _ages(tables[part], options.age):
            file = f"{part}/{name}" + (_FACE if options.faces else "")
            problem = age_problem(age) or (file_problem(root, file) if name else "the row names no photo")
            if problem:
                yield Skip(file, problem)
            else:
                yield Record(root / file, file, age, {SPLIT: split} | categories.get(name, {}))


def _folders(source: Path) -> list[Path]:
    """The folder and all below it that hold a table, however deep an archive was unpacked."""
    return sorted({table.parent for table in source.rglob("*.csv")})


def _tables(folder: Path) -> dict[str, Path]:
    """The table with the ages of each part that is there; one with a row per photo before the ratings."""
    found = {}
    for part in _PARTS:
        tables = [folder / f"gt_avg_{part}.csv", folder / f"gt_{part}.csv"]
        if _has_ages(categories := folder / f"allcategories_{part}.csv"):
            tables.append(categories)
        if present := [table for table in tables if table.is_file()]:
            found[part] = present[0]
    return found


def _has_ages(table: Path) -> bool:
    if not table.is_file():
        return False
    with table.open(encoding="utf-8-sig", errors="replace") as file:
        return REAL_AGE in [name.strip() for name in file.readline().split(",")]


def _ages(table: Path, kind: str) -> Iterator[tuple[str, str]]:
    """Each photo's name with its age; a photo whose rows give it several real ages comes several times."""
    column = REAL_AGE if kind == "real" else "apparent_age"
    if "_avg_" in table.name and kind == "apparent":
        column = "apparent_age_avg"
    name_column = "file" if table.name.startswith("allcategories_") else FILE_NAME
    ages: dict[str, list[str]] = {}
    for _, row in read_rows(table, (name_column, column)):
        ages.setdefault(row[name_column], []).append(row[column])
    for name, rated in ages.items():
        numbers = [float(age) for age in rated if not age_problem(age)]
        if kind == "real" or len(rated) == 1:
            yield from ((name, age) for age in dict.fromkeys(rated))
        else:
            yield name, f"{sum(numbers) / len(numbers):.6g}" if numbers else ""


def _categories(table: Path) -> dict[str, dict[str, str]]:
    """The further columns of each photo, under names that labels.csv has free."""
    if not table.is_file():
        return {}
    taken = {FILE_NAME, REAL_AGE, SPLIT, *MEASURED}
    found = {}
    for _, row in read_rows(table, ()):
        name = row.pop("file", "")
        cells = {_OUR_NAMES.get(column, column): cell for column, cell in row.items() if column}
        found[name] = {column: cell for column, cell in cells.items() if column not in taken}
    return found
