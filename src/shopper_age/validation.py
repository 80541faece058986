"""Checking the labels and their photos: all findings, the manifest of what is usable, and the gate."""

import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from shopper_age.duplicates import coarse_distance, near_duplicate_groups
from shopper_age.faces import (
    DUPLICATE_GROUP,
    FILE_NAME,
    HEIGHT,
    MODE,
    N_BYTES,
    PERCEPTUAL_HASH,
    PHOTO_FOLDER,
    REAL_AGE,
    WIDTH,
    read_labels,
)
from shopper_age.inspection import inspect_photos, list_photos
from shopper_age.labels import age_years, cell_findings, names_on_disk, plain_names, repetition_findings
from shopper_age.params import ValidateDataParams
from shopper_age.rules import ERROR, ROW, RULE, RULES, SEVERITY, findings

# Ages of one picture that lie further apart cannot both be right; a smaller gap may be two honest guesses.
DIFFERENT_AGE_YEARS = 5.0


# A row that breaks one of these names no file that could be opened.
_UNOPENED = ("missing_file_name", "unsafe_path")


class Validation(NamedTuple):
    """What was found: the findings, the manifest of usable photos, and the counts for DVC's metrics."""

    findings: pd.DataFrame
    manifest: pd.DataFrame
    summary: dict[str, float]


def validate(data_path: str | Path, settings: ValidateDataParams) -> Validation:
    """Judges every row of labels.csv and opens every photo that it names, once.

    The findings are in the order of the rows, photos without a label last. The manifest has the rows of
    labels.csv that have no error, in their order; `duplicate_group` is the number, from 0, of the first
    photo of the manifest that shows the same picture.

    Raises:
        FileNotFoundError: there is no labels.csv or no photo folder.
        ValueError: labels.csv cannot be read as a table.
    """
    labels = read_labels(data_path)
    on_disk = list_photos(data_path)
    plain = plain_names(labels[FILE_NAME])
    files = names_on_disk(plain, on_disk)
    ages = age_years(labels[REAL_AGE])
    in_cells = cell_findings(labels, min_age=settings.min_age, max_age=settings.max_age)
    is_sound = ~labels.index.isin(in_cells[ROW])
    is_named = ~labels.index.isin(in_cells.loc[in_cells[RULE].isin(_UNOPENED), ROW])

    photo_of_row, names = pd.factorize(files[is_named])
    photos = inspect_photos(
        data_path, list(names), min_side_px=settings.min_side_px, max_pixels=settings.max_pixels
    )
    measured = photos.table.iloc[photo_of_row].set_axis(labels.index[is_named])

    found = [
        in_cells,
        repetition_findings(files[is_sound], ages[is_sound]),
        findings("other_unicode_form", plain[files != plain], "found under its other Unicode form"),
        photo_findings(files[is_named], measured, on_disk),
    ]
    left_out = pd.concat(found)
    left_out = left_out[(left_out[SEVERITY] == ERROR) | (left_out[RULE] == "duplicate_row")]
    is_kept = ~labels.index.isin(left_out[ROW])
    hashes = photos.hashes[photo_of_row[is_kept[is_named]]]
    groups = near_duplicate_groups(hashes, max_bits=settings.near_duplicate_bits)
    manifest = _manifest(labels[is_kept], files, ages, measured, hashes, groups)
    found += [
        likeness_findings(manifest, measured.loc[manifest.index, "content"], hashes),
        unlabelled_findings(files, on_disk),
    ]
    table = pd.concat(found).sort_values(ROW, kind="stable", na_position="last", ignore_index=True)
    return Validation(table, manifest.reset_index(drop=True), _summary(table, len(labels), len(manifest)))


def photo_findings(files: pd.Series, measured: pd.DataFrame, on_disk: list[str]) -> pd.DataFrame:
    """The unusable photos, a finding for each row that names one; a missing file comes with a near miss."""
    broken = measured[measured["rule"] != ""]
    seen = broken["seen"].copy()
    missing = files[broken.index[broken["rule"] == "missing_photo"]]
    if len(missing):
        by_stem = {_stem(name): name for name in on_disk}
        near = missing.map(lambda name: by_stem.get(_stem(name), "")).astype("str")
        near = near[near != ""]
        seen[near.index] = [f"no such file; there is {name}" for name in near]
    return findings(broken["rule"].tolist(), files[broken.index], seen.tolist())


