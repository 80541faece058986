"""Commands of `shopper-age`."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from shopper_age import paths
from shopper_age.cli import data, models
from shopper_age.cli.messages import stop, tell
from shopper_age.runtime.interruption import INTERRUPTIONS, interruption_told
from shopper_age.runtime.stage import configure_logging


class _Commands(typer.core.TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        with interruption_told("shopper-age"):
            return super().invoke(ctx)


app = typer.Typer(
    cls=_Commands, help="From face photos with known ages to an age model.", no_args_is_help=True
)

_SEE_ALSO = {
    paths.EVALUATION / "report.md": "the model's analysis in words",
    paths.EVALUATION / "predicted_against_true.png": "predicted against true age",
    paths.EVALUATION / "worst_photos.png": "the photos with the largest errors",
    paths.EDA / "contact_sheet.png": "some of the photos",
    paths.EDA / "ages.png": "the ages",
}

_REPORT, _COMMENT = "training-report.md", "training-comment.md"

_FACES = Path("data/faces")

_Name = Annotated[str, typer.Argument(help="A DVC experiment, a Git revision, or `workspace`.")]


@app.callback()
def main() -> None:
    """From face photos with known ages to an age model."""
    configure_logging()


@app.command()
def result() -> None:
    """Prints the metrics of the last evaluation, and where its pictures are."""
    from shopper_age.experiments.tables import result_table

    if not paths.METRICS.is_file():
        stop(
            f"{paths.METRICS} not found: run `dvc repro` first, or `make demo` to see it work on drawn faces"
        )
    console = Console()
    console.print(result_table(json.loads(paths.METRICS.read_text(encoding="utf-8"))))
    for file, meaning in _SEE_ALSO.items():
        if file.is_file():
            console.print(f"{file}  ({meaning})", highlight=False)


@app.command()
def compare(a: _Name, b: _Name) -> None:
    """Says whether B is really better than A, judged on the same test photos."""
    from shopper_age.experiments.results import read_result
    from shopper_age.experiments.tables import compared

    try:
        parts = compared(read_result(a), read_result(b))
    except (ValueError, OSError) as error:
        stop(str(error))
    console = Console()
    for part in parts:
        console.print(part, highlight=False)


@app.command()
def sweep(
    grid: Annotated[list[str], typer.Argument(help="NAME=VALUE,VALUE,… with the names of params.yaml.")],
    name: Annotated[str | None, typer.Option(help="Made of the time if not given.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="At a time; 1, on Ray as there is room.")] = None,
    ray: Annotated[
        bool | None, typer.Option(help="Trains on Ray, on the cluster at RAY_ADDRESS; so if that is set.")
    ] = None,
    cpus: Annotated[int, typer.Option(min=1, help="Cores for each training on Ray.")] = 1,
    asha: Annotated[bool, typer.Option("--asha", help="On Ray: stops what is worse than others.")] = False,
) -> None:
    """Trains with every combination of some settings, and prints them by validation MAE."""
    from shopper_age.experiments import sweep as sweeps
    from shopper_age.params import load_params

    name = name or sweeps.new_name()
    if ray is None:
        ray = bool(os.environ.get("RAY_ADDRESS"))
    if asha and not ray:
        stop("--asha is for a sweep on Ray: add --ray, or set RAY_ADDRESS")
    if ray:
        _sweep_on_ray(grid, name, n_at_a_time=jobs, n_cpus=cpus, asha=asha)
        return
    jobs = jobs or 1
    try:
        sweeps.queue_grid(grid, name, data_path=load_params().data_path)
        print(f"The sweep is {name}. `dvc queue logs {name}-1 --follow` shows how its first training goes.")
        states = sweeps.run_queue(name, jobs=jobs, on_change=lambda *change: print(*change, flush=True))
    except INTERRUPTIONS as interruption:
        interruption.add_note(
            f"the sweep goes on in the background: `shopper-age ranking {name}` shows how far it is, "
            "`dvc queue stop --kill` ends it"
        )
        raise
    except (ValueError, OSError, RuntimeError) as error:
        stop(str(error))
    _print_ranking(name, sweeps.grid_params(grid))
    if n_failed := sum(state == "Failed" for state in states.values()):
        stop(f"{n_failed} of {len(states)} experiments failed")


@app.command()
def ranking(
    name: Annotated[str | None, typer.Argument(help="Of a sweep; all experiments if not given.")] = None,
    best: Annotated[int | None, typer.Option(min=1, help="Only so many, from the best on.")] = None,
) -> None:
    """Prints the experiments of the present commit, those of the queue too, by validation MAE."""
    _print_ranking(name, best=best)


@app.command()
def report(
    base: Annotated[str, typer.Argument(help="A DVC experiment or a Git revision.")] = "origin/main",
) -> None:
    """Writes training-report.md: the workspace against a revision, or alone where that has no result."""
    from shopper_age.experiments.report import training_report
    from shopper_age.runtime.files import write_text

    try:
        write_text(_REPORT, training_report(base) + "\n")
    except (ValueError, OSError) as error:
        stop(str(error))


@app.command()
def comment(
    outcome: Annotated[str, typer.Option(envvar="OUTCOME", help="How the run ended.")] = "success",
    run_url: Annotated[str, typer.Option(envvar="RUN_URL", help="The page of the run.")] = "",
) -> None:
    """Writes training-comment.md: the model's verdicts and training-report.md, without pictures."""
    from shopper_age.experiments.comment import SUCCESS, training_comment
    from shopper_age.runtime.files import write_text

    texts = {"report": Path(_REPORT), "analysis": paths.EVALUATION / "report.md"}
    for file in texts.values() if outcome == SUCCESS else ():
        if not file.is_file():
            stop(f"{file} not found: run `dvc repro` and `make report` first")
    read = {name: file.read_text(encoding="utf-8") if file.is_file() else "" for name, file in texts.items()}
    write_text(_COMMENT, training_comment(outcome, run_url=run_url, **read) + "\n")


