"""Figures of shifts: the distributions of two samples, and their stability indices."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from shopper_age.plots.style import (
    BLACK,
    BLUE,
    GREY,
    PERCENT,
    VERMILION,
    add_legend,
    add_legend_beside,
    add_note,
    name_rows,
    new_figure,
)


def distributions_figure(
    shares: pd.DataFrame, *, title: str, label: str, names: tuple[str, str], counts: tuple[int, int]
) -> Figure:
    """Shares of two samples per bin, the reference filled and the recent one as a line.

    Args:
        shares: what `drift.share_table` returned.
        label: of the axis, with its unit.
        names, counts: of the reference and the recent sample; values in each.
    """
    figure, axes = new_figure(f"{title}, n = {counts[0]:,} and {counts[1]:,}", label, "Share")
    edges = [*shares["from_value"], shares["to_value"].iloc[-1]]
    axes.stairs(shares["reference"], edges, fill=True, color=BLUE, alpha=0.35, label=names[0])
    axes.stairs(shares["recent"], edges, color=VERMILION, linewidth=2, label=names[1])
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(PERCENT)
    add_legend(axes)
    add_note(figure, "The outermost bars hold what lies further out, too.")
    return figure


def stability_figure(indices: pd.DataFrame, *, marks: Sequence[float], counts: tuple[int, int]) -> Figure:
    """The stability index of each quantity as a bar, the level of chance as a line across, the marks dashed.

    Args:
        indices: a row each with `quantity`, `psi` and `psi_by_chance`; NaN where it is not known.
        marks: from which a shift counts as moderate and as large.
        counts: rows of the reference and of the recent sample.
    """
    figure, axes = new_figure(
        f"How far the answers have moved, n = {counts[0]:,} and {counts[1]:,}",
        "Population stability index",
        "",
        size=(7.5, 1.6 + 0.5 * len(indices)),
    )
    places = np.arange(len(indices))
    axes.barh(places, indices["psi"].fillna(0), height=0.55, color=BLUE, label="index")
    axes.vlines(
        indices["psi_by_chance"], places - 0.38, places + 0.38, color=BLACK, linewidth=2, label="chance alone"
    )
    for mark, name in zip(marks, ("moderate", "large"), strict=True):
        axes.axvline(
            mark, color=VERMILION if name == "large" else GREY, linestyle="--", label=f"{name}: {mark:g}"
        )
    is_known = indices["psi"].notna()
    names = indices["quantity"].where(is_known, indices["quantity"] + " (not known)")
    name_rows(axes, [(name, "normal") for name in names])
    axes.set_xlim(0, max(0.3, 1.08 * indices[["psi", "psi_by_chance"]].max(axis=None, skipna=True)))
    add_legend_beside(axes)
    return figure
