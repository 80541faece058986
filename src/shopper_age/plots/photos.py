"""Figures of photos: contact sheets, estimates and activation maps."""

from collections.abc import Sequence

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import ArrayLike, NDArray

from shopper_age.plots.style import LABEL_SIZE, TICK_SIZE, TITLE_SIZE, add_note

# Spots on a side from which on a map is smoothed.
_MIN_SMOOTHED = 4

_YEARS = FuncFormatter(lambda years, _: f"{years:+.2g}" if years else "0")


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
    if not len(photos) or len(photos) != len(captions):
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


def photos_with_estimates(
    photos: Sequence[NDArray[np.uint8]],
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    title: str,
    intervals: tuple[ArrayLike, ArrayLike] | None = None,
    n_columns: int = 5,
) -> Figure:
    """A contact sheet with true age, estimate and, where given, its interval under each photo.

    Args:
        photos: uint8 arrays (height, width, 3), RGB, as many as there are ages.
        intervals: lower and upper ends in years, as many as there are ages.
    """
    pairs = zip(np.asarray(y_true, dtype=float), np.asarray(y_pred, dtype=float), strict=True)
    captions = [f"true {true:g}, estimate {pred:.0f}" for true, pred in pairs]
    if intervals is not None:
        ends = zip(captions, *map(np.asarray, intervals), strict=True)
        captions = [f"{caption}\n({low:.0f} to {high:.0f})" for caption, low, high in ends]
    figure = contact_sheet(photos, captions, title=title, n_columns=n_columns)
    side = max(photo.shape[0] for photo in photos)
    brackets = "" if intervals is None else " In brackets: the interval that should hold the true age."
    add_note(figure, f"As the network sees them, {side} pixels.{brackets}")
    return figure


def activation_map_figure(
    photos: Sequence[NDArray[np.uint8]],
    maps: Sequence[NDArray[np.float64]],
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    n_columns: int = 4,
) -> Figure:
    """Photos in grey under their activation maps: purple spots make older, orange ones younger.

    Args:
        maps: what `activation_map.activation_maps` returned for the photos, in years per spot.
    """
    greys = [np.repeat(photo.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2) for photo in photos]
    n_rows, n_spots = maps[0].shape
    title = f"Where the network looked, {n_rows} × {n_spots} spots on each of n = {len(greys)} photos"
    figure = photos_with_estimates(greys, y_true, y_pred, title=title, n_columns=n_columns)
    strongest = max(float(np.abs(spots).max()) for spots in maps) or 1.0
    cells = [cell for cell in figure.axes if cell.images]
    for cell, spots in zip(cells, maps, strict=True):
        shown = cell.imshow(
            spots,
            extent=cell.images[0].get_extent(),
            cmap="PuOr",
            vmin=-strongest,
            vmax=strongest,
            alpha=0.75 * np.abs(spots) / strongest,  # the photo stays clear where nothing was seen
            # few spots smoothed into clouds would suggest a precision that is not there
            interpolation="bilinear" if min(spots.shape) >= _MIN_SMOOTHED else "nearest",
        )
    figure.set_figheight(figure.get_figheight() + 0.8)
    scale = ScalarMappable(shown.norm, shown.cmap)
    bar = figure.colorbar(
        scale,
        ax=cells,
        location="bottom",
        shrink=0.6,
        aspect=40,
        format=FuncFormatter(lambda years, _: f"{years:+.2g}" if years else "0"),
    )
    bar.set_label("Years that a spot adds to the expected age", fontsize=LABEL_SIZE)
    return figure
