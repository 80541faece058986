"""The style of all figures: size, colours, axes, legends.

Figures are built without pyplot, so no figure is "current" and none stays in memory.
"""

import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

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

DARK_GREY = "#555555"

# The order in which series are coloured; yellow is left out, it vanishes on white.
PALETTE = (BLUE, VERMILION, GREEN, ORANGE, SKY_BLUE, PURPLE, BLACK)

COLOUR_MAP = "cividis"

TITLE_SIZE = 13

LABEL_SIZE = 11

TICK_SIZE = 10

# A curve of the rates of fewer people is a jump of one of them, and draws the eye to nothing.
FEW_PEOPLE = 10

PERCENT = FuncFormatter(lambda share, _: f"{100 * share:.3g}%")


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


def add_legend_beside(axes: Axes) -> None:
    """A legend beside the axes, where their lines may run through every corner."""
    axes.legend(fontsize=TICK_SIZE, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))


def add_note(figure: Figure, text: str) -> None:
    """A line below the axes that says how to read them."""
    figure.supxlabel(text, fontsize=TICK_SIZE, color=DARK_GREY, x=0.01, ha="left")


def name_rows(axes: Axes, rows: Sequence[tuple[str, str]]) -> None:
    """Names for the rows 0, 1, … of axes, from the top down, each with its weight ("bold" or "normal")."""
    axes.set_yticks(range(len(rows)), [text for text, _ in rows], parse_math=False)
    for tick, (_, weight) in zip(axes.get_yticklabels(), rows, strict=True):
        tick.set_fontweight(weight)
    axes.set_ylim(max(len(rows), 1) - 0.5, -0.7)
    axes.tick_params(axis="y", length=0)


def shortened(text: str) -> str:
    """Text of at most 40 letters, for the name of a row."""
    return textwrap.shorten(text, 40, placeholder="…")
