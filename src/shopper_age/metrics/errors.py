"""Errors of estimated ages, in years.

Every function takes true ages before estimates, both of shape (n,), in years. An error is the estimate
minus the true age: positive means estimated too old.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from shopper_age.metrics.bands import DECADES, band_index, band_keys, band_names
from shopper_age.metrics.people import check_people

N_RESAMPLES = 2_000

# Above so many people the bootstrap distribution of a mean is taken from its expansion, if its skewness is
# below the limit: as exact as a million resamples, where 2,000 of 200,000 photos take a second and more.
MANY_PEOPLE = 5_000
_MOST_SKEWED = 0.1

# Photos times resamples that are in memory at once: 16 bytes each.
_BOOTSTRAP_CELLS = 2_000_000


def check_ages(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """True ages and estimates as arrays of shape (n,) that can be compared.

    Raises:
        ValueError: no photo, shapes other than one (n,) for both (an (n, 1) output would silently become
            n × n differences), or a value that is not finite.
    """
    true, pred = np.asarray(y_true, dtype=float), np.asarray(y_pred, dtype=float)
    if true.ndim != 1 or true.shape != pred.shape:
        raise ValueError(
            f"true ages and estimates must share one shape (n,); found {true.shape} and {pred.shape}"
        )
    if true.size == 0:
        raise ValueError("there is no photo to evaluate")
    if n_bad := int(np.count_nonzero(~(np.isfinite(true) & np.isfinite(pred)))):
        raise ValueError(f"{n_bad} of {true.size} true ages or estimates are not finite numbers")
    return true, pred


def errors(y_true: ArrayLike, y_pred: ArrayLike) -> NDArray[np.float64]:
    """Estimate minus true age of each photo, shape (n,), in years; ValueError as from `check_ages`."""
    true, pred = check_ages(y_true, y_pred)
    return pred - true


def mae(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Mean absolute error in years: ages 20, 30, 40 estimated 22, 29, 46 give (2 + 1 + 6) / 3 = 3."""
    return float(np.mean(np.abs(errors(y_true, y_pred))))


