"""Figures of age groups: confusion matrix and shares."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from shopper_age.plots.style import (
    BLUE,
    COLOUR_MAP,
    LABEL_SIZE,
    ORANGE,
    PERCENT,
    TICK_SIZE,
    add_legend,
    new_figure,
)


def group_confusion(counts: pd.DataFrame, shares: pd.DataFrame) -> Figure:
    """Where the photos of each true group end up: the share of the group as colour and text, with counts.

    Args:
        counts, shares: what `age_groups.confusion` and `confusion_shares` returned.
    """
    n_groups = len(counts)
    figure, axes = new_figure(
        f"Age groups, n = {counts.to_numpy().sum():,}",
        "Estimated group (years)",
        "True group (years) and number of photos",
        size=(2.2 + 0.8 * n_groups, 1.6 + 0.72 * n_groups),
    )
    axes.grid(visible=False)
    image = axes.imshow(shares.fillna(0), cmap=COLOUR_MAP, vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(n_groups), counts.columns)
    axes.set_yticks(range(n_groups), [f"{name}\nn = {n:,}" for name, n in counts.sum(axis=1).items()])
    for row, column in np.argwhere(counts.to_numpy() > 0):
        share = shares.iloc[row, column]
        axes.text(
            column,
            row,
            f"{share:.0%}\n{counts.iloc[row, column]:,}",
            ha="center",
            va="center",
            fontsize=TICK_SIZE,
            color="white" if share < 0.55 else "black",
        )
    bar = figure.colorbar(image, ax=axes, format=PERCENT, shrink=0.8)
    bar.set_label("Share of the true group", fontsize=LABEL_SIZE)
    return figure


def group_shares(groups: pd.DataFrame) -> Figure:
    """The share of all photos in each group, as it is and as a report would show it.

    Args:
        groups: what `age_groups.group_table` returned.
    """
    figure, axes = new_figure(
        f"Share of each age group, n = {groups['n_true'].sum():,}", "Age group (years)", "Share of all photos"
    )
    axes.grid(visible=False, axis="x")
    place = np.arange(len(groups))
    axes.bar(place - 0.2, groups["share_true"], width=0.4, color=BLUE, label="true")
    axes.bar(place + 0.2, groups["share_estimated"], width=0.4, color=ORANGE, label="estimated")
    axes.set_xticks(place, groups["age_group"])
    axes.yaxis.set_major_formatter(PERCENT)
    add_legend(axes)
    return figure
