"""Commands that compare trained models and choose among them."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from shopper_age import paths
from shopper_age.cli.messages import stop, tell
from shopper_age.runtime.interruption import INTERRUPTIONS

commands = typer.Typer()

_REPORT, _COMMENT = "training-report.md", "training-comment.md"

_Name = Annotated[str, typer.Argument(help="A DVC experiment, a Git revision, or `workspace`.")]


@commands.command()
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


@commands.command()
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


@commands.command()
def ranking(
    name: Annotated[str | None, typer.Argument(help="Of a sweep; all experiments if not given.")] = None,
    best: Annotated[int | None, typer.Option(min=1, help="Only so many, from the best on.")] = None,
) -> None:
    """Prints the experiments of the present commit, those of the queue too, by validation MAE."""
    _print_ranking(name, best=best)


@commands.command()
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


@commands.command()
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


@commands.command()
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
