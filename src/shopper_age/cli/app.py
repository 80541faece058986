"""Commands of `shopper-age`."""

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shopper_age.runtime.stage import configure_logging

if TYPE_CHECKING:
    from shopper_age import Comparison, Result


app = typer.Typer(help="From face photos with known ages to an age model.", no_args_is_help=True)

_MODEL = Path("models/age_resnet50.keras")

_EVALUATION = Path("reports/evaluate")

_PICTURES = (
    (_EVALUATION / "report.md", "the model's analysis in words"),
    (_EVALUATION / "predicted_against_true.png", "predicted against true age"),
    (_EVALUATION / "worst_photos.png", "the photos with the largest errors"),
    (Path("reports/eda/contact_sheet.png"), "some of the photos"),
    (Path("reports/eda/ages.png"), "the ages"),
)

# What `compare` calls the figures, and whether they are shares rather than years.
_COMPARED = {
    "mae": ("mean absolute error (MAE)", False),
    "bias": ("bias (predicted − true)", False),
    "cs5": ("within 5 years", True),
    "group_accuracy": ("right age group", True),
    "id_false_positive_rate_at_25": ("minors not asked, if asked below 25", True),
    "id_request_rate_at_25": ("adults asked, if asked below 25", True),
}

_Name = Annotated[str, typer.Argument(help="A DVC experiment, a Git revision, or `workspace`.")]


@app.callback()
def main() -> None:
    """From face photos with known ages to an age model."""
    configure_logging()


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
def compare(a: _Name, b: _Name) -> None:
    """Says whether B is really better than A, judged on the same test photos."""
    from shopper_age.experiments.comparison import changed_params, describe
    from shopper_age.experiments.comparison import compare as compare_predictions
    from shopper_age.experiments.results import read_result

    try:
        result_a, result_b = read_result(a), read_result(b)
        settings = {**result_a.params.get("evaluate", {}), **result_b.params.get("evaluate", {})}
        comparison = compare_predictions(
            result_a.predictions,
            result_b.predictions,
            age_groups=settings.get("age_groups"),
            legal_age=settings.get("legal_age"),
        )
    except (ValueError, OSError) as error:
        _stop(str(error))
    console = Console()
    params = Table("Parameter", escape(a), escape(b), title="Parameters that differ")
    for name, value_a, value_b in changed_params(result_a.params, result_b.params).itertuples():
        params.add_row(name, escape(value_a), escape(value_b))
    console.print(params if params.rows else "No parameter differs.")
    console.print(_comparison_table(result_a, result_b, comparison))
    console.print(escape(describe(comparison, a, b)), highlight=False)


@app.command()
def sweep(
    grid: Annotated[list[str], typer.Argument(help="NAME=VALUE,VALUE,… with the names of params.yaml.")],
    name: Annotated[str | None, typer.Option(help="Made of the time if not given.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Experiments at a time.")] = 1,
) -> None:
    """Runs every combination of some settings as an experiment, and prints them by validation MAE."""
    from shopper_age.experiments import sweep as sweeps
    from shopper_age.params import load_params

    name = name or sweeps.new_name()
    try:
        sweeps.queue_grid(grid, name, data_path=load_params().data_path)
        print(f"The sweep is {name}. `dvc queue logs {name}-1 --follow` shows how its first training goes.")
        states = sweeps.run_queue(name, jobs=jobs, on_change=lambda *change: print(*change, flush=True))
    except KeyboardInterrupt:
        _stop(
            f"it goes on in the background: `shopper-age ranking {name}` shows how far it is, "
            "`dvc queue stop --kill` ends it"
        )
    except (ValueError, OSError, RuntimeError) as error:
        _stop(str(error))
    _print_ranking(name, sweeps.grid_params(grid))
    if n_failed := sum(state == "Failed" for state in states.values()):
        _stop(f"{n_failed} of {len(states)} experiments failed")


@app.command()
def ranking(
    name: Annotated[str | None, typer.Argument(help="Of a sweep; all experiments if not given.")] = None,
) -> None:
    """Prints the experiments of the present commit, those of the queue too, by validation MAE."""
    _print_ranking(name)


@app.command()
def promote() -> None:
    """Registers the current model in MLflow; the champion it becomes only if it is really better."""
    from shopper_age.experiments.dvc import WORKSPACE
    from shopper_age.experiments.promotion import promote as promote_model
    from shopper_age.experiments.results import check_evaluated, read_result
    from shopper_age.params import load_params
    from shopper_age.tracking.registry import RegistryError

    try:
        experiment = load_params().tracking.experiment
        check_evaluated(_MODEL)
        print(promote_model(read_result(WORKSPACE), _MODEL, experiment=experiment).sentence)
    except (ValueError, OSError, RegistryError) as error:
        _stop(str(error))


@app.command()
def send_log() -> None:
    """Sends to MLflow what could not be logged while its store did not answer."""
    from shopper_age.tracking import sync_offline_logs

    report = sync_offline_logs()
    for name in report.runs:
        print(f"sent: {name}")
    if report.failures:
        _stop("\n".join(report.failures))
    if not report.runs:
        print("nothing waits to be sent")


def _print_ranking(sweep_name: str | None, params: list[str] | None = None) -> None:
    """Prints a sweep's experiments, or all, with these settings or those in which they differ."""
    from shopper_age.experiments.ranking import FAILED, ranking_table, read_experiments, varied_params
    from shopper_age.experiments.sweep import is_of_sweep

    try:
        experiments = [e for e in read_experiments() if sweep_name is None or is_of_sweep(e.name, sweep_name)]
    except ValueError as error:
        _stop(str(error))
    if not experiments:
        _stop(f"there is no experiment{f' of {sweep_name}' if sweep_name else ''} on this commit")
    console = Console()
    console.print(ranking_table(experiments, params or varied_params(experiments)))
    for experiment in experiments:
        if experiment.state == FAILED:
            console.print(
                f"{experiment.name} failed: `dvc queue logs {experiment.name}` shows why.", soft_wrap=True
            )


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


def _comparison_table(a: "Result", b: "Result", comparison: "Comparison") -> Table:
    table = Table(
        *("Figure", escape(a.name), escape(b.name), "Difference", "95 % interval", "Photos"),
        title=f"On the {comparison.n_common:,} test photos of both",
    )
    for name, figure in comparison.figures.iterrows():
        meaning, is_share = _COMPARED[str(name)]
        scale, form, unit = (100, ".1f", "%") if is_share else (1, ".2f", "years")
        value_a, value_b, difference, low, high = (
            scale * figure[column] for column in ("a", "b", "difference", "low", "high")
        )
        interval = "–" if math.isnan(low) else f"{low:+{form}} to {high:+{form}}"
        if low == high == 0:  # which would look like certainty
            interval = "no photo differs"
        values = (f"{value_a:{form}}", f"{value_b:{form}}", f"{difference:+{form}}", interval)
        table.add_row(f"{meaning}, {unit}", *values, f"{figure['n']:,.0f}")
    if comparison.n_only_a or comparison.n_only_b:
        table.add_row("MAE on its whole test part, years", *(f"{r.metrics['mae']:.2f}" for r in (a, b)))
    met = ("yes" if result.metrics["meets_requirement"] else "no" for result in (a, b))
    table.add_row("meets its requirement, on its whole test part", *met)
    return table


def _stop(message: str) -> NoReturn:
    sys.exit(f"shopper-age: {message}")
