"""Sweeps: a DVC experiment for each combination of settings."""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dvc.repo import Repo


# Seconds between two looks at the queue, and how many in a row may find no worker or nothing.
POLL_SECONDS = 5.0

MAX_VAIN_LOOKS = 12

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
                f"`{part}` is no part of a grid: write NAME=VALUE,VALUE with the names of params.yaml, "
                "such as epochs=5,10 train.schedule=constant,cosine"
            )
        names.append(name.strip())
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{', '.join(twice)} is twice in the grid: write all its values in one part")
    return names


def belongs(experiment: str | None, sweep: str) -> bool:
    """Whether an experiment is one of the sweep's, which are SWEEP-1, SWEEP-2, … (or SWEEP, if alone)."""
    return re.fullmatch(rf"{re.escape(sweep)}(-\d+)?", experiment or "") is not None


def queue_grid(grid: Sequence[str], name: str, *, data_path: Path) -> None:
    """Puts an experiment for each combination of the grid into DVC's queue.

    Args:
        grid: parts such as `epochs=5,10`.
        name: of the sweep.
        data_path: the folder with the photos.

    Raises:
        ValueError: DVC refuses the grid, or the photos are not under DVC.
    """
    grid_params(grid)
    _check_tracked(data_path)
    settings = [argument for part in grid for argument in ("--set-param", part)]
    command = [sys.executable, "-m", "dvc", "exp", "run", "--queue", "--name", name, *settings]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise ValueError(f"DVC refuses the grid: {answer.stderr.strip()}")


def run_queue(name: str, *, jobs: int, on_change: Callable[[str, str], None]) -> dict[str, str]:
    """Has DVC's workers run what is queued, and waits for the experiments of one sweep; what became of each.

    Args:
        name: of the sweep.
        jobs: how many experiments run at a time.
        on_change: told each experiment and its new state: Queued, Running, Success or Failed.

    Raises:
        RuntimeError: no worker has been seen for a minute, though experiments wait.
    """
    from dvc.repo import Repo

    states: dict[str, str] = {}
    n_vain_looks = 0
    with Repo() as repo:
        repo.experiments.celery_queue.start_workers(jobs)
        while True:
            look = _look(repo, name)
            for experiment, state in look.items():
                if states.get(experiment) != state:
                    states[experiment] = state
                    on_change(experiment, state)
            if states and not any(state in _UNFINISHED for state in states.values()):
                return states
            # A busy worker may fail to answer now and then; one that was killed never does.
            has_worker = bool(repo.experiments.celery_queue.worker_status())
            n_vain_looks = 0 if look and has_worker else n_vain_looks + 1
            if n_vain_looks > MAX_VAIN_LOOKS:
                raise RuntimeError(
                    "DVC's queue has no worker any more, though experiments wait: `dvc queue start` goes on, "
                    "`dvc queue status` tells what is left"
                )
            time.sleep(POLL_SECONDS)


def _look(repo: "Repo", name: str) -> dict[str, str]:
    """What `dvc queue status` tells of a sweep; nothing if a worker was writing at that moment."""
    from dvc.exceptions import DvcException

    try:
        tasks = repo.experiments.celery_queue.status()
    except (DvcException, OSError, ValueError):
        return {}
    return {task["name"]: task["status"] for task in tasks if belongs(task["name"], name)}


def _check_tracked(data_path: Path) -> None:
    """A queued experiment runs in a copy of the project that holds what Git and DVC know, nothing else."""
    from dvc.exceptions import NotDvcRepoError, OutputNotFoundError
    from dvc.repo import Repo
    from dvc.scm import NoSCM

    try:
        repo = Repo()
    except NotDvcRepoError as error:
        raise ValueError(f"{error}: go to the project's top folder first") from None
    with repo:
        try:
            (out, *_) = repo.find_outs_by_path(str(data_path))
        except OutputNotFoundError:
            raise ValueError(
                f"{data_path} is not under DVC, so that an experiment in the queue would not find the "
                f"photos: run `dvc add {data_path}` and `git add {data_path}.dvc` first"
            ) from None
        if not isinstance(repo.scm, NoSCM) and out.stage.path_in_repo in repo.scm.untracked_files():
            raise ValueError(
                f"Git does not know {out.stage.path_in_repo}, so that an experiment in the queue would not "
                f"find the photos: run `git add {out.stage.path_in_repo}` first"
            )
