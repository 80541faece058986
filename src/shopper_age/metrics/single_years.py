"""Errors and the ID check by single year of true age, around the legal age."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

FIRST_YEAR, LAST_YEAR = 12, 30


def single_year_table(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    thresholds: Sequence[float],
    chosen: float | None,
    is_answered: ArrayLike | None = None,
) -> pd.DataFrame:
    """A row per year of true age from 12 to 30, empty years too.

    Args:
        y_true, y_pred: true and estimated ages, shape (n,), in years; of 17.9 the year is 17.
        thresholds: threshold ages that get a column each.
        chosen: the threshold age that was chosen; None leaves its column empty.
        is_answered: shape (n,), False where the answer is "not sure", which is asked.

    Returns:
        `true_age`, `n`, `asked_at_chosen` and `asked_at_<T>` (shares, 0-1); of the errors, estimated minus
        true age in years, `mae`, `bias` (their mean) and `sd` (standard deviation, of n - 1). NaN where there
        are too few people.
    """
    true, pred = np.asarray(y_true, dtype=float), np.asarray(y_pred, dtype=float)
    answered = np.ones(true.shape, bool) if is_answered is None else np.asarray(is_answered, dtype=bool)
    rows = []
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        of_year = (true >= year) & (true < year + 1)
        estimates, errors = pred[of_year], pred[of_year] - true[of_year]
        unsure = ~answered[of_year]
        rows.append(
            {
                "true_age": year,
                "n": errors.size,
                "asked_at_chosen": _share_asked(estimates, unsure, chosen),
                **{
                    f"asked_at_{threshold:g}": _share_asked(estimates, unsure, threshold)
                    for threshold in thresholds
                },
                **_summary(errors),
            }
        )
    return pd.DataFrame(rows)


def _summary(errors: NDArray[np.float64]) -> dict[str, float]:
    return {
        "mae": float(np.abs(errors).mean()) if errors.size else np.nan,
        "bias": float(errors.mean()) if errors.size else np.nan,
        "sd": float(errors.std(ddof=1)) if errors.size > 1 else np.nan,
    }


def _share_asked(estimates: NDArray[np.float64], unsure: NDArray[np.bool_], threshold: float | None) -> float:
    if threshold is None or not estimates.size:
        return np.nan
    return float(np.mean((estimates < threshold) | unsure))


def errors_of_ages(y_true: ArrayLike, y_pred: ArrayLike, ranges: Sequence[tuple[int, int]]) -> pd.DataFrame:
    """Errors of people whose true age lies in a range of whole years, both ends included; ranges may overlap.

    Returns:
        A row per range: `ages` (such as "13–17", or "18"), `n`, and `mae`, `bias`, `sd` as in
        `single_year_table`.
    """
    true, pred = np.asarray(y_true, dtype=float), np.asarray(y_pred, dtype=float)
    rows = []
    for first, last in ranges:
        in_range = (true >= first) & (true < last + 1)
        errors = pred[in_range] - true[in_range]
        rows.append(
            {
                "ages": f"{first}" if first == last else f"{first}–{last}",
                "n": errors.size,
                **_summary(errors),
            }
        )
    return pd.DataFrame(rows)