def rmse(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Root of the mean squared error in years: 20, 30, 40 as 22, 29, 46 give √((4 + 1 + 36) / 3) = 3.70."""
    return float(np.sqrt(np.mean(np.square(errors(y_true, y_pred)))))


def bias(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Mean error in years: 20, 30, 40 as 22, 29, 46 give (2 − 1 + 6) / 3 = 2.33, that much too old."""
    return float(np.mean(errors(y_true, y_pred)))


def cs5(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Share of photos at most 5 years off, 0–1: ages 20, 30, 40 estimated 25, 30, 46 give 2/3.

    Source: the cumulative score of Geng, Zhou & Smith-Miles 2007, "Automatic Age Estimation Based on
    Facial Aging Patterns", IEEE TPAMI 29(12).
    """
    return float(np.mean(np.abs(errors(y_true, y_pred)) <= 5))


def mae_interval(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    seed: int,
    level: float = 0.95,
    n_resamples: int = N_RESAMPLES,
    people: ArrayLike | None = None,
) -> tuple[float, float]:
    """Bootstrap interval of the MAE, in years: how far it could lie off by the luck of the photos.

    As `mean_interval` of the absolute errors.
    """
    absolute = np.abs(errors(y_true, y_pred))
    return mean_interval(absolute, seed=seed, level=level, n_resamples=n_resamples, people=people)


def mean_interval(
    values: NDArray[np.float64],
    *,
    seed: int,
    level: float = 0.95,
    n_resamples: int = N_RESAMPLES,
    people: ArrayLike | None = None,
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of values, one per photo, shape (n,).

    A single photo, or photos of a single person, say nothing about others: (nan, nan). Above `MANY_PEOPLE`
    nothing is drawn by `seed` unless a few values outweigh all others: the quantiles of the bootstrap
    distribution are known well, and where people have several photos it is close to a normal one.

    Args:
        people: of the photos, as in `metrics.people`: whole people are drawn, with all their photos.

    Source: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13; for people Davison &
    Hinkley 1997, "Bootstrap Methods and their Application", section 3.8. For many: Hall 1992, "The Bootstrap
    and Edgeworth Expansion", section 3.3; the normal interval of a ratio of two sums: Cochran 1977, "Sampling
    Techniques", section 6.4.
    """
    person = check_people(people, values.size)
    n_photos = np.bincount(person)
    if n_photos.size == 1:
        return float("nan"), float("nan")
    totals = np.bincount(person, weights=values)
    is_even = bool(np.all(n_photos == 1))
    if n_photos.size > MANY_PEOPLE:
        known = _expanded_interval(values, level) if is_even else _normal_interval(totals, n_photos, level)
        if known is not None:
            return known
    interval = stats.bootstrap(
        (totals,) if is_even else (totals, n_photos),
        np.mean if is_even else _ratio,
        paired=True,
        n_resamples=n_resamples,
        batch=max(1, _BOOTSTRAP_CELLS // n_photos.size),
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(interval.low), float(interval.high)


def _ratio(totals: NDArray[Any], counts: NDArray[Any], axis: int = -1) -> NDArray[Any]:
    return np.asarray(totals.sum(axis=axis) / counts.sum(axis=axis))


def _normal_interval(totals: NDArray[Any], counts: NDArray[Any], level: float) -> tuple[float, float]:
    """The interval of the mean of photos of many people, with each one's sum and number of photos."""
    n_photos = counts.sum()
    mean = totals.sum() / n_photos
    se = np.sqrt(np.sum((totals - mean * counts) ** 2)) / n_photos
    low, high = stats.norm.interval(level, mean, se)
    return float(low), float(high)


def _expanded_interval(values: NDArray[np.float64], level: float) -> tuple[float, float] | None:
    """The interval by the Cornish-Fisher expansion to the skewness of the mean; None where that is large."""
    mean, sd = values.mean(), values.std()
    if sd == 0:
        return float(mean), float(mean)
    skewness = np.mean(((values - mean) / sd) ** 3) / np.sqrt(values.size)
    if not abs(skewness) < _MOST_SKEWED:
        return None
    z = stats.norm.ppf((1 - level) / 2)
    shift, reach = skewness * (z**2 - 1) / 6, abs(z)
    low, high = mean + sd / np.sqrt(values.size) * (shift + np.array([-reach, reach]))
    return float(low), float(high)


def rank_by_error(errors: ArrayLike) -> NDArray[np.int64]:
    """Indices of errors, shape (n,), the largest absolute one first; equal ones keep their order."""
    return np.argsort(-np.abs(errors), kind="stable")


def errors_by_band(y_true: ArrayLike, y_pred: ArrayLike, *, edges: Sequence[int] = DECADES) -> pd.DataFrame:
    """One row per band of TRUE age: `age_band`, `n`, `mae` and `bias` in years (NaN without photos)."""
    difference = errors(y_true, y_pred)
    band = pd.Categorical.from_codes(band_index(y_true, edges), band_names(edges))
    rows = pd.DataFrame({"age_band": band, "error": difference, "absolute": np.abs(difference)})
    grouped = rows.groupby("age_band", observed=False)
    table = grouped.agg(n=("error", "size"), mae=("absolute", "mean"), bias=("error", "mean")).reset_index()
    return table.astype({"age_band": str})


def baseline_mae(y_true: ArrayLike, train_ages: ArrayLike) -> float:
    """MAE in years of the best answer without looking: the median TRAINING age for every test photo.

    Test ages 20, 30, 40 and training ages 10, 30, 80 (median 30) give (10 + 0 + 10) / 3 = 6.67.

    Raises:
        ValueError: there are no training ages.
    """
    train = np.asarray(train_ages, dtype=float)
    if train.size == 0:
        raise ValueError("the baseline needs the ages of the training photos; there are none")
    return mae(y_true, np.full(np.shape(y_true), np.median(train)))


def summarise(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    train_ages: ArrayLike,
    max_mae: float,
    seed: int,
    people: ArrayLike | None = None,
) -> dict[str, float | int | bool]:
    """The metrics of this module as one flat dictionary for `metrics.json`.

    Years are rounded to 4 decimals. A metric that cannot be computed (the band holds no photo, the interval
    of one photo) is left out rather than filled with a number. `n_test_people` is there where `people`, as in
    `metrics.people`, are known.
    """
    low, high = mae_interval(y_true, y_pred, seed=seed, people=people)
    overall = mae(y_true, y_pred)
    metrics = {
        "mae": overall,
        "mae_low": low,
        "mae_high": high,
        "rmse": rmse(y_true, y_pred),
        "bias": bias(y_true, y_pred),
        "cs5": cs5(y_true, y_pred),
        "baseline_mae": baseline_mae(y_true, train_ages),
    }
    bands = errors_by_band(y_true, y_pred).assign(key=band_keys(DECADES))
    for name in ("mae", "bias"):
        metrics |= {f"{name}_age_{key}": years for key, years in zip(bands["key"], bands[name], strict=True)}
    return {
        "n_test": int(np.size(y_true)),
        **({} if people is None else {"n_test_people": int(np.unique(np.asarray(people)).size)}),
        **{name: round(float(years), 4) for name, years in metrics.items() if np.isfinite(years)},
        "meets_requirement": overall <= max_mae,
    }


def label_issues(
    file_names: Iterable[str],
    y_true: ArrayLike,
    y_pred: ArrayLike,
    age_sd: ArrayLike | None = None,
    *,
    n_rows: int = 30,
) -> pd.DataFrame:
    """The labels that the model contradicts most, for a person to check: wrong labels gather here.

    Args:
        age_sd: standard deviation of each photo's age distribution, shape (n,), in years above 0; without it
            every estimate counts as equally certain.

    Returns:
        At most `n_rows` rows, the most suspicious first: `file_name`, `real_age`, `predicted_age`, `error`
        (years) and `standardized_error`, the absolute error in standard deviations.

    Raises:
        ValueError: there is not one standard deviation above 0 per photo.
    """
    difference = errors(y_true, y_pred)
    sd = np.ones(difference.size) if age_sd is None else np.asarray(age_sd, dtype=float)
    if sd.shape != difference.shape or not np.all(sd > 0):
        raise ValueError(f"a standard deviation above 0 is needed for each of {difference.size} photos")
    table = pd.DataFrame(
        {
            "file_name": list(file_names),
            "real_age": np.asarray(y_true),
            "predicted_age": np.asarray(y_pred),
            "error": difference,
            "standardized_error": np.abs(difference) / sd,
        }
    )
    ranked = table.sort_values("standardized_error", ascending=False, kind="stable")
    return ranked.head(n_rows).reset_index(drop=True)