@app.command()
def promote() -> None:
    """Registers the current model in MLflow; the champion it becomes only if it is really better."""
    from shopper_age.experiments.dvc import WORKSPACE
    from shopper_age.experiments.promotion import promote as promote_model
    from shopper_age.experiments.results import check_evaluated, read_result
    from shopper_age.params import load_params
    from shopper_age.tracking.registry import RegistryError

    def export() -> None:
        from shopper_age.data.tables import read_splits
        from shopper_age.export.exporting import export as export_model
        from shopper_age.inference.decision import Decision

        tell(f"no export of this model lies beside it: writing {paths.MODEL.with_suffix('.onnx')}")
        export_model(paths.MODEL, Decision.load(paths.DECISION), params.data_path, read_splits(paths.SPLITS))

    try:
        params = load_params()
        check_evaluated(paths.MODEL)
        promotion = promote_model(
            read_result(WORKSPACE), paths.MODEL, experiment=params.tracking.experiment, export=export
        )
    except ModuleNotFoundError as error:
        stop(
            f"a model is registered as ONNX with what answers for photos, and something of that is not "
            f"installed: {error}. `make env` installs all of it"
        )
    except (ValueError, OSError, RuntimeError, RegistryError) as error:
        stop(str(error))
    print(promotion.sentence)


@app.command("import")
def import_(
    format: Annotated[str, typer.Argument(help="appa-real, utkface, agedb, afad, imdb-wiki or lagenda.")],
    source: Annotated[Path, typer.Argument(help="The folder with the unpacked set.")],
    target: Annotated[Path, typer.Argument(help="The folder for labels.csv and final_files/.")] = _FACES,
    age: Annotated[str, typer.Option(help="real or apparent (appa-real).")] = "real",
    faces: Annotated[bool, typer.Option(help="The faces alone (appa-real, lagenda).")] = False,
    copy: Annotated[bool, typer.Option(help="Copies photos that could be hard links.")] = False,
) -> None:
    """Imports a public set of face photos with ages; docs/public-data.md says which and from where."""
    from shopper_age.data.importers.records import Options
    from shopper_age.data.importers.summary import next_steps, summary_table
    from shopper_age.data.importers.writing import import_photos

    try:
        done = import_photos(format, source, target, options=Options(age, faces), copy=copy)
    except KeyboardInterrupt:
        stop("stopped; the same command goes on with what is missing")
    except (ValueError, OSError) as error:
        stop(str(error))
    console = Console()
    console.print(summary_table(done))
    console.print(next_steps(done, target), highlight=False, soft_wrap=True)


@app.command()
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of this machine.")] = 5000,
) -> None:
    """Serves MLflow's pages on this machine and says where; of a server only the address."""
    from shopper_age.params import load_params
    from shopper_age.tracking.store import is_server
    from shopper_age.tracking.ui import serve, server_page

    try:
        experiment = load_params().tracking.experiment
        if is_server():
            print(f"The models are on the server, the best first: {server_page(experiment)}")
        else:
            serve(experiment, port=port)
    except (ValueError, OSError) as error:
        stop(str(error))


@app.command()
def send_log() -> None:
    """Sends to MLflow what could not be logged while its store did not answer."""
    from shopper_age.tracking import sync_offline_logs

    report = sync_offline_logs()
    for name in report.runs:
        print(f"sent: {name}")
    if report.failures:
        stop("\n".join(report.failures))
    if not report.runs:
        print("nothing waits to be sent")


def _sweep_on_ray(grid: list[str], name: str, **options: Any) -> None:
    from shopper_age.experiments.sweep import combined_params

    try:
        combined_params(grid)  # before Keras, whose import takes seconds: a wrong setting is told at once
        from shopper_age.cli.sweeping import sweep_on_ray

        n_failed = sweep_on_ray(grid, name, **options)
    except (ValueError, OSError, RuntimeError) as error:
        stop(str(error))
    if n_failed:
        stop(f"{n_failed} trainings of the sweep failed")


def _print_ranking(
    sweep_name: str | None, params: list[str] | None = None, *, best: int | None = None
) -> None:
    """Prints a sweep's experiments, or all, with these settings or those in which they differ."""
    from shopper_age.experiments.ranking import FAILED, ranked, read_experiments, varied_params
    from shopper_age.experiments.sweep import is_of_sweep
    from shopper_age.experiments.tables import ranking_table

    try:
        experiments = [e for e in read_experiments() if sweep_name is None or is_of_sweep(e.name, sweep_name)]
    except ValueError as error:
        stop(str(error))
    if not experiments:
        stop(f"there is no experiment{f' of {sweep_name}' if sweep_name else ''} on this commit")
    experiments = ranked(experiments)[:best]
    console = Console()
    console.print(ranking_table(experiments, params or varied_params(experiments)))
    for experiment in experiments:
        if experiment.state == FAILED:
            console.print(
                f"{experiment.name} failed: `dvc queue logs {experiment.name}` shows why.", soft_wrap=True
            )


app.add_typer(data.commands)
app.add_typer(models.commands)
