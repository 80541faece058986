"""Train, validation and test split of the manifest, with duplicates and the photos of a person kept together.

`stratified` spreads each part over the ages and keeps duplicates together. `keras` takes the first rows as
the test part, so duplicates may straddle it. `column` follows labels.csv. Where the validation part is not
given it is drawn, stratified, from what is left for training. With folds, for cross-calibration, there is no
validation part: what is left is dealt into folds instead. With a column that names the person, no person is
in two parts: `stratified` sees to it, the other two refuse; nor in two folds.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd

from shopper_age.data.tables import (
    DUPLICATE_GROUP,
    FILE_NAME,
    FOLD,
    PARTS,
    REAL_AGE,
    SPLIT,
    TEST,
    TRAIN,
    VALIDATION,
    first_rows,
)
from shopper_age.grouping import people_of, together
from shopper_age.runtime.messages import shorten_list

Strategy = Literal["stratified", "keras", "column"]


def split_faces(
    manifest: pd.DataFrame,
    *,
    strategy: Strategy,
    test_share: float,
    validation_share: float,
    seed: int,
    group_column: str = "",
    n_folds: int | None = None,
) -> pd.DataFrame:
    """The table file_name, real_age (years), split (train, validation, test) in the order of the manifest.

    With folds there is no validation part, and a column more: fold, from 1, missing for test photos. The test
    part is the same with folds and without.

    Args:
        manifest: file_name, real_age, duplicate_group and, for the strategy `column`, split.
        test_share: share of all photos for the test part (0-1); `column` has its own.
        validation_share: share of the remaining photos for the validation part (0-1).
        seed: the same seed and photos give the same table. The order of the rows does not matter, except
            that `keras` takes the first ones; neither do the numbers of the duplicate groups.
        group_column: the column of the manifest that names the person; "" = each photo stands alone.
        n_folds: folds of all photos but those of the test part, with those that `column` gives for
            validation; None = a validation part.

    Raises:
        ValueError: a part or a fold would be empty, the column `split` is missing or has an unknown value,
            there is no column `group_column`, or the strategy puts a person into two parts.
    """
    rng = np.random.default_rng(seed)
    people = None
    if group_column:
        people = people_of(manifest, group_column)
        groups = together(manifest[DUPLICATE_GROUP].to_numpy(), people)
        manifest = manifest.assign(**{DUPLICATE_GROUP: groups})
    draw = partial(draw_stratified, rng=rng, sizes_alike=bool(group_column))
    match strategy:
        case "stratified":
            is_test = draw(manifest, share=test_share)
        case "keras":
            is_test = first_rows(len(manifest), share=test_share)
        case "column":
            given = _given_parts(manifest)
            is_test = given == TEST
    is_validation = np.zeros(len(manifest), bool)
    if strategy == "column" and n_folds is None and (given == VALIDATION).any():
        is_validation = given == VALIDATION
    elif n_folds is None:
        is_validation[~is_test] = draw(manifest[~is_test], share=validation_share)
    parts = np.select([is_test, is_validation], [TEST, VALIDATION], TRAIN)
    if people is not None:
        _check_no_person_straddles(parts, people, manifest[group_column], strategy)
    _check_no_part_is_empty(parts, strategy, manifest[DUPLICATE_GROUP], has_validation=n_folds is None)
    splits = manifest[[FILE_NAME, REAL_AGE]].assign(**{SPLIT: parts})
    if n_folds is not None:
        folds = pd.Series(pd.NA, index=splits.index, dtype="Int64")
        folds[~is_test] = _deal_folds(manifest[~is_test], n_folds, draw)
        splits[FOLD] = folds
    return splits


def draw_stratified(
    manifest: pd.DataFrame, *, share: float, rng: np.random.Generator, sizes_alike: bool = False
) -> np.ndarray:
    """Which rows are drawn (n,): about `share` of them at every age, each duplicate group whole or not.

    Neighbours in age form strata of about 1 / share groups and one group of each stratum is drawn, so that
    an age with three photos is treated as fairly as one with three thousand. Groups of one size are drawn
    among themselves, the largest first, and lone photos make up what rounding left, so that the total is met
    to a photo unless there are too few of them. With `sizes_alike` groups of 2-3, of 4-7, of 8-15 photos and
    so on count as one size: people have photos in any number, and of each single number there may be one.
    """
    # Chance is dealt out by file name, so that the order of the rows plays no part.
    by_name = manifest[FILE_NAME].argsort(kind="stable").to_numpy()
    group, _ = pd.factorize(manifest[DUPLICATE_GROUP].to_numpy()[by_name])
    size = np.bincount(group)
    mean_age = np.bincount(group, manifest[REAL_AGE].to_numpy(float)[by_name]) / np.maximum(size, 1)

    kind = np.frexp(size)[1] if sizes_alike else size
    is_drawn = np.zeros(len(size), bool)
    wanted = 0.0
    for one_kind in np.unique(kind)[::-1]:
        alike = np.flatnonzero(kind == one_kind)
        wanted += share * size[alike].mean() * len(alike)
        n_groups = int(np.clip(np.floor(wanted / size[alike].mean() + 0.5), 0, len(alike)))
        drawn = alike[_one_per_stratum(mean_age[alike], n_groups, rng)]
        is_drawn[drawn] = True
        wanted -= size[drawn].sum()

    rows = np.empty(len(manifest), bool)
    rows[by_name] = is_drawn[group]
    return rows


def _deal_folds(manifest: pd.DataFrame, n: int, draw: Callable[..., np.ndarray]) -> np.ndarray:
    """The fold of each row (m,), from 1: each fold is drawn, like a part, from what those before it left."""
    folds = np.full(len(manifest), n)
    is_left = np.ones(len(manifest), bool)
    for fold in range(1, n):
        rows = np.flatnonzero(is_left)
        drawn = rows[draw(manifest[is_left], share=1 / (n + 1 - fold))]
        folds[drawn], is_left[drawn] = fold, False
    counts = np.bincount(folds, minlength=n + 1)[1:]
    if not counts.all():
        raise ValueError(
            f"{len(manifest)} photos beside the test part do not fill {n} folds: lower split.folds, add "
            f"photos, or set split.calibration to validation.{_kept_together(manifest[DUPLICATE_GROUP])}"
        )
    return folds


def summarise_split(
    splits: pd.DataFrame, duplicate_groups: pd.Series, people: np.ndarray | None = None
) -> dict[str, Any]:
    """Counts, shares and mean ages of the parts, and what the test part shares with the others.

    Args:
        splits: what `split_faces` returned.
        duplicate_groups: of the same rows.
        people: of the same rows, what `grouping.people_of` returned; None where that is not known.
    """
    summary: dict[str, Any] = {"n": len(splits)}
    parts = [part for part in PARTS if FOLD not in splits or part != VALIDATION]
    for part in parts:
        ages = splits.loc[splits[SPLIT] == part, REAL_AGE]
        summary[part] = {
            "n": len(ages),
            "share": round(len(ages) / len(splits), 4),
            "mean_age": round(float(ages.mean()), 2),
        }
    if FOLD in splits:
        sizes = splits[FOLD].value_counts()
        summary["folds"] = {"n": len(sizes), "smallest": int(sizes.min()), "largest": int(sizes.max())}
    group = duplicate_groups.to_numpy()
    is_test = (splits[SPLIT] == TEST).to_numpy()
    n_parts = splits.groupby(group)[SPLIT].nunique()
    summary["n_groups_straddling"] = int((n_parts > 1).sum())
    # Test photos whose duplicate the model learns from or is chosen by: they flatter the error.
    summary["n_test_photos_known"] = int(np.isin(group[is_test], group[~is_test]).sum())
    if people is not None:
        for part in parts:
            summary[part]["n_people"] = len(np.unique(people[splits[SPLIT] == part]))
        n_parts = splits.groupby(people)[SPLIT].nunique()
        summary["n_people"] = len(n_parts)
        summary["n_people_straddling"] = int((n_parts > 1).sum())
        summary["n_test_people_known"] = len(np.intersect1d(people[is_test], people[~is_test]))
    return summary


def _one_per_stratum(ages: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """The indices of `n` random ages, one of each of `n` runs of neighbours of (nearly) equal length."""
    if n == 0:
        return np.empty(0, int)
    order = np.lexsort((rng.random(len(ages)), ages))
    starts = -(-np.arange(n) * len(ages) // n)
    lengths = np.diff(starts, append=len(ages))
    return order[starts + np.floor(rng.random(n) * lengths).astype(int)]


def _given_parts(manifest: pd.DataFrame) -> np.ndarray:
    """The column `split`, checked."""
    expected = f"it says of each photo {TRAIN} or {TEST}, or {VALIDATION} where you choose those too"
    if SPLIT not in manifest:
        raise ValueError(
            f"split.strategy is column, but labels.csv has no column '{SPLIT}' ({expected}). "
            f"Add it, or set split.strategy to stratified."
        )
    unknown = manifest[~manifest[SPLIT].isin(PARTS)]
    if len(unknown):
        values = shorten_list((repr(value) for value in unknown[SPLIT].unique()), 5)
        raise ValueError(
            f"{len(unknown)} rows of labels.csv have an unknown '{SPLIT}': {values}, first "
            f"{shorten_list(unknown[FILE_NAME][:3])} ({expected}, spelt exactly so)."
        )
    return manifest[SPLIT].to_numpy(object)


def _check_no_person_straddles(
    parts: np.ndarray, people: np.ndarray, names: pd.Series, strategy: Strategy
) -> None:
    table = pd.DataFrame({"part": parts, "name": names.to_numpy()}).groupby(people, sort=False)
    n_parts = table["part"].nunique()
    torn = n_parts.index[n_parts > 1]
    if not len(torn):
        return
    first = [
        f"{_short(rows['name'].iloc[0])} ({', '.join(sorted(rows['part'].unique()))})"
        for _, rows in ((person, table.get_group(person)) for person in torn[:5])
    ]
    remedy = (
        f"Correct the column '{SPLIT}' of labels.csv, or set split.strategy to stratified"
        if strategy == "column"
        else "Set split.strategy to stratified"
    )
    raise ValueError(
        f"split.strategy {strategy} puts {len(torn)} of {len(n_parts)} people of the column "
        f"{_short(names.name)} into more than one part, first {', '.join(first)}: the model would be tested "
        f"on people whom it knows. {remedy}; or empty split.group_column to accept that."
    )


def _check_no_part_is_empty(
    parts: np.ndarray, strategy: Strategy, groups: pd.Series, *, has_validation: bool
) -> None:
    wanted = PARTS if has_validation else (TRAIN, TEST)
    counts = {part: int((parts == part).sum()) for part in wanted}
    empty = [part for part, count in counts.items() if count == 0]
    if not empty:
        return
    remedy = (
        f"fill it in the column '{SPLIT}' of labels.csv"
        if strategy == "column"
        else "add photos, or change split.test_share and split.validation_share"
    )
    found = ", ".join(f"{count} {part}" for part, count in counts.items())
    kept = _kept_together(groups)
    raise ValueError(f"{len(parts)} photos leave no {' and no '.join(empty)} part ({found}): {remedy}.{kept}")


def _kept_together(groups: pd.Series) -> str:
    largest = groups.value_counts().max() if len(groups) else 0
    return f" {largest} of them must stay together (duplicates, or one person)." if largest > 1 else ""


def _short(text: object) -> str:
    return repr(text if len(str(text)) <= 80 else f"{str(text)[:80]}…")
