"""Shares of photos, with exact binomial intervals, and p-values of several tests at once."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

LEVEL = 0.95


def share(n_hits: ArrayLike, n_all: ArrayLike) -> NDArray[np.float64]:
    """`n_hits / n_all`, of the shape they broadcast to; NaN where `n_all` is 0."""
    hits, everything = np.broadcast_arrays(np.asarray(n_hits, dtype=float), np.asarray(n_all, dtype=float))
    return np.divide(hits, everything, out=np.full(hits.shape, np.nan), where=everything > 0)


def exact_interval(
    n_hits: ArrayLike, n_all: ArrayLike, *, level: float = LEVEL
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower and upper end of the exact binomial interval of each share; NaN where `n_all` is 0.

    0 of 10 gives 0 and 1 − 0.025^(1/10) = 0.308. The upper end at level 0.90 is that of the one-sided
    interval at 0.95: 0 of n leaves rates up to 1 − 0.05^(1/n) possible, about 3 / n, the "rule of three".

    Raises:
        ValueError: a count of hits is negative or above its total.

    Source: Clopper & Pearson 1934, "The Use of Confidence or Fiducial Limits Illustrated in the Case of the
    Binomial", Biometrika 26(4); as quantiles of the beta distribution. Rule of three: Hanley & Lippman-Hand
    1983, "If Nothing Goes Wrong, Is Everything All Right?", JAMA 249(13).
    """
    hits, everything = np.broadcast_arrays(np.asarray(n_hits, dtype=float), np.asarray(n_all, dtype=float))
    if np.any((hits < 0) | (hits > everything)):
        raise ValueError("each count of hits must lie between 0 and its total")
    tail = (1 - level) / 2
    # The maxima keep the parameters positive where the end of the interval is known: 0 hits, or all.
    low = betaincinv(np.maximum(hits, 1), everything - hits + 1, tail)
    high = betaincinv(hits + 1, np.maximum(everything - hits, 1), 1 - tail)
    low, high = np.where(hits == 0, 0.0, low), np.where(hits == everything, 1.0, high)
    return np.where(everything == 0, np.nan, low), np.where(everything == 0, np.nan, high)


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """P-values (m,) such that one below 0.05 is a false alarm of ANY of the m tests at most 5 times in 100.

    0.01, 0.04, 0.03 give 0.03 (× 3), 0.06, 0.06 (0.03 × 2; 0.04 × 1 is raised to it). NaN is no test and
    stays.

    Source: Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of
    Statistics 6(2).
    """
    p = np.asarray(p_values, dtype=float)
    corrected = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    rising = known[np.argsort(p[known], kind="stable")]
    factors = np.arange(rising.size, 0, -1)
    corrected[rising] = np.minimum(np.maximum.accumulate(p[rising] * factors), 1)
    return corrected
