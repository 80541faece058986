"""The report of a comparison, as Markdown, as a page, and in short, and its pictures."""

from typing import Any

from matplotlib.figure import Figure

from shopper_age.markdown import render
from shopper_age.metrics.drift import LARGE_INDEX, MIN_SAMPLE, MODERATE_INDEX, share_table
from shopper_age.monitoring.comparison import Comparison
from shopper_age.monitoring.samples import TEST_PART
from shopper_age.plots.drift import distributions_figure, stability_figure

_PACKAGE = "shopper_age.monitoring"

# Title and axis of each picture; the names of the files are those of the quantities.
_PICTURES = {
    "age": ("Estimated ages", "Estimated age (years)"),
    "interval_width": ("Widths of the intervals", "Width of the interval (years)"),
    "brightness": ("Brightness", "Mean grey (0 = black, 255 = white)"),
    "sharpness": ("Sharpness", "Variance of the Laplacian"),
    "shorter_side": ("Size", "Shorter side (pixels)"),
}


def render_report(comparison: Comparison) -> str:
    """The whole report as Markdown; its pictures are linked by the names that `figures` gives them."""
    return render(_PACKAGE, "report.md.j2", **_values(comparison))


def render_in_short(comparison: Comparison) -> str:
    """What moved and which way, a line each, for a terminal."""
    return render(_PACKAGE, "_in_short.md.j2", **_values(comparison)).strip()


def figures(comparison: Comparison) -> dict[str, Figure]:
    """The pictures by file name: one of all indices, and one of each quantity that could be compared."""
    names = ("test part" if comparison.reference.source == TEST_PART else "reference", "answers")
    index = comparison.shifts[["quantity", "psi", "psi_by_chance"]].copy()
    index.loc[len(index)] = ["problems", comparison.problem_psi, comparison.problem_psi_by_chance]
    index["quantity"] = [_PICTURES.get(name, ("Problems",))[0] for name in index["quantity"]]
    n_rows = (comparison.reference.n_rows, comparison.recent.n_rows)
    made = {"stability.png": stability_figure(index, marks=(MODERATE_INDEX, LARGE_INDEX), counts=n_rows)}
    for name in _compared(comparison):
        values = comparison.reference.values[name], comparison.recent.values[name]
        title, label = _PICTURES[name]
        counts = (values[0].size, values[1].size)
        made[f"{name}.png"] = distributions_figure(
            share_table(*values), title=title, label=label, names=names, counts=counts
        )
    return made


def _compared(comparison: Comparison) -> list[str]:
    shifts = comparison.shifts
    return shifts.loc[shifts["psi"].notna(), "quantity"].to_list()


def _values(comparison: Comparison) -> dict[str, Any]:
    return {
        "reference": comparison.reference.source,
        "is_test_part": comparison.reference.source == TEST_PART,
        "recent": comparison.recent.source,
        "n_reference": comparison.reference.n_rows,
        "n_rows": comparison.recent.n_rows,
        "n_estimates": comparison.recent.n_estimates,
        "n_problems": comparison.recent.problems.total(),
        "n_problems_before": comparison.reference.problems.total(),
        "model": next(iter(comparison.recent.models), None),
        "is_model_told": comparison.is_model_told,
        "shifts": comparison.shifts.to_dict("records"),
        "pictures": [(name, _PICTURES[name][0]) for name in _compared(comparison)],
        "problems": comparison.problems.to_dict("records"),
        "problem_psi": comparison.problem_psi,
        "problem_psi_by_chance": comparison.problem_psi_by_chance,
        "problem_verdict": comparison.problem_verdict,
        "problem_direction": comparison.problem_direction,
        "not_compared": comparison.not_compared,
        "missing_recent": comparison.recent.missing,
        "marks": (MODERATE_INDEX, LARGE_INDEX),
        "min_sample": MIN_SAMPLE,
    }
