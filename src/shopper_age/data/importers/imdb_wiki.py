"""IMDB-WIKI: photos of actors and of people of Wikipedia, with birth dates in imdb.mat and wiki.mat.

    dob                 date of birth as a serial date number of MATLAB: days since "January 0, 0000"
    photo_taken         year; the photo is taken to be of 1 July
    full_path           counted from the folder of the .mat
    gender              0 female, 1 male, NaN not known
    name                of the person
    face_score          of the detector; infinite where it found no face
    second_face_score   NaN where there is no second face

Many dates are wrong: ages such as -30 or 1,900 are passed on, and become findings of validate_data.

Source: Rothe, Timofte and Van Gool 2018, "Deep expectation of real and apparent age from a single image
without facial landmarks", IJCV; "Usage" at https://data.vision.ee.ethz.ch/cvl/rrothe/imdb-wiki/; `datenum` at
https://www.mathworks.com/help/matlab/ref/datenum.html.
"""

import math
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from shopper_age.data.importers.records import (
    FEMALE,
    GENDER,
    MALE,
    PERSON,
    Options,
    Record,
    Skip,
    file_problem,
    name_below,
)

FACE_SCORE = "face_score"

_FIELDS = ("dob", "photo_taken", "full_path", "gender", "name", "face_score", "second_face_score")

# datenum of the day before 1 January of the year 1, which is Python's ordinal 0.
_DAYS_BEFORE_YEAR_1 = 366


def read_imdb_wiki(source: Path, options: Options) -> Iterator[Record | Skip]:  # noqa: ARG001 - the protocol
    """The photos of imdb.mat, then those of wiki.mat, wherever they lie in the folder."""
    tables = sorted(path for path in source.rglob("*.mat") if path.stem in ("imdb", "wiki"))
    if not tables:
        raise FileNotFoundError(f"{source} holds neither imdb.mat nor wiki.mat: name the unpacked folder.")
    for table in tables:
        columns = _read_mat(table)
        for born, taken, path, gender, person, score, second in zip(
            *(columns[name] for name in _FIELDS), strict=True
        ):
            name = name_below(source, table.parent / str(path)) if path else ""
            problem = file_problem(source, name) or _label_problem(born, taken, score, second)
            if problem:
                yield Skip(name or f"a row of {table.name}", problem)
                continue
            attributes = {
                GENDER: {0.0: FEMALE, 1.0: MALE}.get(gender, ""),
                PERSON: person,
                FACE_SCORE: f"{score:.3g}",
            }
            yield Record(source / name, name, str(age_on_1_july(born, int(taken))), attributes)


def age_on_1_july(born: float, year: int) -> int:
    """Completed years on 1 July of a year of somebody born on a serial date number of MATLAB.

    724277 is 1 January 1983: such a person is 20 on 1 July 2003. Of somebody born before the year 1,
    as some rows say, the years are counted by their mean length.
    """
    ordinal = math.floor(born) - _DAYS_BEFORE_YEAR_1
    if 1 <= ordinal <= date.max.toordinal():
        birthday = date.fromordinal(ordinal)
        return year - birthday.year - ((birthday.month, birthday.day) > (7, 1))
    return math.floor(year + 0.5 - born / 365.2425)


def _label_problem(born: float, taken: float, score: float, second: float) -> str:
    if not (math.isfinite(born) and math.isfinite(taken)):
        return "its date of birth or year is not known"
    if not math.isfinite(score):
        return "no face was found on it"
    return "" if math.isnan(second) else "it shows more than one face, and the age may be another's"


def _read_mat(path: Path) -> dict[str, list[Any]]:
    """The columns of a .mat: numbers as float, the rest as text.

    Raises:
        ValueError: it cannot be read, or is not this table.
    """
    import numpy as np
    from scipy.io import loadmat

    try:
        content = loadmat(path, squeeze_me=True, struct_as_record=False)
    except Exception as error:  # whatever scipy stumbles over in a broken or foreign file
        raise ValueError(f"{path} cannot be read as a MATLAB file: {error}. Unpack it anew.") from None
    table = content.get(path.stem)
    missing = [name for name in _FIELDS if not hasattr(table, name)]
    if missing:
        raise ValueError(f"{path} lacks {path.stem}.{', '.join(missing)}: it is not the table of IMDB-WIKI.")
    columns: dict[str, list[Any]] = {}
    for name in _FIELDS:
        cells = np.atleast_1d(getattr(table, name))
        if name in ("full_path", "name"):  # an empty text comes as an empty array
            columns[name] = [cell if isinstance(cell, str) else "" for cell in cells]
        else:
            columns[name] = cells.astype(float).tolist()
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"{path} has columns of different lengths: {lengths}. Unpack it anew.")
    return columns
