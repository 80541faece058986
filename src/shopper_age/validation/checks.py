"""Checks of a data set: findings, the manifest of usable photos, and the gate."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from shopper_age.data.folders import open_folder
from shopper_age.data.shards.photos import PackedPhotos
from shopper_age.data.tables import (
    CONTENT_HASH,
    DUPLICATE_GROUP,
    FILE_NAME,
    HEIGHT,
    MODE,
    N_BYTES,
    PERCEPTUAL_HASH,
    PHOTO_FOLDER,
    REAL_AGE,
    WIDTH,
    age_years,
    read_labels,
)
from shopper_age.detection.face import Detector
from shopper_age.params import ValidateDataParams
from shopper_age.runtime.messages import clip
from shopper_age.validation.duplicates import duplicate_findings, near_duplicate_groups
from shopper_age.validation.faces import face_findings, load_detector
from shopper_age.validation.labels import (
    cell_findings,
    names_on_disk,
    plain_names,
    repetition_findings,
)
from shopper_age.validation.links import check_photo_folder
from shopper_age.validation.near_misses import (
    in_several_folders,
    near_misses,
    shown,
    systematic_difference,
)
from shopper_age.validation.photos import (
    NO_SUCH_FILE,
    Inspection,
    inspect_photos,
    list_photos,
    photo_findings,
    unlabelled_findings,
)
from shopper_age.validation.rules import DETAIL, ERROR, FACE_RULES, ROW, RULE, RULES, SEVERITY, findings

# A row that breaks one of these names no file that could be opened.
_UNOPENED = ("missing_file_name", "unsafe_path")


class Validation(NamedTuple):
    """What was found: the findings, the manifest of usable photos, and the counts for DVC's metrics."""

    findings: pd.DataFrame
    manifest: pd.DataFrame
    summary: dict[str, float]
    hint: str = ""  # what most of the unusable rows have in common, or one of them


def validate(
    data_path: str | Path,
    settings: ValidateDataParams,
    *,
    inspect: Callable[..., Inspection] = inspect_photos,
    detector: Detector | None = None,
) -> Validation:
    """Judges every row of labels.csv and opens every photo that it names, once.

    The findings are in the order of the rows, photos without a label last. The manifest has the rows of
    labels.csv that have no error, in their order; `duplicate_group` is the number, from 0, of the first
    photo of the manifest that shows the same picture. `inspect` may stand in for `inspect_photos`, to
    measure or test what is done with the rows alone. `detector` finds the faces where `settings.count_faces`
    is true; None: the one of `shopper-age prepare`.

    Raises:
        FileNotFoundError: there is no labels.csv or no photo folder.
        ValueError: labels.csv cannot be read as a table, the photo folder is a link, a shard is damaged, or
            faces shall be counted and there is no detector.
    """
    if settings.count_faces and detector is None:
        detector = load_detector()
    folder = open_folder(data_path)
    labels = read_labels(folder.path)
    if isinstance(folder.photos, PackedPhotos):
        folder.photos.check()
    else:
        check_photo_folder(data_path)
    on_disk = list_photos(data_path)
    plain = plain_names(labels[FILE_NAME])
    files = names_on_disk(plain, on_disk)
    ages = age_years(labels[REAL_AGE])
    in_cells = cell_findings(labels, min_age=settings.min_age, max_age=settings.max_age)
    is_sound = ~labels.index.isin(in_cells[ROW])
    is_named = ~labels.index.isin(in_cells.loc[in_cells[RULE].isin(_UNOPENED), ROW])

    photo_of_row, names = pd.factorize(files[is_named])
    photos = inspect(data_path, list(names), min_side_px=settings.min_side_px, max_pixels=settings.max_pixels)
    measured = photos.table.iloc[photo_of_row].set_axis(labels.index[is_named])

    missing = files[measured.index[measured["detail"] == NO_SUCH_FILE]]
    near = near_misses(missing, on_disk)
    found = [
        in_cells,
        repetition_findings(files[is_sound], ages[is_sound]),
        findings("other_unicode_form", plain[files != plain], "found under its other Unicode form"),
        photo_findings(files[is_named], measured, near),
    ]
    left_out = pd.concat(found)
    left_out = left_out[(left_out[SEVERITY] == ERROR) | (left_out[RULE] == "duplicate_row")]
    is_kept = ~labels.index.isin(left_out[ROW])
    hashes = photos.hashes[photo_of_row[is_kept[is_named]]]
    groups = near_duplicate_groups(hashes, max_bits=settings.near_duplicate_bits)
    manifest = _manifest(labels[is_kept], files, ages, measured, hashes, groups)
    found += [
        duplicate_findings(manifest, measured.loc[manifest.index, "content"], hashes),
        unlabelled_findings(files, on_disk),
    ]
    if settings.count_faces and detector is not None:
        found.append(face_findings(data_path, manifest, detector))
    table = pd.concat(found).sort_values(ROW, kind="stable", na_position="last", ignore_index=True)
    return Validation(
        table,
        manifest.reset_index(drop=True),
        _summary(table, len(labels), len(manifest), counts_faces=settings.count_faces),
        _hint(table, missing, near, on_disk, len(labels)),
    )


