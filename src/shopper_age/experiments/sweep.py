"""Sweeps: a DVC experiment for each combination of settings."""

import re
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from shopper_age import paths
from shopper_age.experiments.dvc import (
    apply_settings,
    check_tracked,
    combinations,
    open_queue,
    queue_experiments,
)
from shopper_age.params import Params, load_params
from shopper_age.runtime.messages import shorten, shorten_list

# Seconds between two polls of the queue, and how many in a row may find no worker or no experiment.
POLL_SECONDS = 5.0

MAX_EMPTY_POLLS = 12

_UNFINISHED = ("Queued", "Running")


def new_name() -> str:
    """A name for a sweep that no other has: sweep-1125-223105, of month, day and time."""
    return f"sweep-{datetime.now():%m%d-%H%M%S}"


def grid_params(grid: Sequence[str]) -> list[str]:
    """The names of the settings in a grid such as `["epochs=5,10", "train.schedule=cosine"]`.

    Raises:
        ValueError: a part is not NAME=VALUE or NAME=VALUE,VALUE,…, or a name is there twice.
    """
    names = []
    for part in grid:
        name, is_given, values = part.partition("=")
        if not (is_given and name.strip() and values.strip()):
            raise ValueError(
                f"`{shorten(part)}` is no part of a grid: write NAME=VALUE,VALUE with the names of "
                "params.yaml, such as epochs=5,10 train.schedule=constant,cosine"
            )
        names.append(name.strip())
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{shorten_list(twice)} is twice in the grid: write all its values in one part")
    return names


def combined_params(grid: Sequence[str]) -> list[tuple[tuple[str, ...], Params]]:
    """Each combination of the grid, as `dvc exp run -S` takes it, with all settings that it leads to.

    Raises:
        ValueError: as `grid_params`; DVC refuses the grid, or a combination breaks a rule of params.yaml.
    """
    grid_params(grid)
    found = []
    with TemporaryDirectory() as folder:
        changed = Path(folder) / paths.PARAMS.name
        for settings in combinations(grid):
            copyfile(paths.PARAMS, changed)
            apply_settings(changed, settings)
            try:
                found.append((tuple(settings), load_params(changed)))
            except ValueError as error:
                problem = str(error).removeprefix(f"{changed}: ")
                raise ValueError(f"`{shorten(' '.join(settings), 300)}`: {problem}") from None
    return found


def is_of_sweep(experiment: str, sweep: str) -> bool:
    """Whether an experiment is one of the sweep's, which are SWEEP-1, SWEEP-2, … (or SWEEP, if alone)."""
    return re.fullmatch(rf"{re.escape(sweep)}(-\d+)?", experiment) is not None


def queue_grid(grid: Sequence[str], name: str, *, data_path: str | Path) -> None:
    """Puts an experiment for each combination of the grid into DVC's queue.

    Args:
        grid: parts such as `epochs=5,10`.
        name: of the sweep.
        data_path: the folder with the photos.

    Raises:
        ValueError: DVC refuses the grid, or the photos are not under DVC.
    """
    grid_params(grid)
    check_tracked(data_path)
    queue_experiments(name, grid)


def run_queue(name: str, *, jobs: int, on_change: Callable[[str, str], None]) -> dict[str, str]:
    """Has DVC's workers run what is queued, and waits for the experiments of one sweep; what became of each.

    Args:
        name: of the sweep.
        jobs: how many experiments run at a time.
        on_change: told each experiment and its new state: Queued, Running, Success or Failed.

    Raises:
        RuntimeError: no worker has been seen for a minute, though experiments wait.
    """
    states: dict[str, str] = {}
    n_empty_polls = 0
    with open_queue() as queue:
        queue.start_workers(jobs)
        while True:
            poll = {task: state for task, state in queue.states().items() if is_of_sweep(task, name)}
            for experiment, state in poll.items():
                if states.get(experiment) != state:
                    states[experiment] = state
                    on_change(experiment, state)
            if states and not any(state in _UNFINISHED for state in states.values()):
                return states
            # A busy worker may fail to answer now and then; one that was killed never does.
            n_empty_polls = 0 if poll and queue.has_worker() else n_empty_polls + 1
            if n_empty_polls > MAX_EMPTY_POLLS:
                raise RuntimeError(
                    "DVC's queue has no worker any more, though experiments wait: `dvc queue start` goes on, "
                    "`dvc queue status` tells what is left"
                )
            time.sleep(POLL_SECONDS)
