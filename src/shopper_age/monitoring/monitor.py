"""Monitoring of a table of answers: compares it, and writes the report."""

from pathlib import Path

from shopper_age import paths
from shopper_age.evaluation.html_page import html_page
from shopper_age.inference.decision import Decision
from shopper_age.monitoring.comparison import Comparison, compare
from shopper_age.monitoring.report import figures, render_report
from shopper_age.monitoring.samples import read_answers, read_test_part
from shopper_age.runtime.files import write_files, write_text

PAGE = "report.html"


def monitor(answers: Path, out: Path, *, reference: Path | None = None) -> Comparison:
    """The comparison of a table of answers with the test part, or with an earlier table; written to `out`.

    These are report.md, the same as report.html, which needs no other file, two tables and the pictures.

    Raises:
        FileNotFoundError: a table is missing, or no model was evaluated here.
        ValueError: a table cannot be read or is of another model.
    """
    recent = read_answers(answers)
    if reference is None:
        before = read_test_part(paths.PREDICTIONS, Decision.load(paths.DECISION).model_md5)
    else:
        before = read_answers(reference)
    comparison = compare(before, recent)
    report = render_report(comparison)
    pictures = figures(comparison)
    write_files(
        out,
        {
            **pictures,
            "shifts.csv": comparison.shifts,
            "problems.csv": comparison.problems,
            "report.md": report,
        },
    )
    for left in set(out.glob("*.png")) - {out / name for name in pictures}:
        if left.stem in ("stability", *before.values, *recent.values):  # of an earlier run, with more columns
            left.unlink()
    write_text(out / PAGE, html_page(report, out, with_people=False))
    return comparison
