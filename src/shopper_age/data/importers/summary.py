"""The outcome of an import for the terminal: what was taken, what was left out and why, what to do next."""

from pathlib import Path
from typing import TYPE_CHECKING

from shopper_age.data.importers.records import PERSON
from shopper_age.data.importers.writing import SKIPPED_FILE, Import
from shopper_age.data.tables import FILE_NAME, REAL_AGE, SPLIT
from shopper_age.runtime.messages import shorten, shorten_list

if TYPE_CHECKING:
    from rich.table import Table


def summary_table(done: Import) -> "Table":
    """A row for the photos that were taken, and one for each reason to leave some out, by its count."""
    from rich.markup import escape
    from rich.table import Table

    table = Table("what", title="Import")
    table.add_column("photos", justify="right")
    table.add_column("for example")
    ages = done.labels[REAL_AGE].astype(float)
    ways = {"linked": done.n_linked, "copied": done.n_copied, "there already": done.n_kept}
    how = ", ".join(f"{n:,} {way}" for way, n in ways.items() if n)
    columns = shorten_list(done.labels.columns[2:])
    table.add_row("taken", f"{len(done.labels):,}", f"ages {ages.min():g} to {ages.max():g}; {how}")
    if columns:
        table.add_row("further columns", "", escape(columns))
    for reason, n in done.skipped["reason"].value_counts().items():
        first = done.skipped.loc[done.skipped["reason"] == reason, FILE_NAME].iloc[0]
        table.add_row(f"left out: {reason}", f"{n:,}", escape(shorten(first)))
    return table


def next_steps(done: Import, target: Path) -> str:
    """What to do with the imported photos."""
    lines = []
    if len(done.skipped):
        lines.append(f"{target / SKIPPED_FILE} lists all that was left out.")
    if SPLIT in done.labels:
        lines.append("For the official parts, set split.strategy in params.yaml to column.")
    if PERSON in done.labels:
        lines.append(f"To keep each person in one part, set split.group_column in params.yaml to {PERSON}.")
    if target != Path("data/faces"):
        lines.append(f"Set data_path in params.yaml to {target}.")
    lines.append(f"Next: `dvc add {target}`, then `dvc repro`. The licence of the photos is yours to check.")
    return "\n".join(lines)
