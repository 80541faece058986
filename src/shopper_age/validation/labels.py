"""Checks of the rows of labels.csv, before any photo is opened."""

import posixpath
import unicodedata
from pathlib import PureWindowsPath

import numpy as np
import pandas as pd
import pandera.pandas as pa

from shopper_age.data.tables import FILE_NAME, REAL_AGE, age_years
from shopper_age.validation.age_texts import explain_number, explain_text, shown
from shopper_age.validation.rules import findings

# What makes a name worth a closer look: absolute, a drive letter, a step up, a control character.
_SUSPICIOUS = r"^[/\\]|^[A-Za-z]:|\.\.|[\x00-\x1f\x7f]"


def is_given(text: pd.Series) -> pd.Series:
    return text.str.strip() != ""


def stays_inside(file_names: pd.Series) -> pd.Series:
    """Whether a name, by itself, stays in the folder it is counted from, on Linux and on Windows."""
    suspects = file_names[file_names.str.contains(_SUSPICIOUS)]
    leaving = [row for row, name in suspects.items() if not _stays_inside(name)]
    return pd.Series(~file_names.index.isin(leaving), index=file_names.index)


def _stays_inside(name: str) -> bool:
    path = PureWindowsPath(name)  # takes both kinds of slash
    steps = posixpath.normpath(path.as_posix()).split("/")
    return not path.anchor and steps[0] != ".." and not _has_control_letter(name)


def _has_control_letter(name: str) -> bool:
    return any(ord(letter) < 32 or ord(letter) == 127 for letter in name)


def is_number(text: pd.Series) -> pd.Series:
    return ~is_given(text) | age_years(text).notna()


def is_finite(text: pd.Series) -> pd.Series:
    return ~np.isinf(age_years(text))


def labels_schema(*, min_age: float, max_age: float) -> pa.DataFrameSchema:
    """What each cell of labels.csv (read as text) has to meet; a check bears the name of its rule."""

    def is_in_range(text: pd.Series) -> pd.Series:
        ages = age_years(text)
        return ~np.isfinite(ages) | ages.between(min_age, max_age)

    return pa.DataFrameSchema(
        {
            FILE_NAME: pa.Column(
                "str",
                [
                    pa.Check(is_given, name="missing_file_name"),
                    pa.Check(stays_inside, name="unsafe_path"),
                ],
            ),
            REAL_AGE: pa.Column(
                "str",
                [
                    pa.Check(is_given, name="missing_age"),
                    pa.Check(is_number, name="age_not_a_number"),
                    pa.Check(is_finite, name="age_not_finite"),
                    pa.Check(is_in_range, name="age_out_of_range"),
                ],
            ),
        }
    )


def cell_findings(labels: pd.DataFrame, *, min_age: float, max_age: float) -> pd.DataFrame:
    """All cells that break `labels_schema`; a row may appear more than once."""
    try:
        labels_schema(min_age=min_age, max_age=max_age).validate(labels, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        if cases["index"].isna().any():  # a check broke down, which is no finding about the data
            raise
        files = labels.loc[cases["index"], FILE_NAME]
        told = {
            (rule, cell): _told(rule, cell, max_age=max_age)
            for rule, cell in cases[["check", "failure_case"]].drop_duplicates().itertuples(index=False)
        }
        details = [told[pair] for pair in zip(cases["check"], cases["failure_case"], strict=True)]
        return findings(cases["check"].tolist(), files, details)
    return findings("missing_age", labels[FILE_NAME].head(0), "")


def _told(rule: str, cell: str, *, max_age: float) -> str:
    match rule:
        case "age_not_a_number":
            return explain_text(cell)
        case "age_out_of_range":
            return explain_number(float(cell), cell, max_age=max_age)
        case "missing_file_name" | "missing_age":
            return ""
        case "unsafe_path" if _has_control_letter(cell):
            return f"{shown(cell)}: a line break or another control character: rename the photo"
        case "unsafe_path":
            return f"{shown(cell)}: write the name as counted from the photo folder"
    return shown(cell)


def repetition_findings(file_names: pd.Series, ages: pd.Series) -> pd.DataFrame:
    """Rows of one file: all of them where their ages differ, else all but the first.

    `file_names` holds each file under one name only; both are indexed by line.
    """
    file_codes, _ = pd.factorize(file_names)
    rows = pd.DataFrame({"age": ages, "row": file_names.index}, index=file_names.index).groupby(file_codes)
    lowest, highest = rows["age"].transform("min"), rows["age"].transform("max")
    first_row = rows["row"].transform("first")
    is_conflict = lowest != highest
    is_repeated = ~is_conflict & (first_row != file_names.index)
    conflicts = zip(lowest[is_conflict], highest[is_conflict], strict=True)
    return pd.concat(
        [
            findings(
                "conflicting_ages",
                file_names[is_conflict],
                [f"ages from {low:g} to {high:g}" for low, high in conflicts],
            ),
            findings(
                "duplicate_row",
                file_names[is_repeated],
                [f"as line {first}" for first in first_row[is_repeated]],
            ),
        ],
        ignore_index=True,
    )


def plain_names(file_names: pd.Series) -> pd.Series:
    """File names without detours: "./a.jpg" and "b/../a.jpg" are "a.jpg"."""
    result = file_names.copy()
    nested = result[result.str.contains("/", regex=False)]
    result[nested.index] = [posixpath.normpath(name) for name in nested]
    return result


def names_on_disk(file_names: pd.Series, on_disk: list[str]) -> pd.Series:
    """File names in the spelling of the disk where only the Unicode form differs.

    A "é" is one code point in one form (NFC) and two in another (NFD); archives made on a Mac often hold
    names in the latter, which Linux takes for other names.
    """
    result = file_names.copy()
    exact = {name for name in on_disk if not name.isascii()}
    by_form = {unicodedata.normalize("NFC", name): name for name in exact}
    accented = result[[not name.isascii() and name not in exact for name in result]]
    result[accented.index] = [by_form.get(unicodedata.normalize("NFC", name), name) for name in accented]
    return result
