"""Figures of a data set: ages and sizes of its photos."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from shopper_age.plots.style import BLUE, GREY, TICK_SIZE, add_legend, add_note, new_figure

# An image size of fewer photos than this share is not written beside its dot.
NOTABLE_SHARE = 0.05


def age_histogram(ages: Sequence[float], decades: pd.DataFrame) -> Figure:
    """Photos per year of age, with each decade's share of all photos above it.

    Args:
        ages: n ages in years.
        decades: a row per decade with `from_age` (years), `to_age` (years, exclusive) and `share` (0-1).
    """
    years = np.floor(np.asarray(ages, dtype=float)).astype(int)
    counts = np.bincount(years, minlength=int(decades["to_age"].max()))
    figure, axes = new_figure(
        f"Ages, n = {len(years):,}", "Age (years)", "Photos per year of age", size=(9, 4.6)
    )
    axes.grid(visible=False, axis="x")
    axes.bar(np.arange(len(counts)) + 0.5, counts, width=0.9, color=BLUE)
    top = max(counts.max(), 1)
    for position, decade in enumerate(decades.itertuples()):
        if position % 2:
            axes.axvspan(decade.from_age, decade.to_age, color="#f0f0f0", zorder=0, linewidth=0)
        middle = (decade.from_age + decade.to_age) / 2
        axes.text(middle, top * 1.06, f"{decade.share:.1%}", ha="center", fontsize=TICK_SIZE)
    axes.set_xlim(decades["from_age"].min(), decades["to_age"].max())
    axes.set_xticks([*decades["from_age"], decades["to_age"].max()])
    axes.set_ylim(0, top * 1.14)
    add_note(figure, "Above: the share of all photos in each ten years of age.")
    return figure


def image_sizes(widths: Sequence[int], heights: Sequence[int]) -> Figure:
    """Width against height in pixels; a larger dot stands for more photos of about that size."""
    # Sizes within 2 % share a dot, so that a million photos still make a figure of a few thousand.
    steps = np.round(np.log(np.column_stack([widths, heights]).astype(float)) / 0.02)
    _, first, counts = np.unique(steps, axis=0, return_index=True, return_counts=True)
    x, y = np.asarray(widths)[first], np.asarray(heights)[first]
    figure, axes = new_figure(
        f"Image sizes, n = {len(widths):,}", "Width (pixels)", "Height (pixels)", size=(6, 6)
    )
    axes.scatter(x, y, s=12 + 400 * counts / counts.sum(), color=BLUE, alpha=0.6, linewidth=0)
    limits = min(x.min(), y.min()) / 2, max(x.max(), y.max()) * 2
    axes.plot(limits, limits, color=GREY, linestyle="--", linewidth=1, label="square")
    axes.set(xscale="log", yscale="log", xlim=limits, ylim=limits, aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 4, 6, 8)))
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axis.set_minor_locator(NullLocator())
    axes.tick_params(axis="x", rotation=45)
    if len(counts) == 1:
        add_note(figure, "All photos have one size.")
    commonest, share = counts.argmax(), counts.max() / counts.sum()
    if share >= NOTABLE_SHARE:
        axes.annotate(
            f"{x[commonest]:,} × {y[commonest]:,}: {share:.0%}",
            (x[commonest], y[commonest]),
            xytext=(12, -18),
            textcoords="offset points",
            fontsize=TICK_SIZE,
        )
    add_legend(axes)
    return figure
