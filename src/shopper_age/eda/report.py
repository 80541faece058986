"""The report of stage eda, in Markdown."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from shopper_age.data.tables import FILE_NAME
from shopper_age.eda.summary import MIN_COUNTED, MIN_SPREAD_YEARS
from shopper_age.markdown import cell, render
from shopper_age.runtime.messages import shorten_list
from shopper_age.validation.rules import FACE_RULES, RULE, RULES

# Of fewer photos in a decade the model learns little, and its errors there are hardly known.
FEW_PHOTOS = 100

# Photos that are named for having no face, or several; findings.csv names all.
N_NAMED = 20

# Whipple's index below a bound, and what it says of the ages.
# Source: the scale of the United Nations for censuses, Demographic Yearbook, technical notes.
_WHIPPLE_SCALE = ((105, "highly accurate"), (110, "fairly accurate"), (125, "approximate"), (175, "rough"))


def whipple_class(index: float) -> str:
    """The United Nations' word for ages with this index, from "highly accurate" to "very rough"."""
    return next((word for bound, word in _WHIPPLE_SCALE if index < bound), "very rough")


def render_report(
    summary: Mapping[str, Any],
    decades: pd.DataFrame,
    findings: pd.DataFrame,
    *,
    drawn_faces: bool,
    warning: str = "",
) -> str:
    """The description as Markdown; its pictures are linked by the names the stage gives them.

    Args:
        summary: what `eda.summarise` returned.
        decades: what `eda.decade_table` returned.
        findings: the findings of validate_data, with their `rule`, a name in `rules.RULES`.
        drawn_faces: whether the photos are the demo's drawings.
        warning: what stands before all else about the ages, such as `tables.one_age`.
    """
    rounding = summary["rounding"]
    counts = findings[RULE].value_counts()
    return render(
        "shopper_age.eda",
        "report.md.j2",
        drawn_faces=drawn_faces,
        warning=warning,
        n_photos=summary["n_photos"],
        n_duplicate_groups=summary["n_duplicate_groups"],
        age=summary["age_years"],
        decades=decades.to_dict("records"),
        scarce=decades[decades["n"] < FEW_PHOTOS].to_dict("records"),
        few_photos=FEW_PHOTOS,
        rounding=rounding,
        whipple_needs={"photos": MIN_COUNTED, "years": MIN_SPREAD_YEARS},
        whipple_class=whipple_class(rounding["whipple_index"]) if "whipple_index" in rounding else None,
        size=summary["image_size_px"],
        photos_by_faces={
            name: shorten_list(map(cell, findings.loc[findings[RULE] == name, FILE_NAME]), N_NAMED)
            for name in FACE_RULES
            if name in counts
        },
        findings=[
            {"count": counts[name], "name": name, **rule._asdict()}
            for name, rule in RULES.items()
            if name in counts
        ],
    )
