"""The command `shopper-age`: what people ask for beside the pipeline."""

import json
import sys
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(help="From face photos with known ages to an age model.", no_args_is_help=True)

_EVALUATION = Path("reports/evaluate")
_PICTURES = (
    (_EVALUATION / "report.md", "the model's analysis in words"),
    (_EVALUATION / "predicted_against_true.png", "predicted against true age"),
    (_EVALUATION / "worst_photos.png", "the photos with the largest errors"),
    (Path("reports/eda/contact_sheet.png"), "some of the photos"),
    (Path("reports/eda/ages.png"), "the ages"),
)


@app.callback()
def main() -> None:
    """From face photos with known ages to an age model."""


@app.command()
def result() -> None:
    """Prints the figures of the last evaluation, and where its pictures are."""
    path = _EVALUATION / "metrics.json"
    if not path.is_file():
        _stop(f"{path} not found: run `dvc repro` first, or `make demo` to see it work on drawn faces")
    figures = json.loads(path.read_text(encoding="utf-8"))
    table = Table("Figure", "Value", title="Result on the test part")
    for name, value in _headline(figures):
        table.add_row(name, value)
    console = Console()
    console.print(table)
    for file, meaning in _PICTURES:
        if file.is_file():
            console.print(f"{file}  ({meaning})", highlight=False)


@app.command()
def send_log() -> None:
    """Sends to MLflow what could not be logged while its store did not answer."""
    from shopper_age.tracking import send_spool

    sent = send_spool()
    for name in sent.runs:
        print(f"sent: {name}")
    if sent.failures:
        _stop("\n".join(sent.failures))
    if not sent.runs:
        print("nothing waits to be sent")


def _headline(figures: dict[str, Any]) -> list[tuple[str, str]]:
    mae, baseline = figures["mae"], figures["baseline_mae"]
    interval = (
        f" (95 % interval {figures['mae_low']:.2f}–{figures['mae_high']:.2f})" if "mae_low" in figures else ""
    )
    return [
        ("photos", f"{figures['n_test']:,}"),
        ("mean absolute error (MAE)", f"{mae:.2f} years{interval}"),
        ("MAE of always the median age", f"{baseline:.2f} years"),
        ("better than that by", f"{1 - mae / baseline:.0%}" if baseline else "–"),
        ("bias (predicted − true)", f"{figures['bias']:+.2f} years"),
        ("within 5 years", f"{figures['cs5']:.0%}"),
        ("meets the requirement", "yes" if figures["meets_requirement"] else "no"),
    ]


def _stop(message: str) -> None:
    sys.exit(f"shopper-age: {message}")
