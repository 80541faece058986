"""Terminal tables of a result, a comparison and a ranking."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from shopper_age.experiments.comparison import (
    THRESHOLD_AGE,
    Comparison,
    changed_params,
    compare_results,
    describe,
)
from shopper_age.experiments.ranking import DONE, Experiment, on_other_photos, ranked
from shopper_age.experiments.results import Result
from shopper_age.markdown import cell

# What the metrics of a comparison are called, and whether they are shares rather than years.
_COMPARED = {
    "mae": ("mean absolute error (MAE)", False),
    "bias": ("bias (predicted − true)", False),
    "cs5": ("within 5 years", True),
    "group_accuracy": ("right age group", True),
    f"id_false_positive_rate_at_{THRESHOLD_AGE}": (f"minors not asked, if asked below {THRESHOLD_AGE}", True),
    f"id_request_rate_at_{THRESHOLD_AGE}": (f"adults asked, if asked below {THRESHOLD_AGE}", True),
}

# An interval of fewer is as wide as all that is possible: "−50 %, −100 % to 0 %" of two minors.
_FEW_PHOTOS = 10

# Marks experiments on other photos.
_OTHER = "≠"


def result_table(metrics: Mapping[str, Any]) -> Table:
    """The metrics of an evaluation that matter first, from its metrics.json."""
    mae, baseline = metrics["mae"], metrics["baseline_mae"]
    interval = (
        f" (95 % interval {metrics['mae_low']:.2f}–{metrics['mae_high']:.2f})" if "mae_low" in metrics else ""
    )
    table = Table("Metric", "Value", title="Result on the test part")
    table.add_row("photos", f"{metrics['n_test']:,}")
    table.add_row("mean absolute error (MAE)", f"{mae:.2f} years{interval}")
    table.add_row("MAE of always the median age", f"{baseline:.2f} years")
    table.add_row("better than that by", f"{1 - mae / baseline:.0%}" if baseline else "–")
    if "is_useful" in metrics:
        table.add_row("of any use", "yes" if metrics["is_useful"] else "not shown: see the report")
    table.add_row("bias (predicted − true)", f"{metrics['bias']:+.2f} years")
    table.add_row("within 5 years", f"{metrics['cs5']:.0%}")
    table.add_row("meets the requirement", "yes" if metrics["meets_requirement"] else "no")
    return table


def compared(a: Result, b: Result) -> list[Table | str]:
    """Two results side by side, to print one after the other: settings, metrics, and the outcome in words.

    Raises:
        ValueError: they cannot be compared.
    """
    comparison = compare_results(a, b)
    params = Table(*_columns("Parameter", a.name, b.name), title="Parameters that differ")
    for name, value_a, value_b in changed_params(a.params, b.params).itertuples():
        params.add_row(name, escape(value_a), escape(value_b))
    return [
        params if params.rows else "No parameter differs.",
        _comparison_table(a, b, comparison),
        escape(describe(comparison, a.name, b.name)),
    ]


def ranking_table(experiments: Iterable[Experiment], params: Sequence[str]) -> Table:
    """A row per experiment, in the order of `ranked`, with a column for each of the settings `params`.

    Names are never cut, for the next command needs them. Those with other photos than most are marked.
    """
    experiments = ranked(experiments)
    others = on_other_photos(experiments)
    caption = f"{_OTHER} other photos or another split: compares with none of the others" if others else None
    table = Table(title="By validation MAE, in years", caption=caption, caption_justify="left")
    table.add_column("Experiment", no_wrap=True, min_width=max((len(e.name) for e in experiments), default=0))
    for name in params:
        table.add_column(escape(name), overflow="fold")
    for heading in ("validation", "test", "photos/s"):
        table.add_column(heading, justify="right")
    table.add_column("state")
    for experiment in experiments:
        settings = (escape(str(experiment.params.get(name, "–"))) for name in params)
        metrics = (experiment.val_mae, experiment.mae, experiment.images_per_second)
        shown = ("–" if math.isnan(metric) else f"{metric:.2f}" for metric in metrics)
        state = "" if experiment.state == DONE else experiment.state
        if experiment.name in others:
            state = f"{state} {_OTHER}".strip()
        table.add_row(escape(experiment.name), *settings, *shown, state)
    return table


def as_markdown(part: Table | str) -> str:
    """A table below its title, or a text, as Markdown, whose lines a page breaks where it needs to."""
    if isinstance(part, str):
        return _plain(part)
    columns = [[column.header, *column.cells] for column in part.columns]
    heading, *rows = ([cell(_plain(value)) for value in row] for row in zip(*columns, strict=True))
    lines = [heading, ["---"] * len(columns), *rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"**{_plain(part.title)}**\n\n{table}" if part.title else table


def _columns(*headings: str) -> Iterator[Column]:
    """Columns whose text goes on in the next line, so that no name is cut."""
    return (Column(escape(heading), overflow="fold") for heading in headings)


def _plain(markup: Any) -> str:
    return Text.from_markup(str(markup)).plain


def _comparison_table(a: Result, b: Result, comparison: Comparison) -> Table:
    table = Table(
        *_columns("Metric", a.name, b.name, "Difference", "95 % interval", "Photos"),
        title=f"On the {comparison.n_common:,} test photos of both",
    )
    for name, metric in comparison.metrics.iterrows():
        meaning, is_share = _COMPARED[str(name)]
        scale, form, unit = (100, ".1f", "%") if is_share else (1, ".2f", "years")
        value_a, value_b, difference, low, high = (
            scale * metric[column] for column in ("a", "b", "difference", "low", "high")
        )
        interval = "–" if math.isnan(low) else f"{low:+{form}} to {high:+{form}}"
        if low == high == 0:  # which would look like certainty
            interval = "no photo differs"
        elif metric["n"] < _FEW_PHOTOS:
            interval = "too few photos"
        values = (f"{value_a:{form}}", f"{value_b:{form}}", f"{difference:+{form}}", interval)
        table.add_row(f"{meaning}, {unit}", *values, f"{metric['n']:,.0f}")
    if comparison.n_only_a or comparison.n_only_b:
        table.add_row("MAE on its whole test part, years", *(f"{r.metrics['mae']:.2f}" for r in (a, b)))
    met = ("yes" if result.metrics["meets_requirement"] else "no" for result in (a, b))
    table.add_row("meets its requirement, on its whole test part", *met)
    return table