def check_gate(
    summary: Mapping[str, float], *, max_bad_share: float, findings_path: str | Path, hint: str = ""
) -> None:
    """Raises ValueError when too many rows are unusable or none is usable, with counts and what to do."""
    if summary["n_usable"] and summary["bad_share"] <= max_bad_share:
        return
    counts = {name: summary[name] for name, rule in RULES.items() if rule.severity == ERROR and summary[name]}
    listed = ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))
    if not summary["n_rows"]:
        raise ValueError("labels.csv has no rows: list your photos in it, one a line.")
    limit = (
        f"more than validate_data.max_bad_share allows ({max_bad_share:.1%})"
        if summary["n_usable"]
        else "and no photo is left to learn from"
    )
    raise ValueError(
        f"{summary['n_bad']} of {summary['n_rows']} rows ({summary['bad_share']:.1%}) are unusable, {limit}: "
        f"{listed}. {hint}{' ' if hint else ''}{findings_path} lists each of them. Correct the data, or "
        "raise the limit in params.yaml when you can do without these photos."
    )


def _hint(table: pd.DataFrame, missing: pd.Series, near: pd.Series, on_disk: list[str], n_rows: int) -> str:
    """A sentence on what most of the unusable rows have in common, or else on the first of them."""
    errors = table[table[SEVERITY] == ERROR]
    if errors.empty:
        return ""
    if common := systematic_difference(missing, near, n_rows) or in_several_folders(missing, on_disk, n_rows):
        return common
    if len(missing) > n_rows / 2:
        return f"File names are counted from {PHOTO_FOLDER}: do the photos lie elsewhere?"
    first = errors[errors[RULE] == errors[RULE].mode()[0]].iloc[0]  # of the commonest rule
    told = clip(first[DETAIL] or RULES[first[RULE]].meaning, 300).rstrip(".")
    return f"For example line {first[ROW]}, {shown(first[FILE_NAME])}: {told}."


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
                {
                    CONTENT_HASH: _as_hex(measured.loc[rows, "content"].to_numpy(np.int64).view(np.uint64)),
                    PERCEPTUAL_HASH: _as_hex(hashes[:, 0, 0]),
                    DUPLICATE_GROUP: groups,
                },
                index=rows,
            ),
            kept.drop(columns=[FILE_NAME, REAL_AGE]),
        ],
        axis="columns",
    )


def _as_hex(words: np.ndarray) -> list[str]:
    return [f"{word:016x}" for word in words.tolist()]


def _summary(table: pd.DataFrame, n_rows: int, n_usable: int, *, counts_faces: bool) -> dict[str, float]:
    """Flat counts for DVC's metrics; each rule that was looked at is there, 0 where it was not broken."""
    is_error = table[SEVERITY] == ERROR
    n_bad = int(table.loc[is_error, ROW].nunique())
    counts = table[RULE].value_counts()
    by_rule = {name: int(counts.get(name, 0)) for name in RULES if counts_faces or name not in FACE_RULES}
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
