"""Age groups: confusion, recall and reported shares.

Every function takes true ages before estimates, both of shape (n,), in years, and the first year of each
group as `edges`. An estimate belongs to a group as it stands, unrounded: 11.99 lies in 0–11.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from shopper_age.metrics.bands import band_index, band_keys, band_names
from shopper_age.metrics.errors import check_ages, errors_by_band


def confusion(y_true: ArrayLike, y_pred: ArrayLike, *, edges: Sequence[int]) -> pd.DataFrame:
    """Number of photos, a row per TRUE group and a column per estimated one, youngest first."""
    true, pred = check_ages(y_true, y_pred)
    n_groups, names = len(edges), band_names(edges)
    cells = band_index(true, edges) * n_groups + band_index(pred, edges)
    counts = np.bincount(cells, minlength=n_groups**2).reshape(n_groups, n_groups)
    return pd.DataFrame(counts, index=pd.Index(names, name="true"), columns=pd.Index(names, name="estimated"))


def confusion_shares(counts: pd.DataFrame) -> pd.DataFrame:
    """Each true group's photos by estimated group, 0–1, rows summing to 1; NaN in a row without photos."""
    return counts.div(counts.sum(axis=1).replace(0, np.nan), axis=0)


def accuracy(counts: pd.DataFrame, *, within: int = 0) -> float:
    """Share of photos whose estimated group is at most `within` groups from the true one, 0–1.

    With groups 0–11, 12–17 and 18+, the ages 10, 15, 40 estimated 12, 15, 11 give 1/3, and 2/3 within one.
    """
    steps = np.abs(np.subtract.outer(np.arange(len(counts)), np.arange(len(counts))))
    return float(counts.to_numpy()[steps <= within].sum() / counts.to_numpy().sum())


def macro_mae(y_true: ArrayLike, y_pred: ArrayLike, *, edges: Sequence[int]) -> float:
    """Mean over the true groups of each one's MAE, in years: a small group counts as much as a large one.

    With groups 0–17 and 18+, the ages 10, 30, 40 estimated 16, 32, 40 give (6 + (2 + 0) / 2) / 2 = 3.5.
    Groups without photos do not count.

    Source: the macro-averaged absolute error of Baccianella, Esuli & Sebastiani 2009, "Evaluation Measures
    for Ordinal Regression", ISDA, here in years rather than in steps between groups.
    """
    return float(errors_by_band(y_true, y_pred, edges=edges)["mae"].mean())


def group_table(y_true: ArrayLike, y_pred: ArrayLike, *, edges: Sequence[int]) -> pd.DataFrame:
    """One row per group, youngest first, with what a report would say of it and how far that is off.

    Columns: `age_group`, `n_true`, `n_estimated`, `share_true`, `share_estimated` (0–1 of all photos),
    `recall` (share of the group's photos that are put into it), `precision` (share of the photos put into
    it that belong there), `mae` and `bias` of the group's photos in years. NaN where there is no photo.
    """
    counts = confusion(y_true, y_pred, edges=edges)
    in_group, put_there = counts.sum(axis=1).to_numpy(), counts.sum(axis=0).to_numpy()
    right, n_photos = np.diag(counts), in_group.sum()
    by_band = errors_by_band(y_true, y_pred, edges=edges)
    return pd.DataFrame(
        {
            "age_group": counts.index.to_list(),
            "n_true": in_group,
            "n_estimated": put_there,
            "share_true": in_group / n_photos,
            "share_estimated": put_there / n_photos,
            "recall": right / np.where(in_group, in_group, np.nan),
            "precision": right / np.where(put_there, put_there, np.nan),
            "mae": by_band["mae"],
            "bias": by_band["bias"],
        }
    )


def misplaced_share(groups: pd.DataFrame) -> float:
    """Share of customers, 0–1, that the report's bars show in another group, net of errors that cancel out.

    Half the sum of the differences between true and estimated shares: true shares 0.2, 0.3, 0.5 reported as
    0.2, 0.4, 0.4 give 0.1.
    """
    return float((groups["share_true"] - groups["share_estimated"]).abs().sum() / 2)


def summarise_groups(y_true: ArrayLike, y_pred: ArrayLike, *, edges: Sequence[int]) -> dict[str, float]:
    """The metrics of this module as one flat dictionary for `metrics.json`, rounded to 4 decimals.

    The recall of a group without photos is left out.
    """
    counts = confusion(y_true, y_pred, edges=edges)
    groups = group_table(y_true, y_pred, edges=edges)
    metrics = {
        "group_accuracy": accuracy(counts),
        "group_accuracy_within_one": accuracy(counts, within=1),
        "group_macro_mae": macro_mae(y_true, y_pred, edges=edges),
        "group_misplaced_share": misplaced_share(groups),
    }
    recalls = zip(band_keys(edges), groups["recall"], strict=True)
    metrics |= {f"group_recall_{key}": recall for key, recall in recalls if np.isfinite(recall)}
    return {name: round(float(value), 4) for name, value in metrics.items()}
