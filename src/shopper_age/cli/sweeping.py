"""Command `shopper-age sweep` on Ray: its trials, their table, and the command that repeats the best one."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from shopper_age import paths
from shopper_age.data.tables import read_splits
from shopper_age.distributed.sweep import best_trial, run_sweep
from shopper_age.distributed.trial import Outcome, Trial
from shopper_age.distributed.tuning import RayTrials
from shopper_age.experiments.dvc import is_outdated
from shopper_age.experiments.ranking import FAILED, Experiment, ranked
from shopper_age.experiments.sweep import combined_params, grid_params
from shopper_age.experiments.tables import ranking_table
from shopper_age.params import dotted
from shopper_age.runtime.interruption import INTERRUPTIONS
from shopper_age.training.recipe import n_learnt_from


def sweep_on_ray(grid: Sequence[str], name: str, **options: Any) -> int:
    """Trains every combination of a grid on Ray and prints the ranking; how many trials failed.

    Args:
        name: of the sweep.
        options: as `RayTrials` takes them.

    Raises:
        ValueError: a setting is wrong, Ray is missing, or the splits are.
        OSError: no cluster answers, or there are no splits.
        RuntimeError: Ray failed.
    """
    found = combined_params(grid)
    names = [name] if len(found) == 1 else [f"{name}-{number + 1}" for number in range(len(found))]
    trials = [Trial(name, *of_trial) for name, of_trial in zip(names, found, strict=True)]
    execute = RayTrials(**options)
    splits = read_splits(paths.SPLITS)
    if is_outdated("split"):
        raise ValueError(
            f"{paths.SPLITS} is out of date, so that the best training would be repeated on another split "
            "(`dvc status split` says why): run `dvc repro split` first"
        )
    print(f"The sweep is {name}: {len(trials)} trainings on Ray.", flush=True)
    try:
        outcomes = run_sweep(
            trials,
            splits,
            name=name,
            grid=grid,
            execute=execute,
            on_change=lambda trial, news: print(f"{trial}: {news}", flush=True),
        )
    except INTERRUPTIONS as interruption:
        interruption.add_note("the same command goes on after the last finished epoch of each training")
        raise
    n_photos = n_learnt_from(splits)
    experiments = [_experiment(trial, outcomes[trial.name], n_photos) for trial in trials]
    console = Console()
    console.print(ranking_table(experiments, grid_params(grid)))
    for experiment in ranked(experiments):
        if experiment.state == FAILED:
            console.print(
                f"{experiment.name} failed: {outcomes[experiment.name].reason}",
                soft_wrap=True,
                markup=False,
                highlight=False,
            )
    if (best := best_trial(trials, outcomes)) is not None:
        print(f"The best one, trained again and evaluated on the test part:\n  {best.command}")
    return sum(outcome.state == FAILED for outcome in outcomes.values())


def _experiment(trial: Trial, outcome: Outcome, n_photos: int) -> Experiment:
    state: str = outcome.state
    if state == "stopped":
        state = f"stopped after {len(outcome.history)} of {trial.params.epochs} epochs"
    return Experiment(
        name=trial.name,
        state=state,
        params=dotted(trial.params.model_dump(mode="json")),
        val_mae=outcome.val_mae,
        images_per_second=outcome.images_per_second(n_photos),
    )
