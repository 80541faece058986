"""Figures of uncertainty: reliability of probabilities, coverage of intervals."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from shopper_age.plots.style import BLUE, GREY, PERCENT, VERMILION, add_legend, label_axes


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
    distances = np.abs(seen[["low", "high"]].T - seen["observed_share"])
    upper.errorbar(
        seen["mean_probability"],
        seen["observed_share"],
        distances,
        color=BLUE,
        marker="o",
        capsize=3,
        label="photos, 95 % interval",
    )
    upper.set(xlim=(0, 1), ylim=(0, 1))
    add_legend(upper)
    widths = reliability["to_probability"] - reliability["from_probability"]
    lower.bar(
        reliability["from_probability"], reliability["n"], widths, align="edge", color=BLUE, edgecolor="white"
    )
    lower.set_yscale("symlog", linthresh=10)
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
    upper.errorbar(names, seen["coverage"], distances, color=BLUE, marker="o", linestyle="", capsize=3)
    upper.set_ylim(top=1.005)
    upper.axhline(level, color=VERMILION, linestyle="--", label=f"nominal: {level:.0%}")
    upper.yaxis.set_major_formatter(PERCENT)
    add_legend(upper)
    lower.bar(names, seen["mean_width"], color=BLUE, width=0.6)
    return figure
