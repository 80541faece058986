"""Usefulness of estimates: better than always the median age, and rising with the true age."""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from shopper_age.metrics.errors import errors, mean_interval
from shopper_age.metrics.people import check_people

# Fewer photos, or people where they are known, than this decide nothing about a model.
MIN_PHOTOS = 30


def mae_minus_baseline(
    y_true: ArrayLike, y_pred: ArrayLike, *, train_ages: ArrayLike, seed: int, people: ArrayLike | None = None
) -> tuple[float, float, float]:
    """The MAE less that of always the median training age, in years, with its 95 % interval.

    Both err on the same photos, so the interval is that of the paired difference; below 0 the model is
    better.
    True ages 20 and 40, estimated 21 and 38, with the median 30: (1 + 2) / 2 − (10 + 10) / 2 = −8.5. The
    interval of one photo is NaN.
    """
    median = np.full(np.shape(y_true), np.median(np.asarray(train_ages, dtype=float)))
    difference = np.abs(errors(y_true, y_pred)) - np.abs(errors(y_true, median))
    return (float(difference.mean()), *mean_interval(difference, seed=seed, people=people))


def rank_correlation(
    y_true: ArrayLike, y_pred: ArrayLike, people: ArrayLike | None = None
) -> tuple[float, float]:
    """Spearman's correlation of estimate and true age (−1 to 1), and the lower end of its 95 % interval.

    0 and −1 where all estimates or all true ages are equal, or there are fewer than four people: nothing
    shows that estimates rise with age. Estimates of 20, 30, 40 and 50 in their right order give 1.

    Source: Fieller, Hartley & Pearson 1957, "Tests for Rank Correlation Coefficients. I", Biometrika 44:
        Fisher's transform of Spearman's coefficient has the variance 1.06 / (n − 3).
    """
    true, pred = np.asarray(y_true, dtype=float), np.asarray(y_pred, dtype=float)
    n_people = np.unique(check_people(people, true.size)).size
    if n_people < 4 or np.ptp(true) == 0 or np.ptp(pred) == 0:
        return 0.0, -1.0
    rho = float(stats.spearmanr(true, pred).statistic)
    nearly = np.clip(rho, -1 + 1e-12, 1 - 1e-12)  # the transform of 1 is infinite
    return rho, float(np.tanh(np.arctanh(nearly) - 1.96 * math.sqrt(1.06 / (n_people - 3))))


def summarise_usefulness(
    y_true: ArrayLike, y_pred: ArrayLike, *, train_ages: ArrayLike, seed: int, people: ArrayLike | None = None
) -> dict[str, float | bool]:
    """The metrics of this module as one flat dictionary for `metrics.json`, rounded to 4 decimals.

    `is_useful`: there are photos of at least `MIN_PHOTOS` people, the model is better than the median age by
    its whole interval, and its estimates rise with age by theirs.
    """
    difference, low, high = mae_minus_baseline(
        y_true, y_pred, train_ages=train_ages, seed=seed, people=people
    )
    rho, rho_low = rank_correlation(y_true, y_pred, people)
    n_people = np.unique(check_people(people, np.size(y_true))).size
    metrics = {
        "mae_minus_baseline": difference,
        "mae_minus_baseline_low": low,
        "mae_minus_baseline_high": high,
        "rank_correlation": rho,
        "rank_correlation_low": rho_low,
    }
    return {
        **{name: round(value, 4) for name, value in metrics.items() if np.isfinite(value)},
        "is_useful": bool(n_people >= MIN_PHOTOS and high < 0 and rho_low > 0),
    }
