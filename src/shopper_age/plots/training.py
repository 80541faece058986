"""Figures of a training: loss and error by epoch."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from shopper_age.plots.style import BLACK, TICK_SIZE, add_legend, label_axes


def training_curves(history: pd.DataFrame, *, best_epoch: int) -> Figure:
    """MAE and loss per epoch, on training and validation photos; a ring marks the best epoch's MAE.

    Args:
        history: a row per epoch with `epoch`, `mae`, `val_mae` (years), `loss` and `val_loss`.
        best_epoch: the one whose weights were kept, as `epoch` counts.
    """
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    label_axes(left, f"Error per epoch, {len(history)} epochs", "Epoch", "Mean absolute error (years)")
    label_axes(right, f"Loss per epoch, {len(history)} epochs", "Epoch", "Loss")
    for axes, name in ((left, "mae"), (right, "loss")):
        # A marker, as a single epoch has no line.
        axes.plot(history["epoch"], history[name], marker="o", markersize=4, label="training photos")
        axes.plot(
            history["epoch"], history[f"val_{name}"], marker="s", markersize=4, label="validation photos"
        )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    best = history.set_index("epoch").loc[best_epoch]
    left.scatter(best_epoch, best["val_mae"], s=140, facecolor="none", edgecolor=BLACK, zorder=3)
    left.annotate(
        f"{best['val_mae']:.2f}",
        (best_epoch, best["val_mae"]),
        xytext=(0, 10),
        textcoords="offset points",
        ha="center",
        fontsize=TICK_SIZE,
    )
    for axes in (left, right):
        add_legend(axes)
    return figure
