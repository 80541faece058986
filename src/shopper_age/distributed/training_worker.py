"""A worker of a training on several machines: its share of every batch, its log and its errors.

It does what one machine would: it makes the same model, trains it by the same recipe and goes on from the
same checkpoint folder, in which only the first worker writes.
"""

import json
import logging
import pickle
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from shopper_age.runtime.files import replacing
from shopper_age.training.devices import Devices, check_batch_size, first_devices
from shopper_age.training.recipe import Recipe

# What a worker leaves in the checkpoint folder when settings, data or code are wrong: no new start helps.
ERROR_FILE = "error.pickle"

# Where the first worker writes the lines that a training on one machine would show.
LOG_FILE = "workers.log"

# How XLA begins a message, of whatever type the error is: with a status code. These may have their cause in
# another worker, as where it died; no message of this package begins so. Source: absl/status/status.h.
_OF_THE_CONNECTION = re.compile(
    "(ABORTED|CANCELLED|DATA_LOSS|DEADLINE_EXCEEDED|FAILED_PRECONDITION|INTERNAL|UNAVAILABLE|UNKNOWN): "
)

_NO_MEMORY = "RESOURCE_EXHAUSTED: "


def hardware(requested: str) -> tuple[str, str, str]:
    """What a training computes in here, why, and the GPU's name or "none"."""
    from shopper_age.training.precision import choose_precision, gpu_name

    return (*choose_precision(requested), gpu_name())


class LogFile(logging.FileHandler):
    """A file with a line of JSON for each message: its level and its text."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps([record.levelno, record.getMessage()])


def train_share(config: dict[str, Any]) -> None:
    """Trains together with the other workers; Ray calls it in each of them.

    Args:
        config: `recipe`, the fields of a `Recipe`; `splits`, the table; `folder` of the checkpoint.
    """
    import jax
    from ray import train

    from shopper_age.training.trainer import set_seed

    rank, n_workers = train.get_context().get_world_rank(), train.get_context().get_world_size()
    folder: Path = config["folder"]
    if rank == 0:
        logger = logging.getLogger("shopper_age")
        logger.setLevel(logging.INFO)
        logger.addHandler(LogFile(folder / LOG_FILE, encoding="utf-8"))
    try:
        _check_connected(jax.process_count(), n_workers)
        recipe = Recipe(**config["recipe"])
        params = recipe.params
        set_seed(params.seed, deterministic=params.train.deterministic)
        devices = Devices(_devices(params.train.devices))
        check_batch_size(params.batch_size, devices)
        recipe = replace(recipe, devices=devices)
        model = recipe.create_model()
        with _checkpoint_of(rank, folder) as own:
            recipe.fit(
                model, config["splits"], checkpoint_folder=own, on_epoch=lambda _: None, check=lambda: None
            )
    except Exception as error:
        _record(error, folder)
        raise


def _check_connected(n_processes: int, n_workers: int) -> None:
    # Told of no accelerator, Ray leaves JAX alone, and each worker would train a model of its own
    if n_processes != n_workers:
        raise RuntimeError(
            f"JAX knows of {n_processes} processes, Ray of {n_workers} workers: each would train alone"
        )


def _record(error: Exception, folder: Path) -> None:
    """Leaves an error for the process that started the workers, unless another worker may be its cause."""
    message = str(error)
    if _OF_THE_CONNECTION.match(message):
        return
    if message.startswith(_NO_MEMORY):
        error = MemoryError(message)
    try:
        content = pickle.dumps(error)
    except Exception:  # what cannot be pickled raises whatever it likes
        content = pickle.dumps(RuntimeError(f"{type(error).__name__}: {message}"))
    with replacing(folder / ERROR_FILE) as temporary:
        temporary.write_bytes(content)


def _devices(requested: int | Literal["auto"]) -> list[Any]:
    """The devices of all workers, those of one next to each other."""
    import jax

    by_worker: dict[int, list[Any]] = {}
    for device in jax.devices():
        by_worker.setdefault(device.process_index, []).append(device)
    return [device for worker in sorted(by_worker) for device in first_devices(by_worker[worker], requested)]


@contextmanager
def _checkpoint_of(rank: int, folder: Path) -> Iterator[Path]:
    """Where a worker reads and writes its checkpoint: the first one in the folder, the others in copies.

    All have to write: parts of the weights are fetched from one another.
    """
    if rank == 0:
        yield folder
        return
    with tempfile.TemporaryDirectory() as own:
        shutil.copytree(folder, own, dirs_exist_ok=True, ignore=shutil.ignore_patterns("ray", "fold-*"))
        yield Path(own)
