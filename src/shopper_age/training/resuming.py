"""Resuming of an interrupted training: its key, its checkpoint folder and its MLflow run."""

import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from shopper_age.params import Params
from shopper_age.runtime.checkout import project_root
from shopper_age.runtime.files import write_text
from shopper_age.runtime.hashing import content_key
from shopper_age.runtime.interruption import INTERRUPTIONS
from shopper_age.tracking import RunLogger, training_run
from shopper_age.training.checkpoint import Checkpoint

_log = logging.getLogger(__name__)

# The rooms whose code decides which weights come out: an edit makes an interrupted training start afresh.
_PACKAGE = Path(__file__).parents[1]
ROOMS = ("data", "model", "runtime", "training")

# But not this folder of them, which no stage uses.
_IMPORTERS = "data/importers"

# Folders of the trainings for folds, in that of the whole, with the number of the fold behind.
FOLD_PREFIX = "fold-"

# Settings of other stages, and those that change nothing about the weights of given data.
_OTHER_SETTINGS = {"validate_data", "faces", "eda", "split", "evaluate", "export", "tracking", "data_path"}

# Settings that decide which photos those data are.
_OF_THE_DATA = {"data_path", "validate_data", "split"}

# Settings of section `train` that say where it runs: a training goes on with other devices and other workers.
_OF_THE_PLACE = {"devices", "workers"}


@contextmanager
def locked(folder: Path) -> Iterator[Path]:
    """The folder, made, and held by this process alone until the block ends.

    Raises:
        ValueError: another training with the same settings and data is at work there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder.with_suffix(".lock")
    try:
        with FileLock(lock, timeout=1):
            yield folder
            if (
                not folder.is_dir()
            ):  # nothing is left to go on with; who waits for a removed lock makes it anew
                lock.unlink(missing_ok=True)
    except Timeout:
        raise ValueError(
            f"another training with the same settings and data is running (it holds {folder}.lock): "
            "wait for it or stop it, then run again"
        ) from None


def training_settings(params: Params) -> dict[str, Any]:
    """The settings that decide which weights come out of given data."""
    return params.model_dump(mode="json", exclude=_OTHER_SETTINGS)


def training_key(params: Params, *data: Path) -> str:
    """Equal for equal trainings: same settings, same `data` files, same initial weights, same code."""
    weights = [Path(params.weights)] if Path(params.weights).is_file() else []
    code = {
        str(path.relative_to(_PACKAGE)): path
        for room in ROOMS
        for path in (_PACKAGE / room).rglob("*.py")
        if not path.is_relative_to(_PACKAGE / _IMPORTERS)
    }
    settings = training_settings(params)
    settings["train"] = {
        name: value for name, value in settings["train"].items() if name not in _OF_THE_PLACE
    }
    return content_key(settings, *data, *weights, code)


@contextmanager
def resumable_run(params: Params, *data: Path, tags: Mapping[str, str]) -> Iterator[tuple[Path, RunLogger]]:
    """The checkpoint folder and the MLflow run of this training; of the interrupted one, if there was one.

    The folder lies in the user's checkout, where neither DVC nor a temporary copy deletes it, and is removed
    when the block ends well.

    Raises:
        ValueError: another process trains the same at this moment.
    """
    with (
        locked(project_root() / ".checkpoints" / training_key(params, *data)) as folder,
        _told_if_killed(folder),
        _interruption_noted(folder, params.epochs),
    ):
        with run_of(folder, params, tags=tags) as run:
            yield folder, run
        shutil.rmtree(folder)


@contextmanager
def _interruption_noted(folder: Path, n_epochs: int) -> Iterator[None]:
    """Ctrl-C or a signal in the block gets a note of what is kept."""
    try:
        yield
    except INTERRUPTIONS as interruption:
        n_finished = Checkpoint(folder).n_finished
        if n_finished:
            interruption.add_note(
                f"epoch {n_finished} of {n_epochs} is finished and kept; `dvc repro` goes on from there"
            )
        else:
            interruption.add_note(f"none of {n_epochs} epochs is finished; `dvc repro` starts from the first")
        raise


@contextmanager
def run_of(
    folder: Path, params: Params, *, tags: Mapping[str, str], parent: RunLogger | None = None, name: str = ""
) -> Iterator[RunLogger]:
    """The MLflow run of the training whose checkpoint lies in a folder; the interrupted one, if there is one.

    Args:
        parent, name: as `training_run` takes them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    run_id = folder / "run_id"
    with training_run(
        params.tracking.experiment,
        params={**training_settings(params), **params.model_dump(mode="json", include=_OF_THE_DATA)},
        tags=tags,
        resume_id=run_id.read_text(encoding="utf-8") if run_id.is_file() else None,
        parent=parent,
        name=name,
        log_photos=params.tracking.log_photos,
    ) as run:
        write_text(run_id, run.id)
        yield run


@contextmanager
def _told_if_killed(folder: Path) -> Iterator[None]:
    """A process that is killed, as for want of memory, leaves a mark; the next one tells of it."""
    mark = folder / "running"
    if mark.is_file():
        _log.warning(
            "train: the last run was killed in %s: if memory was short, lower batch_size or "
            "train.cache.memory_gib",
            _where(folder),
        )
    mark.touch()
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)


def _where(folder: Path) -> str:
    """How far a training has come that left its checkpoint in a folder."""
    n_finished = Checkpoint(folder).n_finished
    folds = sorted(folder.glob(f"{FOLD_PREFIX}*"), key=lambda path: int(path.name.removeprefix(FOLD_PREFIX)))
    if folds and not n_finished:
        return f"epoch {Checkpoint(folds[-1]).n_finished + 1} of {folds[-1].name}"
    return f"epoch {n_finished + 1}"
