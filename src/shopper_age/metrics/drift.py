"""Shifts between two samples of a number: population stability index and Kolmogorov-Smirnov test."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from shopper_age.metrics.proportions import LEVEL, holm

N_BINS = 10

# Bins with fewer expected values make a chi-square, and so the index, unreliable.
# Source: Cochran 1954, "Some Methods for Strengthening the Common χ² Tests", Biometrics 10(4).
MIN_SAMPLE = 5 * N_BINS

# Below the first mark a population counts as stable, from the second on as another one.
# Source: Siddiqi 2006, "Credit Risk Scorecards", Wiley, on the system stability report.
MODERATE_INDEX, LARGE_INDEX = 0.1, 0.25

COLUMNS = [
    "quantity",
    "n_reference",
    "n_recent",
    "median_reference",
    "median_recent",
    "iqr_reference",
    "iqr_recent",
    "psi",
    "psi_by_chance",
    "ks_distance",
    "ks_p_value",
]


def bin_edges(reference: ArrayLike, n_bins: int = N_BINS) -> NDArray[np.float64]:
    """The inner edges of bins that hold equal shares of a sample; a bin begins at its lower edge.

    A value that several quantiles fall on gets a bin of its own, so that what lies below it is told from what
    lies above: 1, 5, 5, 5, 5, 9 in three bins is cut into below 5, 5, and above 5.
    """
    quantiles = np.quantile(np.asarray(reference, dtype=float), np.arange(1, n_bins) / n_bins)
    edges, counts = np.unique(quantiles, return_counts=True)
    return np.unique(np.concatenate([edges, np.nextafter(edges[counts > 1], np.inf)]))


def bin_counts(values: ArrayLike, edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many values fall into each of the `len(edges) + 1` bins."""
    return np.bincount(
        np.searchsorted(edges, np.asarray(values, dtype=float), "right"), minlength=len(edges) + 1
    )


def stability_index(reference_counts: ArrayLike, recent_counts: ArrayLike) -> float:
    """The population stability index of two samples by their counts in the same bins; 0 = equal shares.

    With the shares r and a of the bins it is the sum of (a − r) · ln(a / r). Half a value is added to each
    bin, or an empty one would make it infinite: 10, 10 and 20, 0 are taken for 10.5, 10.5 and 20.5, 0.5 and
    give 0.4762 · ln(1.9524) + 0.4762 · ln(21) = 1.768.

    Source: Siddiqi 2006, "Credit Risk Scorecards", Wiley; it is the symmetric divergence of Jeffreys 1946,
    "An Invariant Form for the Prior Probability in Estimation Problems", Proc. R. Soc. A 186, whose prior is
    the half value.
    """
    reference, recent = (
        np.asarray(counts, dtype=float) + 0.5 for counts in (reference_counts, recent_counts)
    )
    reference, recent = reference / reference.sum(), recent / recent.sum()
    return float(((recent - reference) * np.log(recent / reference)).sum())


def index_by_chance(n_reference: int, n_recent: int, n_bins: int, *, level: float = LEVEL) -> float:
    """The index that two samples of one population stay below with probability `level`.

    It is the quantile of a chi-square with `n_bins` − 1 degrees of freedom times 1 / n + 1 / m: 100 and 100
    values in 10 bins stay below 16.92 · 0.02 = 0.338.

    Source: Yurdakul & Naranjo 2020, "Statistical properties of the population stability index", Journal of
    Risk Model Validation 14(4).
    """
    if not (n_reference and n_recent and n_bins > 1):
        return float("nan")
    return float(stats.chi2.ppf(level, n_bins - 1) * (1 / n_reference + 1 / n_recent))


def shift_table(
    reference: Mapping[str, NDArray[np.float64]], recent: Mapping[str, NDArray[np.float64]], *, level: float
) -> pd.DataFrame:
    """A row per quantity that both have, with COLUMNS; numbers are NaN where one of them has no value.

    Args:
        reference, recent: the finite values of each quantity, shape (n,), in a unit of its own.
        level: of `psi_by_chance`, for each quantity alone.

    `ks_distance` is the largest distance between the two cumulative shares; `ks_p_value` is the probability
    of such a distance within one population, Holm-corrected over the quantities.

    Source: two-sample test of Smirnov 1939, "On the estimation of the discrepancy between empirical curves of
    distribution for two independent samples", Bull. Math. Univ. Moscou 2(2); p-value by Hodges 1958, "The
    Significance Probability of the Smirnov Two-Sample Test", Arkiv för Matematik 3.
    """
    rows = [_row(name, values, recent[name], level) for name, values in reference.items() if name in recent]
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["ks_p_value"] = holm(table["ks_p_value"])
    return table


def _row(
    name: str, reference: NDArray[np.float64], recent: NDArray[np.float64], level: float
) -> list[object]:
    if not (reference.size and recent.size):
        return [name, reference.size, recent.size, *[np.nan] * (len(COLUMNS) - 3)]
    edges = bin_edges(reference)
    index = stability_index(bin_counts(reference, edges), bin_counts(recent, edges))
    chance = index_by_chance(reference.size, recent.size, len(edges) + 1, level=level)
    test = stats.ks_2samp(reference, recent, method="asymp")
    (before, iqr_before), (after, iqr_after) = map(_middle, (reference, recent))
    sizes = [reference.size, recent.size]
    return [name, *sizes, before, after, iqr_before, iqr_after, index, chance, test.statistic, test.pvalue]


def _middle(values: NDArray[np.float64]) -> tuple[float, float]:
    """Median and interquartile range."""
    lower, median, upper = np.quantile(values, (0.25, 0.5, 0.75))
    return float(median), float(upper - lower)


def share_table(
    reference: NDArray[np.float64], recent: NDArray[np.float64], *, n_bins: int = 30
) -> pd.DataFrame:
    """Shares of two samples in equally wide bins, for a picture.

    The columns are `from_value`, `to_value`, `reference` and `recent`. The bins reach over the middle 99 % of
    both samples; what lies beyond is counted in the outermost ones.
    """
    ends = np.array([np.quantile(values, (0.005, 0.995)) for values in (reference, recent) if values.size])
    low, high = (ends[:, 0].min(), ends[:, 1].max()) if ends.size else (0.0, 1.0)
    if high <= low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, n_bins + 1)
    table = pd.DataFrame({"from_value": edges[:-1], "to_value": edges[1:]})
    for name, values in (("reference", reference), ("recent", recent)):
        counts, _ = np.histogram(np.clip(values, low, high), edges)
        table[name] = counts / max(values.size, 1)
    return table
