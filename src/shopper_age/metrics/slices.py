"""Errors by slice of the data."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from shopper_age.metrics.errors import errors, mae_interval

# Fewer photos than this say little: their slice is marked.
SMALL_SLICE = 30

# The commonest values of a column get a slice each, the others share one.
MAX_VALUES = 12

BLANK = "(blank)"


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


def slice_errors(
    y_true: ArrayLike, y_pred: ArrayLike, attributes: pd.DataFrame, *, seed: int
) -> pd.DataFrame:
    """Errors by every attribute of the photos.

    Args:
        attributes: n rows in the order of the ages; a column of text or numbers per attribute.
        seed: of the bootstrap.

    Returns:
        One row per slice, in the order of `slices_of`: `column`, `value`, `n`, `mae` with its 95 % bootstrap
        interval `mae_low`, `mae_high` (NaN for one photo), `bias` (years) and `is_small` (too few photos to
        judge by).

    Raises:
        ValueError: there is not one row per age.
    """
    true, pred, difference = np.asarray(y_true), np.asarray(y_pred), errors(y_true, y_pred)
    if len(attributes) != len(difference):
        raise ValueError(
            f"expected a row of attributes for each of {len(difference)} photos; found {len(attributes)}"
        )
    rows = []
    for name, column in attributes.items():
        slices = slices_of(column)
        for code, value in enumerate(slices.categories):
            chosen = slices.codes == code
            low, high = mae_interval(true[chosen], pred[chosen], seed=seed)
            n = int(chosen.sum())
            rows.append(
                {
                    "column": name,
                    "value": value,
                    "n": n,
                    "mae": np.abs(difference[chosen]).mean(),
                    "mae_low": low,
                    "mae_high": high,
                    "bias": difference[chosen].mean(),
                    "is_small": n < SMALL_SLICE,
                }
            )
    columns = ["column", "value", "n", "mae", "mae_low", "mae_high", "bias", "is_small"]
    return pd.DataFrame(rows, columns=columns)
