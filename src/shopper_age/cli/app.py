"""Commands of `shopper-age`."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from shopper_age import paths
from shopper_age.runtime.messages import clip
from shopper_age.runtime.stage import configure_logging

app = typer.Typer(help="From face photos with known ages to an age model.", no_args_is_help=True)

_SEE_ALSO = {
    paths.EVALUATION / "report.md": "the model's analysis in words",
    paths.EVALUATION / "predicted_against_true.png": "predicted against true age",
    paths.EVALUATION / "worst_photos.png": "the photos with the largest errors",
    paths.EDA / "contact_sheet.png": "some of the photos",
    paths.EDA / "ages.png": "the ages",
}

_REPORT = "training-report.md"

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
        _stop(
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
        _stop(str(error))
    console = Console()
    for part in parts:
        console.print(part, highlight=False)


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
def report(
    base: Annotated[str, typer.Argument(help="A DVC experiment or a Git revision.")] = "origin/main",
) -> None:
    """Writes training-report.md: the workspace against another revision, and pictures that show no people."""
    from shopper_age.experiments.report import training_report
    from shopper_age.runtime.files import write_text

    try:
        write_text(_REPORT, training_report(base) + "\n")
    except (ValueError, OSError) as error:
        _stop(str(error))


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
        check_evaluated(paths.MODEL)
        print(promote_model(read_result(WORKSPACE), paths.MODEL, experiment=experiment).sentence)
    except (ValueError, OSError, RegistryError) as error:
        _stop(str(error))


@app.command()
def predict(
    photos: Annotated[
        list[str],
        typer.Argument(metavar="PATHS...", help="Photos, folders, patterns, a labels.csv, or - for names."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Table to write: .csv, .jsonl or .parquet. Interrupted, it is gone on with."),
    ] = None,
    annotate: Annotated[
        Path | None, typer.Option(help="Folder for photos with their answers on them.")
    ] = None,
    model: Annotated[
        Path, typer.Option(help="Folder with the model and its decision.json.")
    ] = paths.MODEL.parent,
    workers: Annotated[int, typer.Option(min=0, help="Threads of the model; 0: one per core.")] = 0,
) -> None:
    """Ages, age groups and the ID check for photos: a row per face, or with the reason why there is none."""
    from shopper_age.cli import predicting
    from shopper_age.inference.predictor import Predictor

    try:
        predictor = Predictor.load(model, n_threads=workers)
        summary = predicting.predict(photos, predictor, out=out, annotate_to=annotate, tell=print)
    except KeyboardInterrupt:
        _stop("stopped" + (f": the same command goes on from there and writes {out}" if out else ""))
    except (ValueError, OSError, ModuleNotFoundError) as error:
        _stop(str(error))
    print(f"{summary}{f'; written to {out}' if out else ''}")
    if summary.n_photos and not summary.n_estimated:
        _stop("none of these photos could be answered")


@app.command()
def serve(
    model: Annotated[
        Path, typer.Option(help="Folder with the model and its decision.json.")
    ] = paths.MODEL.parent,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but this machine's own needs SHOPPER_AGE_API_KEY.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=0, help="Threads of the model; 0: one per core.")] = 0,
    max_photos: Annotated[int, typer.Option(min=1, help="Photos in a request.")] = 16,
    max_body_mib: Annotated[int, typer.Option(min=1, help="Size of a request, in MiB.")] = 20,
    max_megapixels: Annotated[int, typer.Option(min=1, help="Pixels of a photo, in millions.")] = 50,
    max_seconds: Annotated[float, typer.Option(min=0.1, help="For a request to arrive, and to answer.")] = 15,
    max_requests: Annotated[int, typer.Option(min=1, help="At a time; a further one gets a 429.")] = 8,
) -> None:
    """Answers for photos over HTTP, and a page to try it; docs/serving.md describes both."""
    from shopper_age.inference.predictor import Predictor

    try:
        from shopper_age.serving import server
        from shopper_age.serving.limits import Limits

        limits = Limits(max_body_mib * 2**20, max_photos, max_megapixels * 10**6, max_seconds, max_requests)
        api_key = os.environ.get(server.API_KEY) or None
        server.check_key(host, api_key)
        with server.listen(host, port) as listener:
            predictor = Predictor.load(model, n_threads=workers, max_pixels=limits.max_pixels)
            server.serve(predictor, listener, limits=limits, api_key=api_key, tell=_tell)
    except KeyboardInterrupt:
        _tell("stopped")
    except (ValueError, OSError, ModuleNotFoundError) as error:
        _stop(str(error))


@app.command()
def prepare(
    source: Annotated[Path, typer.Argument(help="Folder with labels.csv and final_files.")],
    target: Annotated[Path, typer.Argument(help="The training folder to make, such as data/faces.")],
) -> None:
    """Crops the face of each labelled photo into a new training folder, as photos at the till are cropped."""
    from shopper_age.detection import prepare as preparation
    from shopper_age.detection.detectors import load_cropper
    from shopper_age.params import load_params

    try:
        done = preparation.prepare(source, target, load_cropper(load_params().faces))
    except KeyboardInterrupt:
        _stop(f"stopped; what is cropped is kept in {target}: the same command goes on from there")
    except (ValueError, OSError, ModuleNotFoundError) as error:
        _stop(str(error))
    before = f", {done.n_resumed:,} of the photos done before" if done.n_resumed else ""
    print(f"{done.n_cropped:,} of {done.n_rows:,} rows have a crop now in {target}{before}")
    for reason, n in done.left_out.most_common():
        print(f"  left out: {reason} {n:,}")
    if done.left_out:
        print(f"{target / preparation.LEFT_OUT_FILE} names each of them")
    print(f"Next: set data_path to {target} in params.yaml, `dvc add {target}` and `dvc repro`")


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
    from shopper_age.experiments.ranking import FAILED, read_experiments, varied_params
    from shopper_age.experiments.sweep import is_of_sweep
    from shopper_age.experiments.tables import ranking_table

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


def _tell(message: str) -> None:
    print(f"shopper-age: {message}", file=sys.stderr, flush=True)


def _stop(message: str) -> NoReturn:
    sys.exit(f"shopper-age: {clip(message)}")
