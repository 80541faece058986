"""Calibration of probabilities: reliability table and expected calibration error."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from shopper_age.metrics.people import share_intervals
from shopper_age.metrics.proportions import share


def reliability_table(
    is_hit: ArrayLike, probability: ArrayLike, *, n_bins: int = 10, people: ArrayLike | None = None
) -> pd.DataFrame:
    """Predicted probability and observed share, per bin of equal width from 0 to 1.

    Args:
        is_hit: whether it came true, shape (n,), boolean.
        probability: of it coming true, shape (n,). A value on an edge belongs to the upper bin.

    Returns:
        One row per bin: `from_probability`, `to_probability`, `n`, `mean_probability`, and `observed_share`
        with its 95 % Clopper–Pearson interval `low`, `high` (of people as in `people.share_intervals`); NaN
        in bins without photos.

    Raises:
        ValueError: the shapes differ or a probability lies outside 0–1.
    """
    hits, predicted = np.asarray(is_hit, dtype=bool), np.asarray(probability, dtype=float)
    if hits.ndim != 1 or hits.shape != predicted.shape:
        raise ValueError(
            f"outcomes and probabilities must share one shape (n,); found {hits.shape}, {predicted.shape}"
        )
    # A sum of float32 probabilities may end a rounding error above 1.
    if not np.all((predicted >= -1e-6) & (predicted <= 1 + 1e-6)):
        raise ValueError("probabilities must lie between 0 and 1")
    edges = np.linspace(0, 1, n_bins + 1)
    bins = np.digitize(predicted, edges[1:-1])
    n = np.bincount(bins, minlength=n_bins)
    n_hits = np.bincount(bins, weights=hits, minlength=n_bins)
    low, high = share_intervals(hits, bins, n_bins, people)
    return pd.DataFrame(
        {
            "from_probability": edges[:-1],
            "to_probability": edges[1:],
            "n": n,
            "mean_probability": share(np.bincount(bins, weights=predicted, minlength=n_bins), n),
            "observed_share": share(n_hits, n),
            "low": low,
            "high": high,
        }
    )


def expected_calibration_error(reliability: pd.DataFrame) -> float:
    """Mean distance of predicted probability and observed share over all photos (0-1); NaN without photos.

    3 photos at 0.1 with none a hit and 1 at 0.9 with a hit give (3 × 0.1 + 1 × 0.1) / 4 = 0.1.

    Source: Naeini, Cooper & Hauskrecht 2015, "Obtaining Well Calibrated Probabilities Using Bayesian
    Binning", AAAI.
    """
    gaps = (reliability["mean_probability"] - reliability["observed_share"]).abs()
    n_photos = reliability["n"].sum()
    return float((gaps * reliability["n"]).sum() / n_photos) if n_photos else float("nan")
