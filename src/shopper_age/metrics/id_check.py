"""ID check: false positive and ID-request rates by threshold.

Two rules: ask when the estimated age is below a threshold age, as in "Challenge 25", or ask when the
probability of being under age is above a limit. A table of rates is computed once per rule and part; the
threshold is chosen on the validation part's table (`metrics.guarantee`) and measured on the test part's.

Minors are people from `minors_from`, the youngest who try to buy, to below `legal_age`. Younger children
stand apart: nobody would serve them, and counted as minors they would flatter every rate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from shopper_age.metrics.bands import band_names
from shopper_age.metrics.proportions import exact_interval, share

FALSE_POSITIVE_RATE = "false_positive_rate"

ID_REQUEST_RATE = "id_request_rate"

MINORS = "minors"

YOUNGER = "younger children"

ALL_ADULTS = "all adults"

OLDEST_THRESHOLD_AGE = 50

# The threshold ages every report shows: the usual legal ages, Challenge 25, and 30 for comparison.
SHOWN_THRESHOLD_AGES = (18, 21, 25, 30)

# Probabilities are compared with every percent, and below 1 %, where a strict limit lies, more finely.
PROBABILITY_LIMITS = tuple(np.concatenate([np.arange(99, 0, -1) / 100, np.arange(9, -1, -1) / 1000]).tolist())


@dataclass(frozen=True)
class ThresholdRates:
    """What a threshold does to some people: counts, and rates from 0 to 1, NaN where there is nobody."""

    n_minors: int
    n_passed: int  # minors who are not asked
    false_positive_rate: float
    # Its exact 95 % interval, and the ends of its exact one-sided ones: what the minors do not rule out.
    low: float
    high: float
    lower_bound: float
    upper_bound: float
    n_adults: int
    id_request_rate: float


def rates_by_threshold_age(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    legal_age: int,
    minors_from: int = 0,
    is_answered: ArrayLike | None = None,
    oldest: int = OLDEST_THRESHOLD_AGE,
) -> pd.DataFrame:
    """Rates of "ask when the estimate is below T", for T from the legal age to `oldest` in whole years.

    Args:
        y_true: true ages, shape (n,), in years.
        y_pred: estimated ages, shape (n,), in years; an estimate of exactly T is not asked.
        minors_from: age of the youngest minors, in years.
        is_answered: shape (n,), False where the answer is "not sure", which is asked whatever T is.

    Returns:
        A row per T and group of true age, laxest T first: `threshold`, `measure` (false_positive_rate of
        minors, who pass unasked, or id_request_rate of adults), `group`, `n`, `n_hits`, `rate` with its 95 %
        Clopper–Pearson interval `low`, `high`. Where `n` is 0 the last three are NaN.

    Raises:
        ValueError: the shapes differ, or a value is not finite.
    """
    thresholds = np.arange(legal_age, max(oldest, legal_age) + 1)
    score = _asked_where_unsure(y_pred, is_answered)
    return _rates(y_true, score, thresholds, thresholds.astype(float), _groups(legal_age, minors_from))


def rates_by_probability_limit(
    y_true: ArrayLike,
    p_minor: ArrayLike,
    *,
    legal_age: int,
    minors_from: int = 0,
    is_answered: ArrayLike | None = None,
    limits: Sequence[float] = PROBABILITY_LIMITS,
) -> pd.DataFrame:
    """Rates of "ask when the probability of being under age is above a limit"; table as for threshold ages.

    Args:
        p_minor: probability of being under age (0-1), shape (n,); one of exactly the limit is not asked.
        minors_from, is_answered: as for threshold ages.
        limits: falling, so that the laxest comes first here too.
    """
    score = _asked_where_unsure(-np.asarray(p_minor, dtype=float), is_answered)
    return _rates(y_true, score, limits, -np.asarray(limits), _groups(legal_age, minors_from))


def choose_threshold(rates: pd.DataFrame, *, max_false_positive_rate: float) -> float | None:
    """The laxest threshold of a table whose false positive rate over the minors is at most the given one.

    For threshold ages that is the smallest, for probability limits the largest. None when no threshold is
    strict enough, or when there are no minors to choose it by.
    """
    minors = rates[rates["group"] == MINORS]
    good = minors.loc[minors["rate"] <= max_false_positive_rate, "threshold"]
    return None if good.empty else good.iloc[0].item()


def rates_at(rates: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """The groups' rates at one threshold of the table, indexed by `group`.

    Raises:
        ValueError: the table has no such threshold.
    """
    rows = rates[np.isclose(rates["threshold"], threshold)]
    if rows.empty:
        raise ValueError(f"the table of rates has no threshold {threshold}")
    return rows.set_index("group")


def rates_of_threshold(rates: pd.DataFrame, threshold: float) -> ThresholdRates:
    """What one threshold of the table does, over the minors and all adults.

    Raises:
        ValueError: the table has no such threshold.
    """
    at = rates_at(rates, threshold)
    minors, adults = at.loc[MINORS], at.loc[ALL_ADULTS]
    # 5 % at either end, of which one counts.
    lower_bound, upper_bound = exact_interval(minors["n_hits"], minors["n"], level=0.90)
    return ThresholdRates(
        n_minors=int(minors["n"]),
        n_passed=int(minors["n_hits"]),
        false_positive_rate=float(minors["rate"]),
        low=float(minors["low"]),
        high=float(minors["high"]),
        lower_bound=float(lower_bound),
        upper_bound=float(upper_bound),
        n_adults=int(adults["n"]),
        id_request_rate=float(adults["rate"]),
    )


def trade_off(rates: pd.DataFrame) -> pd.DataFrame:
    """What strictness costs, a row per threshold: `threshold`, `id_request_rate` of all adults and
    `false_positive_rate` of the minors.
    """
    wide = rates.pivot(index="threshold", columns="group", values="rate")
    curve = wide[[ALL_ADULTS, MINORS]].set_axis([ID_REQUEST_RATE, FALSE_POSITIVE_RATE], axis=1)
    return curve.loc[rates["threshold"].unique()].reset_index()


@dataclass(frozen=True)
class _Group:
    first: float
    end: float  # exclusive
    is_under_age: bool


def _rates(
    y_true: ArrayLike,
    score: ArrayLike,
    names: ArrayLike,
    cuts: NDArray[np.float64],
    groups: Mapping[str, _Group],
) -> pd.DataFrame:
    """Rates of "ask when the score is below the cut"; `names` are what the table calls the cuts."""
    true, score = np.asarray(y_true, dtype=float), np.asarray(score, dtype=float)
    if true.ndim != 1 or true.shape != score.shape:
        raise ValueError(
            f"true ages and estimates must share one shape (n,); found {true.shape}, {score.shape}"
        )
    if not np.isfinite(true).all() or np.isnan(score).any() or np.isposinf(score).any():
        raise ValueError("true ages and estimates must be finite numbers")
    tables = []
    for name, group in groups.items():
        scores = np.sort(score[(true >= group.first) & (true < group.end)])
        n_asked = np.searchsorted(scores, cuts, side="left")
        n_hits = scores.size - n_asked if group.is_under_age else n_asked
        low, high = exact_interval(n_hits, scores.size)
        columns = {
            "threshold": names,
            "measure": FALSE_POSITIVE_RATE if group.is_under_age else ID_REQUEST_RATE,
            "group": name,
            "n": scores.size,
            "n_hits": n_hits,
            "rate": share(n_hits, scores.size),
            "low": low,
            "high": high,
        }
        tables.append(pd.DataFrame(columns))
    position = np.tile(np.arange(len(cuts)), len(tables))
    return pd.concat(tables).iloc[np.argsort(position, kind="stable")].reset_index(drop=True)


def _asked_where_unsure(score: ArrayLike, is_answered: ArrayLike | None) -> NDArray[np.float64]:
    """Scores of which those without an answer lie below every cut.

    Raises:
        ValueError: a score is not finite, or there is not one answer per score.
    """
    scores = np.asarray(score, dtype=float)
    if not np.isfinite(scores).all():
        raise ValueError("true ages and estimates must be finite numbers")
    if is_answered is None:
        return scores
    answered = np.asarray(is_answered, dtype=bool)
    if answered.shape != scores.shape:
        raise ValueError(f"expected {scores.shape} answers, found {answered.shape}")
    return np.where(answered, scores, -np.inf)


def _groups(legal_age: int, minors_from: int) -> dict[str, _Group]:
    """The groups of true age, by name."""
    if not 0 <= minors_from < legal_age:
        raise ValueError(f"minors_from must lie below the legal age {legal_age}, found {minors_from}")
    edges = [legal_age, *(year for year in (25, 30, 40) if year > legal_age)]
    adults = zip(band_names([0, *edges])[1:], [*pairwise(edges), (edges[-1], np.inf)], strict=True)
    return {
        MINORS: _Group(minors_from, legal_age, True),
        f"{legal_age - 1}": _Group(legal_age - 1, legal_age, True),
        **({YOUNGER: _Group(-np.inf, minors_from, True)} if minors_from else {}),
        ALL_ADULTS: _Group(legal_age, np.inf, False),
        **{name: _Group(first, end, False) for name, (first, end) in adults},
    }
