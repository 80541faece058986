"""Pictures: arrays and tables in, Matplotlib figures out; the caller saves them.

Figures are built without pyplot, so no figure is "current" and none stays in memory.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

# Colours that stay apart for every common kind of colour blindness.
# Source: Okabe & Ito (2008), "Color Universal Design", https://jfly.uni-koeln.de/color/.
BLACK = "#000000"
ORANGE = "#E69F00"
SKY_BLUE = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#999999"
# The order in which series are coloured; yellow is left out, it vanishes on white.
PALETTE = (BLUE, VERMILION, GREEN, ORANGE, SKY_BLUE, PURPLE, BLACK)
COLOUR_MAP = "cividis"

TITLE_SIZE = 13
LABEL_SIZE = 11
TICK_SIZE = 10
# An image size of fewer photos than this share is not written beside its dot.
NOTABLE_SHARE = 0.05


def new_figure(
    title: str, x_label: str, y_label: str, *, size: tuple[float, float] = (7.5, 4.6)
) -> tuple[Figure, Axes]:
    """A figure of `size` inches and its only axes, named and styled."""
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    label_axes(axes, title, x_label, y_label)
    return figure, axes


def label_axes(axes: Axes, title: str, x_label: str, y_label: str) -> None:
    """Names and styles axes; `title` should carry n, the labels their units."""
    axes.set_title(title, fontsize=TITLE_SIZE, loc="left")
    axes.set_xlabel(x_label, fontsize=LABEL_SIZE)
    axes.set_ylabel(y_label, fontsize=LABEL_SIZE)
    axes.tick_params(labelsize=TICK_SIZE)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_prop_cycle(color=PALETTE)


def add_legend(axes: Axes) -> None:
    """A legend where it hides least, readable over whatever lies below it."""
    axes.legend(fontsize=TICK_SIZE, loc="best", frameon=True, framealpha=0.9, edgecolor="none")


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
        axis.set_major_locator(LogLocator(subs=(1, 2, 4)))
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axis.set_minor_locator(NullLocator())
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


def contact_sheet(
    photos: Sequence[np.ndarray], captions: Sequence[str], *, title: str, n_columns: int = 5
) -> Figure:
    """Photos in rows of `n_columns`, left to right, each with its caption below.

    Args:
        photos: uint8 arrays (height, width, 3), RGB, of any sizes.
        captions: a text per photo; line breaks are kept.

    Raises:
        ValueError: there is no photo, or not one caption per photo.
    """
    if not photos or len(photos) != len(captions):
        raise ValueError(
            f"A contact sheet needs photos and a caption for each, got {len(photos)} and {len(captions)}."
        )
    n_columns = min(n_columns, len(photos))
    n_rows = -(-len(photos) // n_columns)
    n_lines = max(caption.count("\n") for caption in captions) + 1
    figure = Figure(
        figsize=(max(1.9 * n_columns, 4), (1.9 + 0.2 * n_lines) * n_rows + 0.4), layout="constrained"
    )
    figure.suptitle(title, fontsize=TITLE_SIZE)
    cells = figure.subplots(n_rows, n_columns, squeeze=False).flat
    for cell in cells:
        cell.set_axis_off()
    for cell, photo, caption in zip(figure.axes, photos, captions, strict=False):
        cell.imshow(photo)
        # Below the photo as text of the axes, as the label of a hidden axis would be hidden too.
        # A caption may hold a file name, whose dollar signs are no formula.
        cell.text(
            0.5,
            -0.03,
            caption,
            transform=cell.transAxes,
            ha="center",
            va="top",
            fontsize=TICK_SIZE,
            parse_math=False,
        )
    return figure
