"""Sweeps on Ray: a training for each combination of settings, on all machines of a cluster at once.

Trials are judged by their validation MAE: the test part is read by `evaluate` alone. The process that started
the sweep keeps the MLflow runs.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from shopper_age import paths
from shopper_age.data.tables import SPLIT, TRAIN, VALIDATION
from shopper_age.distributed.trial import Outcome, Trial
from shopper_age.runtime.checkout import dvc_md5, project_root
from shopper_age.runtime.interruption import INTERRUPTIONS
from shopper_age.runtime.messages import shorten
from shopper_age.tracking import RunLogger, open_trial_run, sweep_run
from shopper_age.training.checkpoint import Checkpoint
from shopper_age.training.history import run_log
from shopper_age.training.resuming import training_key, training_settings
from shopper_age.training.selection import Row


class Listener(Protocol):
    """Is told what happens to the trials, by their names."""

    def started(self, name: str) -> None: ...

    def epoch(self, name: str, history: list[Row], facts: Mapping[str, str]) -> None:
        """`history`: a row for each epoch so far; `facts`: precision, GPU, machine."""

    def ended(self, name: str, *, reason: str = "", is_stopped: bool = False) -> None:
        """`reason`: why it failed; `is_stopped`: before it came to its end, for being worse than others."""


# Runs trials, several at a time, and returns when all have ended.
Executor = Callable[[Sequence[Trial], pd.DataFrame, Mapping[str, Path], Listener], None]


def check_trials(trials: Sequence[Trial], splits: pd.DataFrame) -> None:
    """Makes sure that trials differ in the training alone, and that there is something to judge them by.

    Raises:
        ValueError: a setting belongs to another stage, a trial asks for several workers, or there is no
            validation part.
    """
    for trial in trials:
        of_training = training_settings(trial.params)
        for setting in trial.settings:
            name = setting.partition("=")[0]
            if name.partition(".")[0] not in of_training:
                raise ValueError(
                    f"{shorten(name)} is no setting of the training: on Ray every trial trains on the splits "
                    "that are there, and no other stage runs. `shopper-age sweep --no-ray` runs all of them"
                )
        if trial.params.train.workers > 1:
            raise ValueError(
                f"train.workers is {trial.params.train.workers}: on Ray each trial of a sweep is one "
                "process. Set train.workers to 1, or add --no-ray"
            )
    if not (splits[SPLIT] == VALIDATION).any():
        raise ValueError(
            f"{paths.SPLITS} has no validation part, by whose error trials are ranked (split.calibration: "
            "cross): `shopper-age sweep --no-ray` trains the folds, too"
        )


def run_sweep(
    trials: Sequence[Trial],
    splits: pd.DataFrame,
    *,
    name: str,
    grid: Sequence[str],
    execute: Executor,
    on_change: Callable[[str, str], None],
) -> dict[str, Outcome]:
    """What became of each trial, by name; each has a run in MLflow, below that of the sweep.

    A sweep that was interrupted, or in which trials failed, goes on when it is started again with the same
    settings, photos and code: what is finished is not trained again.

    Args:
        name: of the sweep.
        grid: what the user asked for, such as `epochs=5,10`.
        execute: runs the trials.
        on_change: told a trial and its news.

    Raises:
        ValueError: as `check_trials`, and what `execute` raises.
    """
    check_trials(trials, splits)
    place = project_root() / ".checkpoints" / "sweeps"
    folders = {
        trial.name: place / training_key(trial.params, paths.SPLITS, paths.MANIFEST) for trial in trials
    }
    first = trials[0].params
    tags = {"sweep": name, "data_md5": dvc_md5(first.data_path) or "unknown"}
    with sweep_run(first.tracking.experiment, name=name, params={"grid": " ".join(grid)}, tags=tags) as run:
        n_photos = int((splits[SPLIT] == TRAIN).sum())
        with _recorded(trials, run, tags=tags, n_photos=n_photos, on_change=on_change) as record:
            execute(trials, splits, folders, record)
        run.describe(_described(trials, record.outcomes))
    _clean_up(record.outcomes, folders)
    return record.outcomes


def best_trial(trials: Sequence[Trial], outcomes: Mapping[str, Outcome]) -> Trial | None:
    """The one with the lowest validation MAE of those that came to their end; None where none did."""
    ended = [
        trial
        for trial in trials
        if outcomes[trial.name].state == "success" and outcomes[trial.name].val_mae >= 0
    ]
    return min(ended, key=lambda trial: outcomes[trial.name].val_mae, default=None)


def _clean_up(outcomes: Mapping[str, Outcome], folders: Mapping[str, Path]) -> None:
    """Removes the checkpoints of a sweep that has ended, but for what a second try of failed trials needs."""
    has_failed = any(outcome.state == "failed" for outcome in outcomes.values())
    for name, folder in folders.items():
        state = outcomes[name].state
        goes_on = state == "failed" and Checkpoint(folder).diverged is None
        if not goes_on and not (has_failed and state == "success"):
            shutil.rmtree(folder, ignore_errors=True)
        folder.with_suffix(".lock").unlink(missing_ok=True)


class _Record:
    """Keeps what becomes of the trials, here and in MLflow."""

    def __init__(
        self,
        trials: Sequence[Trial],
        sweep: RunLogger,
        *,
        tags: Mapping[str, str],
        n_photos: int,
        on_change: Callable[[str, str], None],
    ) -> None:
        self.outcomes = {trial.name: Outcome() for trial in trials}
        self._trials = {trial.name: trial for trial in trials}
        self._sweep = sweep
        self._tags = tags
        self._n_photos = n_photos
        self._on_change = on_change
        self._open: dict[str, tuple[RunLogger, Callable[[list[Row]], None]]] = {}

    def started(self, name: str) -> None:
        if name in self._open:  # once more: its process died
            self._on_change(name, "Running again")
            return
        self._begin(name)
        self.outcomes[name].state = "running"
        self._on_change(name, "Running")

    def _begin(self, name: str) -> None:
        trial = self._trials[name]
        run = open_trial_run(
            self._sweep,
            trial.params.tracking.experiment,
            name=name,
            params={
                **training_settings(trial.params),
                **trial.params.model_dump(mode="json", include={"data_path", "validate_data", "split"}),
            },
            tags=self._tags,
        )
        self._open[name] = run, run_log(run, n_photos=self._n_photos)

    def epoch(self, name: str, history: list[Row], facts: Mapping[str, str]) -> None:
        outcome = self.outcomes[name]
        run, log = self._open[name]
        if not outcome.history:
            run.set_tags(facts)
        outcome.history = history
        log(history)
        told = f"epoch {len(history)} of {self._trials[name].params.epochs}"
        self._on_change(name, f"{told}, validation MAE {outcome.val_mae:.2f} years")

    def ended(self, name: str, *, reason: str = "", is_stopped: bool = False) -> None:
        outcome = self.outcomes[name]
        if name not in self._open:  # it failed before it could start
            self._begin(name)
        run, _ = self._open.pop(name)
        outcome.reason = reason
        outcome.state = "failed" if reason else "stopped" if is_stopped else "success"
        if reason:
            run.set_tags({"error": reason})
        elif is_stopped:
            run.set_tags({"stopped_after_epoch": len(outcome.history)})
        run.finish("FAILED" if reason else "FINISHED")
        self._on_change(name, outcome.state.capitalize())

    def close(self, status: str) -> None:
        """Ends the runs of trials that have not ended."""
        for run, _ in self._open.values():
            run.finish(status)
        self._open.clear()


@contextmanager
def _recorded(trials: Sequence[Trial], sweep: RunLogger, **options: Any) -> Iterator[_Record]:
    record = _Record(trials, sweep, **options)
    try:
        yield record
    except BaseException as error:
        record.close("KILLED" if isinstance(error, INTERRUPTIONS) else "FAILED")
        raise
    record.close("FAILED")


def _described(trials: Sequence[Trial], outcomes: Mapping[str, Outcome]) -> str:
    """What the page of the sweep's run says."""
    best = best_trial(trials, outcomes)
    n_failed = sum(outcome.state == "failed" for outcome in outcomes.values())
    told = f"A sweep of {len(trials)} trainings, {n_failed} of which failed. "
    if best is None:
        return told + "None came to its end."
    return told + (
        f"**Best validation MAE {outcomes[best.name].val_mae:.2f} years**, by {best.name}: `{best.command}`"
    )
