"""Figures of parity: how the ID check treats groups of people."""

import re

import pandas as pd
from matplotlib.figure import Figure

from shopper_age.metrics.id_check import FALSE_POSITIVE_RATE, ID_REQUEST_RATE
from shopper_age.plots.style import BLACK, BLUE, PERCENT, add_note, label_axes, name_rows, shortened

_PANELS = ((FALSE_POSITIVE_RATE, "Minors who pass unasked"), (ID_REQUEST_RATE, "Adults who are asked"))


def _in_order(value: str) -> str:
    """Sorts quarters of a number by their number, and leaves other values where they are."""
    return value[:2] if re.match(r"Q[1-4]: ", value) else ""


def parity_figure(groups: pd.DataFrame) -> Figure:
    """Both rates of each group of a column with their exact intervals, hollow where there are few people.

    Args:
        groups: the first table of `parity.parity_tables`; pairs of columns are not drawn.
    """
    rates = groups[~groups["is_pair"].astype(bool) & groups["measure"].isin([name for name, _ in _PANELS])]
    order = groups[~groups["is_pair"].astype(bool)].groupby("column", sort=False)["value"].unique()
    measured = {*zip(rates["column"], rates["value"], strict=True)}
    columns = {
        column: sorted((value for value in values if (column, value) in measured), key=_in_order)
        for column, values in order.items()
        if len(values) > 1
    }
    labels = [
        row
        for column, values in columns.items()
        for row in [(str(column), "", "bold"), *((str(column), value, "normal") for value in values)]
    ]
    place = {(column, value): row for row, (column, value, _) in enumerate(labels)}
    figure = Figure(figsize=(10.5, max(3.0, 1.6 + 0.3 * len(labels))), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (measure, title) in zip(panels, _PANELS, strict=True):
        rows = rates[(rates["measure"] == measure) & rates["column"].isin(columns)]
        n = rows.groupby("column")["n"].sum().max() if len(rows) else 0
        label_axes(axes, f"{title}, n = {n:,}", "Share, exact 95 % interval", "")
        axes.grid(visible=False, axis="y")
        for row in rows.itertuples():
            y = place[row.column, row.value]
            axes.plot([row.low, row.high], [y, y], color=BLUE)
            face = "white" if row.is_small else BLUE
            axes.plot(row.estimate, y, "o", color=BLUE, markerfacecolor=face)
        end = 1.0 if rows.empty else rows["high"].max()
        axes.set_xlim(-0.02 * end, 1.02 * end)
        axes.xaxis.set_major_formatter(PERCENT)
        if rows.empty:
            axes.text(0.5, 0.5, "not known", ha="center", transform=axes.transAxes, color=BLACK)
    add_note(figure, "Hollow: few people, who say little.")
    name_rows(panels[0], [(shortened(value or column), weight) for column, value, weight in labels])
    return figure
