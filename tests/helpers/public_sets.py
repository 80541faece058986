"""Made-up folders in the forms of public sets, with photos that are told apart by their colour."""

import math
from datetime import date
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import loadmat, savemat

from shopper_age.data.importers.records import Importer, Options, Record, Skip


def put_photo(path: Path, shade: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = "PNG" if path.suffix.lower() == ".png" else "JPEG"
    Image.new("RGB", (40, 60), (shade % 256, shade // 256, 99)).save(path, kind)
    return path


def write_set(format_name: str, folder: Path, photos: list[Path], ages: list[int]) -> None:
    """Moves photos into a set in a public form: every third person is a man, and each has three photos."""
    for number, (photo, age) in enumerate(zip(photos, ages, strict=True)):
        _WRITERS[format_name](folder, photo, age, number)


def _move(photo: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    photo.rename(place)


def _append(table: Path, header: str, row: str) -> None:
    is_new = not table.exists()
    with table.open("a", encoding="utf-8") as file:
        file.write(f"{header}\n{row}\n" if is_new else f"{row}\n")


def _write_appa_real(folder: Path, photo: Path, age: int, number: int) -> None:
    part = ("train", "train", "valid", "test")[number % 4]
    _move(photo, folder / part / photo.name)
    header = "file_name,num_ratings,apparent_age_avg,apparent_age_std,real_age"
    _append(folder / f"gt_avg_{part}.csv", header, f"{photo.name},36,{age + 1.5},3,{age}")


def _write_utkface(folder: Path, photo: Path, age: int, number: int) -> None:
    _move(photo, folder / f"{age}_{number % 2}_{number % 5}_2017{number:013d}.jpg")


def _write_agedb(folder: Path, photo: Path, age: int, number: int) -> None:
    _move(photo, folder / f"{number}_Person{number // 3}_{age}_{'fmm'[number % 3]}.jpg")


def _write_afad(folder: Path, photo: Path, age: int, number: int) -> None:
    _move(photo, folder / str(age) / str(111 + number % 2) / f"{number // 3}-{number}.jpg")


def _write_imdb_wiki(folder: Path, photo: Path, age: int, number: int) -> None:
    place = f"{number:02d}/{photo.name}"
    _move(photo, folder / "wiki_crop" / place)
    born = float(date(2010 - age, 1, 1).toordinal() + 366)
    row = (born, 2010.0, place, number % 2, f"Person {number // 3}", 3.5, math.nan)
    write_mat(folder / "wiki_crop" / "wiki.mat", [*_rows_of(folder / "wiki_crop" / "wiki.mat"), row])


def _write_lagenda(folder: Path, photo: Path, age: int, number: int) -> None:
    _move(photo, folder / "lag_benchmark" / photo.name)
    header = "img_name,age,gender,face_x0,face_y0,face_x1,face_y1,person_x0,person_y0,person_x1,person_y1"
    row = f"lag_benchmark/{photo.name},{age},{'FM'[number % 2]},5,5,43,43,-1,-1,-1,-1"
    _append(folder / "lagenda_annotation.csv", header, row)


_WRITERS = {
    "appa-real": _write_appa_real,
    "utkface": _write_utkface,
    "agedb": _write_agedb,
    "afad": _write_afad,
    "imdb-wiki": _write_imdb_wiki,
    "lagenda": _write_lagenda,
}

_MAT_COLUMNS = ("dob", "photo_taken", "full_path", "gender", "name", "face_score", "second_face_score")


def _rows_of(path: Path) -> list[tuple]:
    """The rows that `write_mat` wrote."""
    if not path.exists():
        return []
    table = loadmat(path, squeeze_me=True, struct_as_record=False)[path.stem]
    return list(zip(*(np.atleast_1d(getattr(table, name)) for name in _MAT_COLUMNS), strict=True))


def write_mat(path: Path, rows: list[tuple]) -> None:
    """A table of IMDB-WIKI with these columns, a row per photo."""
    columns = dict(zip(_MAT_COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
    for name in ("full_path", "name"):
        texts = np.empty((1, len(rows)), dtype=object)
        texts[0, :] = columns[name]
        columns[name] = texts
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {path.stem: columns})


def read_set(
    read: Importer, folder: Path, *, age: str = "real", faces: bool = False
) -> tuple[dict[str, Record], dict[str, str]]:
    """The records by file name, and the reasons of what was skipped by name."""
    items = list(read(folder, Options(age, faces)))
    records = [item for item in items if isinstance(item, Record)]
    skipped = [item for item in items if isinstance(item, Skip)]
    assert len({record.file_name for record in records}) == len(records)
    return {record.file_name: record for record in records}, dict(skipped)
