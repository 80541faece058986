"""Training on several machines: Ray's workers each compute their share of every batch.

The workers train as `training_worker` says and leave each epoch in the checkpoint folder. The process that
started them looks there, so that files, log and MLflow run are kept by one process as on one machine. Where a
worker dies Ray starts all of them anew, and they go on after the last finished epoch.
"""

import json
import logging
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import keras
import pandas as pd

from shopper_age.distributed.cluster import cluster, import_ray
from shopper_age.distributed.training_worker import ERROR_FILE, LOG_FILE, hardware, train_share
from shopper_age.params import TrainParams
from shopper_age.training.checkpoint import Checkpoint
from shopper_age.training.divergence import refuse_diverged
from shopper_age.training.recipe import Recipe
from shopper_age.training.selection import Row

_log = logging.getLogger(__name__)

# As often may workers die in a training, as on machines that are lent until somebody pays more.
_MAX_FAILURES = 10

_SECONDS_BETWEEN_LOOKS = 1.0


class WorkersFailedError(OSError):
    """The workers of a training died again and again."""


def hardware_of_workers(settings: TrainParams) -> tuple[str, str, str]:
    """What the workers will compute in, why, and their GPU's name or "none", as one of them finds it.

    This process, which computes nothing, leaves the GPUs to them from here on.

    Raises:
        ValueError: Ray is missing (`RayMissingError`), Keras runs on another backend than JAX, or there are
            GPUs, but fewer than workers.
        ConnectionError: no cluster answers at RAY_ADDRESS.
    """
    _check_installed(settings.workers)
    import jax

    jax.config.update("jax_platforms", "cpu")  # else JAX takes three quarters of a GPU's memory
    with cluster(settings.workers):
        import ray

        task = ray.remote(num_cpus=1, num_gpus=1 if _gpus_per_worker(settings) else 0)(hardware)
        found: tuple[str, str, str] = ray.get(
            task.options(**_environment(settings)).remote(settings.precision)
        )
    return found


def _check_installed(n: int) -> None:
    import_ray()
    if keras.backend.backend() != "jax":
        raise ValueError(
            f"train.workers is {n}, and Keras runs on {keras.backend.backend()}, which trains on one machine "
            "here: set the environment variable KERAS_BACKEND=jax (requirements-jax.txt), or train.workers "
            "to 1"
        )


class WorkersRecipe(Recipe):
    """A recipe whose trainings run on the workers of Ray; the model itself stays in this process."""

    def fit(
        self,
        model: keras.Model,
        splits: pd.DataFrame,
        *,
        checkpoint_folder: Path,
        on_epoch: Callable[[list[Row]], None],
        check: Callable[[], None],
    ) -> None:
        """As `Recipe.fit`: the model ends with the weights to keep.

        Raises:
            ValueError, OSError: what a worker raised about settings or data, `DivergedError` among it.
            WorkersFailedError: the workers died again and again.
        """
        folder = checkpoint_folder.absolute()
        refuse_diverged(Checkpoint(folder))
        folder.mkdir(parents=True, exist_ok=True)
        for left in (ERROR_FILE, LOG_FILE):
            (folder / left).unlink(missing_ok=True)
        with cluster(self.params.train.workers):
            _follow(_trainer(self, splits, folder), folder, on_epoch, check)
        Checkpoint(folder).restore_kept(model)


def _trainer(recipe: Recipe, splits: pd.DataFrame, folder: Path) -> Any:
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.v2.jax import JaxConfig, JaxTrainer

    settings = recipe.params.train
    n_gpus = _gpus_per_worker(settings)
    weights, data_path = Path(recipe.params.weights), recipe.params.data_path
    known_everywhere = recipe.params.model_copy(
        update={
            "data_path": data_path if isinstance(data_path, str) else data_path.absolute(),
            "weights": str(weights.absolute()) if weights.is_file() else recipe.params.weights,
        }
    )
    recipe = replace(recipe, params=known_everywhere)
    # Ray unpickles in the worker before JAX may look for devices, which importing Keras does not do
    settings_of_recipe = {field.name: getattr(recipe, field.name) for field in fields(recipe)}
    return JaxTrainer(
        train_share,
        train_loop_config={"recipe": settings_of_recipe, "splits": splits, "folder": folder},
        # Without a GPU Ray would leave each worker to train alone, unless told that it has one.
        jax_config=JaxConfig(use_gpu=True),
        scaling_config=ScalingConfig(
            num_workers=settings.workers,
            use_gpu=bool(n_gpus),
            resources_per_worker={"CPU": 1.0, **({"GPU": float(n_gpus)} if n_gpus else {})},
            placement_strategy="SPREAD",
        ),
        run_config=RunConfig(
            name="ray",
            storage_path=str(folder),
            failure_config=FailureConfig(max_failures=_MAX_FAILURES),
            worker_runtime_env=_environment(settings)["runtime_env"],
        ),
    )


def _gpus_per_worker(settings: TrainParams) -> int:
    """How many GPUs of the cluster each worker takes; 0 where there are none."""
    import ray

    n_gpus = int(ray.cluster_resources().get("GPU", 0))
    if 0 < n_gpus < settings.workers:
        raise ValueError(
            f"train.workers is {settings.workers}, but the cluster has {n_gpus} GPUs, and each worker needs "
            f"one: set train.workers to {n_gpus} or less"
        )
    if settings.devices == "auto" or not n_gpus:
        return n_gpus // settings.workers
    return settings.devices


def _environment(settings: TrainParams) -> dict[str, Any]:
    variables = {} if _gpus_per_worker(settings) else {"JAX_PLATFORMS": "cpu"}
    return {"runtime_env": {"env_vars": {"KERAS_BACKEND": "jax", **variables}}}


def _follow(
    trainer: Any, folder: Path, on_epoch: Callable[[list[Row]], None], check: Callable[[], None]
) -> None:
    """Tells of each epoch that the workers finish, until they have ended."""
    running: Future[None] = Future()

    def run() -> None:
        try:
            running.set_result(trainer.fit())
        except BaseException as error:
            running.set_exception(error)

    # Beside the main thread, which is the one that an interruption reaches.
    threading.Thread(target=run, daemon=True).start()
    n_told, n_read, is_running = 0, 0, True
    while is_running:
        is_running = bool(wait([running], timeout=_SECONDS_BETWEEN_LOOKS).not_done)
        check()
        n_read = _repeat_log(folder / LOG_FILE, n_read)
        history = Checkpoint(folder).history
        if len(history) > n_told:
            on_epoch(history)
            n_told = len(history)
        if (folder / ERROR_FILE).is_file():
            raise pickle.loads((folder / ERROR_FILE).read_bytes())
    if (error := running.exception()) is not None:
        raise WorkersFailedError(
            f"the workers failed {_MAX_FAILURES + 1} times, the last time: {error}. The last finished epoch, "
            f"{n_told}, is kept"
        ) from error


def _repeat_log(path: Path, n_read: int) -> int:
    """Logs here what the first worker has logged since `n_read` bytes of its file; returns those of now."""
    if not path.is_file():
        return n_read
    with path.open("rb") as file:
        file.seek(n_read)
        lines = file.read().splitlines(keepends=True)
    if lines and not lines[-1].endswith(b"\n"):  # still being written
        lines.pop()
    for line in lines:
        level, text = json.loads(line)
        _log.log(level, "%s", text)
    return n_read + sum(map(len, lines))