def likeness_findings(manifest: pd.DataFrame, contents: pd.Series, hashes: np.ndarray) -> pd.DataFrame:
    """Photos like an earlier one of the manifest, and those of them whose age differs from the first's.

    `manifest` is indexed by line; `contents` and `hashes` (shape (n, 2, 5)) are in its order.
    """
    position = np.arange(len(manifest))
    same_bytes = pd.Series(position).groupby([contents.to_numpy(), manifest[N_BYTES].to_numpy()])
    twin = same_bytes.transform("first").to_numpy()
    first = manifest[DUPLICATE_GROUP].to_numpy()
    files, ages = manifest[FILE_NAME], manifest[REAL_AGE].to_numpy()
    names = files.to_numpy()

    is_twin = twin < position
    is_near = (first < position) & ~is_twin
    bits, mirrored_bits = coarse_distance(hashes[is_near], hashes[first[is_near]])
    likeness = [
        f"like {name}, {min(two)} of 64 bits differ" + (" (mirrored)" if two[1] < two[0] else "")
        for name, *two in zip(names[first[is_near]], bits, mirrored_bits, strict=True)
    ]
    differs = np.abs(ages - ages[first]) > DIFFERENT_AGE_YEARS
    pairs = zip(ages[differs], ages[first[differs]], names[first[differs]], strict=True)
    return pd.concat(
        [
            findings(
                "identical_photos", files[is_twin], [f"equal to {name}" for name in names[twin[is_twin]]]
            ),
            findings("near_duplicate_photos", files[is_near], likeness),
            findings(
                "duplicates_differ_in_age",
                files[differs],
                [f"age {age:g}, but {other:g} for {name}" for age, other, name in pairs],
            ),
        ]
    )


def unlabelled_findings(files: pd.Series, on_disk: list[str]) -> pd.DataFrame:
    """Photos in the folder that no row names; they have no line."""
    named = set(files)
    names = [name for name in on_disk if name not in named]
    return findings("photo_without_label", pd.Series(names, index=[pd.NA] * len(names), dtype="str"), "")


def check_gate(summary: Mapping[str, float], *, max_bad_share: float, findings_path: str | Path) -> None:
    """Raises ValueError when too many rows are unusable or none is usable, with counts and what to do."""
    if summary["n_usable"] and summary["bad_share"] <= max_bad_share:
        return
    counts = {name: summary[name] for name, rule in RULES.items() if rule.severity == ERROR and summary[name]}
    told = ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))
    if not summary["n_rows"]:
        raise ValueError("labels.csv has no rows: list your photos in it, one a line.")
    limit = (
        f"more than validate_data.max_bad_share allows ({max_bad_share:.1%})"
        if summary["n_usable"]
        else "and no photo is left to learn from"
    )
    hint = (
        f" File names are counted from {PHOTO_FOLDER}: do the photos lie elsewhere?"
        if summary["missing_photo"] == summary["n_rows"]
        else ""
    )
    raise ValueError(
        f"{summary['n_bad']} of {summary['n_rows']} rows ({summary['bad_share']:.1%}) are unusable, {limit}: "
        f"{told}.{hint} {findings_path} lists each of them. Correct the data, or raise the limit in "
        "params.yaml when you can do without these photos."
    )


def _stem(name: str) -> str:
    """What is left of a name that was mistyped in case, folder, kind of slash or ending."""
    return posixpath.splitext(posixpath.basename(name.replace("\\", "/")))[0].casefold()


def _manifest(
    kept: pd.DataFrame,
    files: pd.Series,
    ages: pd.Series,
    measured: pd.DataFrame,
    hashes: np.ndarray,
    groups: np.ndarray,
) -> pd.DataFrame:
    rows = kept.index
    return pd.concat(
        [
            pd.DataFrame({FILE_NAME: files[rows], REAL_AGE: ages[rows]}),
            measured.loc[rows, [WIDTH, HEIGHT, MODE, N_BYTES]],
            pd.DataFrame(
                {PERCEPTUAL_HASH: [f"{word:016x}" for word in hashes[:, 0, 0]], DUPLICATE_GROUP: groups},
                index=rows,
            ),
            kept.drop(columns=[FILE_NAME, REAL_AGE]),
        ],
        axis="columns",
    )


def _summary(table: pd.DataFrame, n_rows: int, n_usable: int) -> dict[str, float]:
    """Flat counts for DVC's metrics; each rule is there, with 0 when it was never broken."""
    is_error = table[SEVERITY] == ERROR
    n_bad = int(table.loc[is_error, ROW].nunique())
    counts = table[RULE].value_counts()
    by_rule = {name: int(counts.get(name, 0)) for name in RULES}
    return {
        "n_rows": n_rows,
        "n_usable": n_usable,
        "n_bad": n_bad,
        "bad_share": round(n_bad / n_rows, 6) if n_rows else 0.0,
        "n_photos_without_label": by_rule["photo_without_label"],
        "n_near_duplicates": by_rule["near_duplicate_photos"],
        "n_errors": int(is_error.sum()),
        "n_warnings": int((~is_error).sum()),
        **by_rule,
    }
