"""Figures of the ID check: rates by threshold, and their trade-off."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from shopper_age.metrics.id_check import (
    ALL_ADULTS,
    FALSE_POSITIVE_RATE,
    ID_REQUEST_RATE,
    MINORS,
    SHOWN_THRESHOLD_AGES,
)
from shopper_age.plots.style import (
    BLACK,
    FEW_PEOPLE,
    GREEN,
    GREY,
    ORANGE,
    PALETTE,
    PERCENT,
    PURPLE,
    SKY_BLUE,
    TICK_SIZE,
    VERMILION,
    add_legend_beside,
    add_note,
    label_axes,
    new_figure,
)

_MARKERS = dict(zip(SHOWN_THRESHOLD_AGES, "o^sD", strict=True))


def rates_figure(rates: pd.DataFrame, *, max_false_positive_rate: float, chosen: float | None) -> Figure:
    """Both rates over the threshold age, a line per group, with the exact interval of the minors.

    Args:
        rates: what `rates_by_threshold_age` returned.
        max_false_positive_rate: the accepted rate, drawn as a line.
        chosen: the threshold age that was chosen, in years; None draws none.
    """
    figure = Figure(figsize=(9.5, 8), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    label_axes(upper, _title("Minors who pass unasked", rates, MINORS), "", "False positive rate")
    label_axes(
        lower,
        _title("Adults who are asked", rates, ALL_ADULTS),
        "Ask below this estimated age (years)",
        "ID-request rate",
    )
    left_out: list[str] = []
    # a colour means one group in both panels, but for black, which is all of them
    for axes, measure, all_groups, colours in (
        (upper, FALSE_POSITIVE_RATE, MINORS, (BLACK, VERMILION, GREY)),
        (lower, ID_REQUEST_RATE, ALL_ADULTS, (BLACK, PURPLE, SKY_BLUE, ORANGE, GREEN)),
    ):
        groups = rates[rates["measure"] == measure].groupby("group", sort=False)
        for colour, (name, group) in zip(colours, groups, strict=False):
            n = group["n"].iloc[0]
            if n < FEW_PEOPLE and name != all_groups:
                if n:
                    left_out.append(f"{name} ({n})")
                continue
            if not n:
                continue
            width = 2.5 if name == all_groups else 1.5
            label = f"{name} (n = {n:,})"
            axes.plot(
                group["threshold"], group["rate"], color=colour, linewidth=width, label=label, clip_on=False
            )
            if name == MINORS:
                axes.fill_between(group["threshold"], group["low"], group["high"], color=colour, alpha=0.12)
        if chosen is not None:
            axes.axvline(chosen, color=BLACK, linestyle="--", linewidth=1, label=f"chosen: {chosen:g}")
        if axes is upper:
            axes.axhline(max_false_positive_rate, color=GREY, linestyle=":", label="accepted rate")
        add_legend_beside(axes)
        _say_if_empty(axes, groups["rate"].max().isna().all(), "no one in this group")
    _show_small_rates(upper)
    if left_out:
        add_note(figure, f"Fewer than {FEW_PEOPLE} people make no curve: {', '.join(left_out)}.")
    lower.set_ylim(0, 1.02)
    lower.yaxis.set_major_formatter(PERCENT)
    return figure


def trade_off_figure(
    curves: Mapping[str, pd.DataFrame],
    *,
    marked: str,
    n_minors: int,
    n_adults: int,
    max_false_positive_rate: float,
    chosen: Mapping[str, float | None],
) -> Figure:
    """Minors who pass unasked over adults who are asked, a line per rule.

    Args:
        curves: what `trade_off` returned, by the name of the rule.
        marked: the rule whose threshold ages 18, 21, 25 and 30 are marked.
        n_minors, n_adults: people the rates rest on.
        max_false_positive_rate: the accepted rate, drawn as a line.
        chosen: the threshold that each rule chose, by the name of the rule; None marks none.
    """
    figure, axes = new_figure(
        f"What strictness costs, n = {n_minors:,} minors and {n_adults:,} adults",
        "ID-request rate: share of adults who are asked",
        "False positive rate: share of minors who pass",
        size=(10, 5),
    )
    for colour, style, (rule, curve) in zip(PALETTE, ("-", "--", ":"), curves.items(), strict=False):
        axes.plot(
            curve[ID_REQUEST_RATE], curve[FALSE_POSITIVE_RATE], color=colour, linestyle=style, label=rule
        )
        own = chosen[rule]
        at = curve[np.isclose(curve["threshold"], np.nan if own is None else own)].dropna()
        if len(at):
            axes.plot(
                at[ID_REQUEST_RATE],
                at[FALSE_POSITIVE_RATE],
                "*",
                color=colour,
                markeredgecolor=BLACK,
                markersize=15,
                zorder=4,
                clip_on=False,
                label=f"chosen: {own:g}",
            )
    points = curves[marked].set_index("threshold")[[ID_REQUEST_RATE, FALSE_POSITIVE_RATE]].dropna()
    places = points.loc[[threshold for threshold in _MARKERS if threshold in points.index]]
    # those at one place share a marker, which would hide the others
    for place, rows in places.groupby([ID_REQUEST_RATE, FALSE_POSITIVE_RATE], sort=False):
        axes.plot(
            *place,
            _MARKERS[rows.index[0]],
            color=PALETTE[0],
            markersize=8,
            fillstyle="none",
            clip_on=False,
            label=f"below {' and '.join(f'{threshold:g}' for threshold in rows.index)}",
        )
    axes.axhline(max_false_positive_rate, color=GREY, linestyle=":", label="accepted rate")
    axes.xaxis.set_major_formatter(PERCENT)
    axes.set_xlim(0, 1)
    add_legend_beside(axes)
    _show_small_rates(axes)
    _say_if_empty(axes, n_minors == 0 or n_adults == 0, "rates are not known: no minors or no adults")
    return figure


def _title(text: str, rates: pd.DataFrame, group: str) -> str:
    return f"{text}, n = {rates.loc[rates['group'] == group, 'n'].max():,}"


def _show_small_rates(axes: Axes) -> None:
    """A logarithmic axis that reaches 0, because 1 % and 2 % are what matters and 0 does occur."""
    axes.set_yscale("symlog", linthresh=0.01)
    axes.set_yticks([0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1], minor=False)
    axes.set_yticks([], minor=True)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PERCENT)
    axes.set_ylabel(f"{axes.get_ylabel()}\n(logarithmic above 1 %)")


def _say_if_empty(axes: Axes, is_empty: bool, text: str) -> None:
    if is_empty:
        axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", fontsize=TICK_SIZE)
