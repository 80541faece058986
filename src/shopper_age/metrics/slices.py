"""Errors by slice of the data: by one column, or by two of them crossed."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from shopper_age.metrics.errors import errors, mae_interval
from shopper_age.metrics.people import check_people, count_people, person_means
from shopper_age.metrics.proportions import holm

# Fewer people than this say little: their slice is marked.
SMALL_SLICE = 30

# The commonest values of a column get a slice each, the others share one.
MAX_VALUES = 12

# Columns with more values have too few photos in each cell of a pair.
MAX_PAIRED_VALUES = 6

# Pairs that are looked at; nine columns make 36.
MAX_PAIRS = 30

BLANK = "(blank)"

CROSS = " × "

COLUMNS = [
    "column",
    "value",
    "is_pair",
    "n",
    "n_people",
    "mae",
    "mae_low",
    "mae_high",
    "bias",
    "is_small",
    "mae_expected",
    "p_worse",
]


def slices_of(column: pd.Series) -> pd.Categorical:
    """The slice each row belongs to: its value, its quarter of the numbers, "other" or "(blank)".

    A column whose filled cells are all numbers, with more than `MAX_VALUES` distinct ones, is cut at its
    quartiles. Of other columns the `MAX_VALUES` commonest values stay and the rest is pooled. Numbers come in
    rising order, other values by their count, pooled and blank cells last.
    """
    text = column.astype(str).str.strip()
    is_blank = column.isna() | (text == "")
    numbers = pd.to_numeric(text.mask(is_blank), errors="coerce").replace([np.inf, -np.inf], np.nan)
    is_numeric = bool((numbers.notna() | is_blank).all())
    if is_numeric and numbers.nunique() > MAX_VALUES:
        text, order = _quarters(numbers)
    else:
        by_count = text[~is_blank].value_counts().index.to_list()
        order, rare = by_count[:MAX_VALUES], by_count[MAX_VALUES:]
        if is_numeric:
            order.sort(key=float)
        if rare:
            order.append(f"other ({len(rare)} values)")
            text = text.mask(text.isin(rare), order[-1])
    # A cell may hold the very word, and categories must differ.
    categories = list(dict.fromkeys([*order, BLANK]))
    return pd.Categorical(text.mask(is_blank, BLANK), categories).remove_unused_categories()


def _quarters(numbers: pd.Series) -> tuple[pd.Series, list[str]]:
    quarters = pd.qcut(numbers, 4, labels=False, duplicates="drop")
    spec = ".0f" if (numbers.dropna() % 1 == 0).all() else ".4g"
    ranges = numbers.groupby(quarters).agg(["min", "max"])
    names = [
        f"Q{number}: {low:{spec}} to {high:{spec}}" for number, (low, high) in enumerate(ranges.to_numpy(), 1)
    ]
    return quarters.map(dict(zip(ranges.index, names, strict=True))), names


@dataclass(frozen=True)
class Slicing:
    """The slices of n photos by one column, or by two of them crossed."""

    column: str  # "sex", or of a pair "sex × shop"
    slices: pd.Categorical  # of each photo: "f", or of a pair "f × A"
    n_values: int  # different ones that the column holds, blank not counted; of a pair, its slices
    pair: tuple[str, str] | None = None  # the columns of a pair


def single_slicings(attributes: pd.DataFrame) -> list[Slicing]:
    """The slices by each column, as `slices_of` cuts it."""
    slicings = []
    for name, column in attributes.items():
        text = column.astype(str).str.strip()
        n_values = text[column.notna() & (text != "")].nunique()
        slicings.append(Slicing(str(name), slices_of(column), n_values))
    return slicings


def crossed_slicings(singles: Sequence[Slicing]) -> list[Slicing]:
    """The slices by each pair of columns with 2 to `MAX_PAIRED_VALUES` values, pairs in the columns' order.

    A pair is left out where one of its columns settles the other, such as a town its country: its slices are
    those of one column. A blank cell makes slices, too, but is no value.
    """
    few = [single for single in singles if 2 <= single.n_values <= MAX_PAIRED_VALUES]
    crossed = []
    for first, second in combinations(few, 2):
        n_second = len(second.slices.categories)
        cells, codes = np.unique(
            first.slices.codes.astype(int) * n_second + second.slices.codes, return_inverse=True
        )
        if len(cells) <= max(len(first.slices.categories), n_second):
            continue
        values = [
            (str(first.slices.categories[cell // n_second]), str(second.slices.categories[cell % n_second]))
            for cell in cells
        ]
        names = [CROSS.join(value) for value in values]
        if len(set(names)) < len(names):  # values that hold the sign themselves
            names = [CROSS.join(map(repr, value)) for value in values]
        crossed.append(
            Slicing(
                CROSS.join((first.column, second.column)),
                pd.Categorical.from_codes(codes, names),
                len(names),
                (first.column, second.column),
            )
        )
    return crossed


def slice_errors(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    slicings: Sequence[Slicing],
    *,
    seed: int,
    people: ArrayLike | None = None,
) -> pd.DataFrame:
    """Errors by every slice of the photos.

    Args:
        slicings: of the photos, in the order of the ages; single columns before the pairs made of them.
        seed: of the bootstrap.
        people: of the photos, as in `metrics.people`.

    Returns:
        One row per slice, in the order of its column: `column`, `value`, `is_pair`, `n` (photos), `n_people`
        (the photos' number where people are not known), `mae` with its 95 % bootstrap interval `mae_low`,
        `mae_high` (NaN for one person), `bias` (years), `is_small` (too few people to judge by), and for
        pairs `mae_expected`, the MAE (years) that its two columns alone let expect, and `p_worse`, the
        probability of so high an MAE if that were the true one, Holm-corrected over the pairs' slices (NaN
        for small ones).

        `mae_expected` is the sum of the MAE of the two slices less that of all, as if both added up, or the
        larger of the two where that is more. With 5.0 over all, 6.0 for women and 7.0 in shop A, women in
        shop A are expected to be 8.0 off.

    Raises:
        ValueError: there is not one slice per age.
    """
    true, pred, difference = np.asarray(y_true), np.asarray(y_pred), errors(y_true, y_pred)
    absolute, person = np.abs(difference), check_people(people, difference.size)
    singles = {slicing.column: slicing.slices for slicing in slicings if slicing.pair is None}
    mae_of: dict[tuple[str, str], float] = {}
    rows: list[dict[str, Any]] = []
    for slicing in slicings:
        if len(slicing.slices) != len(difference):
            raise ValueError(
                f"expected a row of attributes for each of {len(difference)} photos; "
                f"found {len(slicing.slices)}"
            )
        for code, value in enumerate(slicing.slices.categories):
            chosen = slicing.slices.codes == code
            low, high = mae_interval(true[chosen], pred[chosen], seed=seed, people=person[chosen])
            n_people = count_people(person, chosen)
            row = {
                "column": slicing.column,
                "value": value,
                "is_pair": slicing.pair is not None,
                "n": int(chosen.sum()),
                "n_people": n_people,
                "mae": absolute[chosen].mean(),
                "mae_low": low,
                "mae_high": high,
                "bias": difference[chosen].mean(),
                "is_small": n_people < SMALL_SLICE,
                "mae_expected": np.nan,
                "p_worse": np.nan,
            }
            if slicing.pair is None:
                mae_of[slicing.column, value] = row["mae"]
            else:
                a_photo = np.flatnonzero(chosen)[0]
                of_columns = [mae_of[name, singles[name][a_photo]] for name in slicing.pair]
                row["mae_expected"] = max(*of_columns, sum(of_columns) - absolute.mean())
                if not row["is_small"]:
                    row["p_worse"] = _p_above(absolute[chosen], person[chosen], row["mae_expected"])
            rows.append(row)
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["p_worse"] = holm(table["p_worse"])
    return table


def _p_above(values: NDArray[np.float64], people: NDArray[np.int64], expected: float) -> float:
    """One-sided p of the people's means against an expected mean; 0 or 1 where they do not vary."""
    means = person_means(values, people)
    if np.ptp(means) == 0:
        return float(means[0] <= expected)
    return float(stats.ttest_1samp(means, expected, alternative="greater").pvalue)
