"""Conformal prediction intervals for ages (split-conformal, Mondrian).

Split-conformal: the intervals are as wide as the errors on photos the model did not learn from (the
validation part) demand, whatever the model, as long as later photos are of the same kind.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from shopper_age.metrics.bands import band_index, band_names, check_edges
from shopper_age.metrics.interval_rule import IntervalRule, check_estimates
from shopper_age.metrics.people import share_interval, share_intervals
from shopper_age.metrics.proportions import share

ALL_AGES = "all ages"


@dataclass(frozen=True)
class Abstention:
    """What it brings to answer some photos with "not sure"; NaN where there is no photo to tell it from.

    Source: selective prediction, El-Yaniv & Wiener 2010, "On the Foundations of Noise-free Selective
    Classification", JMLR 11.
    """

    n: int
    n_answered: int
    rate: float  # share of photos without an answer, 0–1
    mae_answered: float  # years
    mae_abstained: float  # years


def fit_intervals(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    difficulty: ArrayLike | None = None,
    *,
    level: float,
    edges: Sequence[int] = (0,),
) -> IntervalRule:
    """The rule whose intervals hold the true age of at least a share `level` of photos like these.

    Args:
        y_true, y_pred: true and estimated ages of the validation part, shape (n,), in years.
        difficulty: how uncertain each estimate is, shape (n,), positive, such as the standard
            deviation of its distribution; without it all intervals of a band have one width.
        level: share between 0 and 1.
        edges: bands of the estimate that get a quantile each ("Mondrian"), so that `level` holds in each. A
            band too small for its own, below about 1 / (1 − level) photos, takes the quantile of all photos.

    Raises:
        ValueError: the shapes differ, or values are not finite, or a difficulty is not positive.

    Source: Papadopoulos et al. 2002, "Inductive Confidence Machines for Regression"; Boström, Johansson &
    Löfström 2021, "Mondrian conformal predictive distributions".
    """
    check_edges(edges)
    pred, scale = check_estimates(y_pred, difficulty)
    true = np.asarray(y_true, dtype=float)
    if true.shape != pred.shape or not np.isfinite(true).all():
        raise ValueError(
            f"true ages and estimates must be finite and share one shape (n,), found {true.shape}"
        )
    scores = np.abs(true - pred) / scale
    bands = band_index(pred, edges)
    of_all = conformal_quantile(scores, level)
    quantiles, n_photos = [], []
    for band in range(len(edges)):
        quantile = conformal_quantile(scores[bands == band], level)
        quantiles.append(of_all if quantile is None else quantile)
        n_photos.append(int(np.count_nonzero(bands == band)) if quantile is not None else true.size)
    return IntervalRule(level, difficulty is not None, tuple(edges), tuple(quantiles), tuple(n_photos))


def conformal_rank(n_photos: int, level: float) -> int:
    """⌈(n + 1) · level⌉: the rank, from 1, of the score that is the conformal quantile of n scores.

    9 photos at 0.9 give 9, the largest. A rank above `n_photos` says that there are too few for the level.
    """
    # The product may end a rounding error above a whole number, which would take the next larger score.
    return math.ceil((n_photos + 1) * level - 1e-9)


def conformal_quantile(scores: ArrayLike, level: float) -> float | None:
    """The score that a new photo's stays at or below with probability `level`; None of too few photos.

    Args:
        scores: |true age − estimate| / difficulty of each calibration photo, shape (n,).

    Source: Angelopoulos & Bates 2021, "A Gentle Introduction to Conformal Prediction and Distribution-Free
    Uncertainty Quantification", section 1.
    """
    scores = np.sort(np.asarray(scores, dtype=float))
    rank = conformal_rank(scores.size, level)
    return float(scores[rank - 1]) if rank <= scores.size else None


def coverage_table(
    y_true: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    *,
    edges: Sequence[int],
    people: ArrayLike | None = None,
) -> pd.DataFrame:
    """How often intervals hold the true age, over all and per band of TRUE age.

    Returns:
        Rows "all ages" and one per band: `age_band`, `n`, `coverage` (share of intervals that hold the true
        age, ends included) with its 95 % Clopper–Pearson interval `coverage_low`, `coverage_high` (of people
        as in `people.share_intervals`), and `mean_width` in years. NaN in bands without photos.
    """
    true, low, high = (np.asarray(values, dtype=float) for values in (y_true, low, high))
    is_held, width = (low <= true) & (true <= high), high - low
    n_bands = len(edges)
    bands = band_index(true, edges)
    n = np.bincount(bands, minlength=n_bands)
    n_held = np.bincount(bands, weights=is_held, minlength=n_bands)
    widths = np.bincount(bands, weights=width, minlength=n_bands)
    n, n_held, widths = (np.concatenate([[values.sum()], values]) for values in (n, n_held, widths))
    coverage_low, coverage_high = (
        np.append(of_all, of_bands)
        for of_all, of_bands in zip(
            share_interval(is_held, people),
            share_intervals(is_held, bands, n_bands, people),
            strict=True,
        )
    )
    return pd.DataFrame(
        {
            "age_band": [ALL_AGES, *band_names(edges)],
            "n": n,
            "coverage": share(n_held, n),
            "coverage_low": coverage_low,
            "coverage_high": coverage_high,
            "mean_width": share(widths, n),
        }
    )


def abstention(y_true: ArrayLike, y_pred: ArrayLike, is_answered: ArrayLike) -> Abstention:
    """What it brings to answer "not sure" where `is_answered`, shape (n,), is False."""
    absolute = np.abs(np.asarray(y_pred, dtype=float) - np.asarray(y_true, dtype=float))
    answered = np.asarray(is_answered, dtype=bool)
    return Abstention(
        n=absolute.size,
        n_answered=int(answered.sum()),
        rate=float(np.mean(~answered)) if absolute.size else math.nan,
        mae_answered=float(absolute[answered].mean()) if answered.any() else math.nan,
        mae_abstained=float(absolute[~answered].mean()) if not answered.all() else math.nan,
    )
