"""Figures of errors: estimated against true age, errors by age, by size and by slice.

Errors are estimates minus true ages, in years, as in `metrics.errors`.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from shopper_age.plots.style import (
    BLACK,
    BLUE,
    COLOUR_MAP,
    GREY,
    LABEL_SIZE,
    VERMILION,
    add_legend,
    add_note,
    name_rows,
    new_figure,
    shortened,
)

# Beyond this many photos dots hide each other, and counts per cell show more.
MANY_PHOTOS = 5_000

# Below this many photos quartiles mean little, and each photo is drawn.
FEW_PHOTOS = 10


# What the numbers of a column mean.
_EXPLAINED = {
    "brightness": "brightness (0 black, 255 white)",
    "sharpness": "sharpness (lower = more blurred)",
}


def predicted_against_true(y_true: ArrayLike, y_pred: ArrayLike) -> Figure:
    """Each photo's estimate over its true age, on equal axes."""
    true, pred = np.asarray(y_true, dtype=float), np.asarray(y_pred, dtype=float)
    figure, axes = new_figure(
        f"Estimated against true age, n = {true.size:,}",
        "True age (years)",
        "Estimated age (years)",
        size=(6.6, 6.2),
    )
    end = np.array([min(0, true.min(), pred.min()), max(true.max(), pred.max()) + 2])
    if true.size > MANY_PHOTOS:
        extent = (end[0], end[1], end[0], end[1])
        cells = axes.hexbin(true, pred, gridsize=60, extent=extent, bins="log", mincnt=1, cmap=COLOUR_MAP)
        bar = figure.colorbar(cells, ax=axes, shrink=0.8, format="{x:,.0f}")
        bar.set_label("Photos", fontsize=LABEL_SIZE)
    else:
        axes.scatter(true, pred, s=14, color=BLUE, alpha=0.35, linewidth=0, label="a photo")
    axes.plot(end, end, color=VERMILION, linewidth=1.5, label="estimate = truth")
    for shift, label in ((-5, "5 years off"), (5, None)):
        axes.plot(end, end + shift, color=VERMILION, linewidth=1, linestyle="--", label=label)
    axes.set(xlim=end, ylim=end, aspect="equal")
    add_legend(axes)
    return figure


def error_by_age(errors: Mapping[str, ArrayLike]) -> Figure:
    """A box of errors per band of true age: median, quartiles, and whiskers around the middle 90 %.

    A band with fewer than `FEW_PHOTOS` shows a dot per photo instead.

    Args:
        errors: of the photos of each band, in years, by the name of the band, such as "20–29".
    """
    groups = [np.asarray(group, dtype=float) for group in errors.values()]
    figure, axes = new_figure(
        f"Error by true age, n = {sum(map(len, groups)):,}",
        "True age (years) and number of photos",
        "Estimate − true age (years)",
        size=(8.5, 4.8),
    )
    axes.grid(visible=False, axis="x")
    axes.axhline(0, color=BLACK, linewidth=1)
    for place, group in enumerate(groups, start=1):
        if len(group) < FEW_PHOTOS:
            axes.scatter([place] * len(group), group, s=22, color=BLUE)
    axes.boxplot(
        [group if len(group) >= FEW_PHOTOS else [] for group in groups],
        whis=(5, 95),
        showfliers=False,
        widths=0.6,
        patch_artist=True,
        boxprops={"facecolor": BLUE, "alpha": 0.45, "edgecolor": BLUE},
        medianprops={"color": VERMILION, "linewidth": 2},
        whiskerprops={"color": BLUE},
        capprops={"color": BLUE},
        tick_labels=[f"{name}\nn = {len(group):,}" for name, group in zip(errors, groups, strict=True)],
    )
    add_note(
        figure,
        f"Box: middle half and median. Whiskers: middle 90 %. Dots: fewer than {FEW_PHOTOS} photos.",
    )
    return figure


def error_histogram(errors: ArrayLike) -> Figure:
    """Photos per year of error; the darker bars are within 5 years.

    Args:
        errors: of n photos, shape (n,), in years.
    """
    years = np.asarray(errors, dtype=float)
    figure, axes = new_figure(
        f"Errors, n = {years.size:,}", "Estimate − true age (years)", "Photos per year of error"
    )
    axes.grid(visible=False, axis="x")
    first, last = min(-10, int(np.floor(years.min()))), max(10, int(np.floor(years.max())) + 1)
    counts, starts = np.histogram(years, bins=np.arange(first, last + 1))
    near = (starts[:-1] >= -5) & (starts[:-1] < 5)
    for chosen, colour, label in ((near, BLUE, "within 5 years"), (~near, GREY, "further off")):
        axes.bar(starts[:-1][chosen] + 0.5, counts[chosen], width=0.9, color=colour, label=label)
    axes.axvline(0, color=BLACK, linewidth=1)
    add_legend(axes)
    return figure


def error_slices(slices: pd.DataFrame) -> Figure:
    """MAE with its interval per slice, the columns below each other; hollow where there are few photos.

    Args:
        slices: what `slices.slice_errors` returned, at least one row.
    """
    overall = slices.groupby("column", sort=False)[["n", "mae"]].apply(
        lambda rows: np.average(rows["mae"], weights=rows["n"])
    )
    # a column of one slice is all photos, and shows nothing
    is_told = (slices.groupby("column")["n"].transform("size") > 1) | slices["is_pair"].astype(bool)
    slices = slices[is_told] if is_told.any() else slices
    n_rows = len(slices) + slices["column"].nunique()
    figure, axes = new_figure(
        f"Error by slice, n = {slices.groupby('column', sort=False)['n'].sum().max():,}",
        "Mean absolute error (years), 95 % interval",
        "",
        size=(8, 1.6 + 0.3 * n_rows),
    )
    axes.grid(visible=False, axis="y")
    labels: list[tuple[str, str]] = []
    for column, rows in slices.groupby("column", sort=False):
        labels.append((_EXPLAINED.get(str(column), str(column)), "bold"))
        for row in rows.itertuples():
            place = len(labels)
            labels.append((f"{shortened(row.value)} (n = {row.n:,})", "normal"))
            axes.plot([row.mae_low, row.mae_high], [place, place], color=BLUE)
            axes.plot(row.mae, place, "o", color=BLUE, markerfacecolor="white" if row.is_small else BLUE)
    axes.axvline(overall.iloc[0], color=GREY, linestyle="--", linewidth=1, label="all photos")
    add_legend(axes)
    name_rows(axes, labels)
    add_note(figure, "Hollow: few photos, which say little.")
    return figure
