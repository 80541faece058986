"""Pictures of how a model did: estimates against true ages, errors, training curves, photos with answers.

Errors are estimates minus true ages, in years, as in `metrics`.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from shopper_age.bands import DECADES, band_index, band_names
from shopper_age.metrics import errors, rank_by_error
from shopper_age.plots import (
    BLACK,
    BLUE,
    COLOUR_MAP,
    GREY,
    LABEL_SIZE,
    TICK_SIZE,
    VERMILION,
    add_legend,
    contact_sheet,
    label_axes,
    new_figure,
)

# Beyond this many photos dots hide each other, and counts per cell show more.
MANY_PHOTOS = 5_000
# Below this many photos quartiles mean little, and each photo is drawn.
FEW_PHOTOS = 10
N_WORST = 12


def draw_evaluation(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    history: pd.DataFrame,
    read_photo: Callable[[int], NDArray[np.uint8]],
) -> dict[str, Figure]:
    """Every figure of the evaluation by the file name that the report links.

    Args:
        history: as `training_curves` takes it.
        read_photo: gives the photo of a row, uint8 (height, width, 3), RGB; called for the worst rows only.
    """
    true, pred = np.asarray(y_true, dtype=float), np.asarray(y_pred, dtype=float)
    worst = rank_by_error(true, pred)[:N_WORST]
    return {
        "predicted_against_true.png": predicted_against_true(true, pred),
        "error_by_age.png": error_by_age(true, pred),
        "error_histogram.png": error_histogram(true, pred),
        "training_curves.png": training_curves(history),
        "worst_photos.png": photos_with_answers(
            [read_photo(int(row)) for row in worst],
            true[worst],
            pred[worst],
            title=f"The {len(worst)} photos with the largest errors, of n = {true.size:,}",
            n_columns=4,
        ),
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


def error_by_age(y_true: ArrayLike, y_pred: ArrayLike, *, edges: Sequence[int] = DECADES) -> Figure:
    """A box of errors per band of true age: median, quartiles, and whiskers around the middle 90 %.

    A band with fewer than `FEW_PHOTOS` shows a dot per photo instead.
    """
    difference = errors(y_true, y_pred)
    band = band_index(y_true, edges)
    figure, axes = new_figure(
        f"Error by true age, n = {difference.size:,}",
        "True age (years) and number of photos",
        "Estimate − true age (years)",
        size=(8.5, 4.8),
    )
    axes.grid(visible=False, axis="x")
    axes.axhline(0, color=BLACK, linewidth=1)
    groups = [difference[band == number] for number in range(len(edges))]
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
        tick_labels=[
            f"{name}\nn = {len(group):,}" for name, group in zip(band_names(edges), groups, strict=True)
        ],
    )
    return figure


def error_histogram(y_true: ArrayLike, y_pred: ArrayLike) -> Figure:
    """Photos per year of error; the darker bars are within 5 years."""
    difference = errors(y_true, y_pred)
    figure, axes = new_figure(
        f"Errors, n = {difference.size:,}", "Estimate − true age (years)", "Photos per year of error"
    )
    axes.grid(visible=False, axis="x")
    first, last = min(-10, int(np.floor(difference.min()))), max(10, int(np.floor(difference.max())) + 1)
    counts, starts = np.histogram(difference, bins=np.arange(first, last + 1))
    near = (starts[:-1] >= -5) & (starts[:-1] < 5)
    for chosen, colour, label in ((near, BLUE, "within 5 years"), (~near, GREY, "further off")):
        axes.bar(starts[:-1][chosen] + 0.5, counts[chosen], width=0.9, color=colour, label=label)
    axes.axvline(0, color=BLACK, linewidth=1)
    add_legend(axes)
    return figure


def training_curves(history: pd.DataFrame) -> Figure:
    """MAE and loss per epoch, on training and validation photos; a ring marks the lowest validation MAE.

    Args:
        history: a row per epoch with `epoch`, `mae`, `val_mae` (years), `loss` and `val_loss`.
    """
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    label_axes(left, f"Error per epoch, n = {len(history)}", "Epoch", "Mean absolute error (years)")
    label_axes(right, f"Loss per epoch, n = {len(history)}", "Epoch", "Loss")
    for axes, name in ((left, "mae"), (right, "loss")):
        # A marker, as a single epoch has no line.
        axes.plot(history["epoch"], history[name], marker="o", markersize=4, label="training photos")
        axes.plot(
            history["epoch"], history[f"val_{name}"], marker="s", markersize=4, label="validation photos"
        )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    best = history.loc[history["val_mae"].idxmin()]
    left.scatter(best["epoch"], best["val_mae"], s=140, facecolor="none", edgecolor=BLACK, zorder=3)
    left.annotate(
        f"{best['val_mae']:.2f}",
        (best["epoch"], best["val_mae"]),
        xytext=(0, 10),
        textcoords="offset points",
        ha="center",
        fontsize=TICK_SIZE,
    )
    for axes in (left, right):
        add_legend(axes)
    return figure


def photos_with_answers(
    photos: Sequence[NDArray[np.uint8]],
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    title: str,
    n_columns: int = 5,
) -> Figure:
    """A contact sheet with true age and estimate under each photo.

    Args:
        photos: uint8 arrays (height, width, 3), RGB, as many as there are ages.
    """
    pairs = zip(np.asarray(y_true, dtype=float), np.asarray(y_pred, dtype=float), strict=True)
    captions = [f"true {true:g}, estimate {pred:.0f}" for true, pred in pairs]
    return contact_sheet(photos, captions, title=title, n_columns=n_columns)
