"""Figures of uncertainty: reliability of probabilities, coverage of intervals."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from shopper_age.plots.style import (
    BLUE,
    FEW_PEOPLE,
    GREY,
    PERCENT,
    TICK_SIZE,
    VERMILION,
    add_legend,
    label_axes,
)


def reliability_figure(reliability: pd.DataFrame, *, what: str, error: float) -> Figure:
    """Observed share over predicted probability with exact intervals, above the number of photos.

    Args:
        reliability: what `reliability_table` returned.
        what: what the probability is of, such as "under 18".
        error: the expected calibration error, 0–1.
    """
    figure = Figure(figsize=(6.4, 7.6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    seen = reliability[reliability["n"] > 0]
    title = f"Probability of being {what}, n = {seen['n'].sum():,}, calibration error {error:.3f}"
    label_axes(upper, title, "", f"Observed share {what}")
    label_axes(lower, "", f"Estimated probability of being {what}", "Photos")
    upper.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="perfectly calibrated")
    is_small = seen["n"] < FEW_PEOPLE
    for rows, colour, face, label in (
        (seen[~is_small], BLUE, BLUE, "photos, 95 % interval"),
        (seen[is_small], GREY, "white", f"fewer than {FEW_PEOPLE} photos"),
    ):
        if rows.empty:
            continue
        bars = upper.errorbar(
            rows["mean_probability"],
            rows["observed_share"],
            np.abs(rows[["low", "high"]].T - rows["observed_share"]),
            color=colour,
            marker="o",
            markerfacecolor=face,
            linestyle="",
            capsize=3,
            label=label,
        )
        bars.lines[0].set_clip_on(False)  # a share of 0 or 1 lies on the frame
    upper.set(xlim=(0, 1), ylim=(0, 1))
    upper.legend(fontsize=TICK_SIZE, frameon=False, loc="lower center", bbox_to_anchor=(0.5, -0.22), ncols=3)
    widths = reliability["to_probability"] - reliability["from_probability"]
    lower.bar(
        reliability["from_probability"], reliability["n"], widths, align="edge", color=BLUE, edgecolor="white"
    )
    lower.set_yscale("symlog", linthresh=1)
    most = int(reliability["n"].max()) if len(reliability) else 0
    ticks = [0, *(10**power for power in range(7) if 10**power <= max(most, 1))]
    lower.set_yticks(ticks, [f"{tick:,}" for tick in ticks])
    lower.set_yticks([], minor=True)
    lower.set_ylabel("Photos\n(logarithmic)")
    return figure


def coverage_figure(coverage: pd.DataFrame, *, level: float) -> Figure:
    """How many intervals hold the true age, per band of true age with exact intervals, and their width.

    Args:
        coverage: what `coverage_table` returned.
        level: the nominal share.
    """
    figure = Figure(figsize=(8, 6.4), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    n_photos = coverage["n"].iloc[0]
    label_axes(upper, f"Intervals that hold the true age, n = {n_photos:,}", "", "Share of photos")
    label_axes(lower, "Mean width of the intervals", "True age (years)", "Years")
    seen = coverage[coverage["n"] > 0]
    names = [f"{row.age_band}\nn = {row.n:,}" for row in seen.itertuples()]
    distances = np.abs(seen[["coverage_low", "coverage_high"]].T - seen["coverage"])
    bars = upper.errorbar(names, seen["coverage"], distances, color=BLUE, marker="o", linestyle="", capsize=3)
    bars.lines[0].set_clip_on(False)  # 100 % lies on the frame
    upper.set_ylim(top=1)
    upper.axhline(level, color=VERMILION, linestyle="--", label=f"nominal: {level:.0%}")
    upper.yaxis.set_major_formatter(PERCENT)
    add_legend(upper)
    lower.bar(names, seen["mean_width"], color=BLUE, width=0.6)
    return figure
