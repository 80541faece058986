"""Resuming of an interrupted training: its key, its checkpoint folder and its MLflow run."""

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
from shopper_age.tracking import RunLogger, training_run

# The rooms whose code decides which weights come out: an edit makes an interrupted training start afresh.
_PACKAGE = Path(__file__).parents[1]
ROOMS = ("data", "model", "runtime", "training")

# But not this folder of them, which no stage uses.
_IMPORTERS = "data/importers"

# Settings of other stages, and those that change nothing about the weights of given data.
_OTHER_SETTINGS = {"validate_data", "eda", "split", "evaluate", "tracking", "data_path"}

# Settings that decide which photos those data are.
_OF_THE_DATA = {"data_path", "validate_data", "split"}


@contextmanager
def locked(folder: Path) -> Iterator[Path]:
    """The folder, made, and held by this process alone until the block ends.

    Raises:
        ValueError: another training with the same settings and data is at work there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder.with_suffix(".lock"), timeout=1):
            yield folder
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
    return content_key(training_settings(params), *data, *weights, code)


@contextmanager
def resumable_run(params: Params, *data: Path, tags: Mapping[str, str]) -> Iterator[tuple[Path, RunLogger]]:
    """The checkpoint folder and the MLflow run of this training; of the interrupted one, if there was one.

    The folder lies in the user's checkout, where neither DVC nor a temporary copy deletes it, and is removed
    when the block ends well.

    Raises:
        ValueError: another process trains the same at this moment.
    """
    with locked(project_root() / ".checkpoints" / training_key(params, *data)) as folder:
        run_id = folder / "run_id"
        with training_run(
            params.tracking.experiment,
            params={**training_settings(params), **params.model_dump(mode="json", include=_OF_THE_DATA)},
            tags=tags,
            resume_id=run_id.read_text(encoding="utf-8") if run_id.is_file() else None,
            log_photos=params.tracking.log_photos,
        ) as run:
            write_text(run_id, run.id)
            yield folder, run
        shutil.rmtree(folder)
