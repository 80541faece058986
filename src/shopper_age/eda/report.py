"""The report of stage eda, in Markdown."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from shopper_age.validation.rules import RULE, RULES

# Of fewer photos in a decade the model learns little, and its errors there are hardly known.
FEW_PHOTOS = 100

# Whipple's index below a bound, and what it says of the ages.
# Source: the scale of the United Nations for censuses, Demographic Yearbook, technical notes.
_WHIPPLE_SCALE = ((105, "highly accurate"), (110, "fairly accurate"), (125, "approximate"), (175, "rough"))


def whipple_class(index: float) -> str:
    """The United Nations' word for ages with this index, from "highly accurate" to "very rough"."""
    return next((word for bound, word in _WHIPPLE_SCALE if index < bound), "very rough")


def render_report(
    summary: Mapping[str, Any], decades: pd.DataFrame, findings: pd.DataFrame, *, drawn_faces: bool
) -> str:
    """The description as Markdown; its pictures are linked by the names the stage gives them.

    Args:
        summary: what `eda.summarise` returned.
        decades: what `eda.decade_table` returned.
        findings: the findings of validate_data, with their `rule`, a name in `rules.RULES`.
        drawn_faces: whether the photos are the demo's drawings.
    """
    paragraphs = [
        "# The photos",
        "> The photos are **drawn faces** from the demo, not photos of people." if drawn_faces else "",
        _sample(summary),
        "## Ages",
        _ages(summary["age_years"]),
        "![Ages](ages.png)",
        _decades(decades),
        _scarce(decades),
        _rounding(summary["rounding"]),
        "## Image sizes",
        _sizes(summary["image_size_px"]),
        "![Image sizes](image_sizes.png)",
        "## What validation found",
        _findings(findings),
        "## Examples",
        "![Examples with their ages](contact_sheet.png)",
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


def _sample(summary: Mapping[str, Any]) -> str:
    n_photos, n_groups = summary["n_photos"], summary["n_duplicate_groups"]
    text = f"There {'is 1 usable photo' if n_photos == 1 else f'are {n_photos:,} usable photos'}."
    if n_groups < n_photos:
        text += f" They show {n_groups:,} different pictures; the others are copies, or nearly so."
    return text


def _ages(age: Mapping[str, float]) -> str:
    sd = f" with a standard deviation of {age['sd']:.1f}" if "sd" in age else ""
    return (
        f"The mean age is {age['mean']:.1f} years{sd}. The youngest is {age['min']:g}, the oldest "
        f"{age['max']:g}; a quarter is below {age['quartile_1']:g}, half below {age['median']:g}, "
        f"three quarters below {age['quartile_3']:g}."
    )


def _decades(decades: pd.DataFrame) -> str:
    rows = [f"| {row.decade} | {row.n:,} | {row.share:.1%} |" for row in decades.itertuples()]
    return "\n".join(["| Age (years) | Photos | Share |", "|---|---:|---:|", *rows])


def _scarce(decades: pd.DataFrame) -> str:
    scarce = decades[decades["n"] < FEW_PHOTOS]
    if scarce.empty:
        return ""
    listed = ", ".join(f"{row.decade} ({row.n})" for row in scarce.itertuples())
    return (
        f"Decades with fewer than {FEW_PHOTOS} photos: {listed}. Expect larger errors there, and do not "
        "trust figures that rest on so few."
    )


def _rounding(rounding: Mapping[str, float]) -> str:
    text = (
        f"**Rounded ages.** {rounding['share_ending_0_or_5']:.1%} of the ages end in 0 or 5; when nobody "
        "rounds and ages spread smoothly it is about 20 %."
    )
    if "whipple_index" not in rounding:
        return f"{text} Whipple's index cannot be had: no age lies from 23 to 62."
    index, low, high = (rounding[f"whipple_{name}"] for name in ("index", "low", "high"))
    text += (
        " Whipple's index, which compares them from 23 to 62 (100: no rounding, 500: nothing but round "
        f"numbers), is {index:.0f} (95 % interval {low:.0f} to {high:.0f}): "
        f'"{whipple_class(index)}" on the United Nations\' scale for censuses.'
    )
    if low > 100:
        text += " Some labels seem to be rounded to five years; no model can be closer than its labels."
    return text


def _sizes(size: Mapping[str, Any]) -> str:
    if size["n_sizes"] == 1:
        return f"All photos have {size['commonest']} pixels."
    return (
        f"There are {size['n_sizes']:,} sizes; the commonest, {size['commonest']} pixels, is that of "
        f"{size['commonest_share']:.0%} of the photos. Widths go from {size['min_width']:,} to "
        f"{size['max_width']:,} pixels (half below {size['median_width']:,}), heights from "
        f"{size['min_height']:,} to {size['max_height']:,} (half below {size['median_height']:,})."
    )


def _findings(findings: pd.DataFrame) -> str:
    if findings.empty:
        return "Nothing: every row has a photo and an age, and no photo shows what another does."
    counts = findings[RULE].value_counts()
    rows = [
        f"| {counts[name]:,} | {name} | {rule.severity} | {rule.meaning} |"
        for name, rule in RULES.items()
        if name in counts
    ]
    return "\n".join(
        [
            "An error leaves its row out; a warning does not, unless it says so.",
            "",
            "| Count | Finding | Severity | What it means |",
            "|---:|---|---|---|",
            *rows,
        ]
    )
