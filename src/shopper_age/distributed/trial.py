"""Trials of a sweep: trainings by the recipe of stage train, on the splits that are there.

A trial writes a checkpoint folder and nothing else.
"""

import os
import platform
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import pandas as pd

from shopper_age.params import Params
from shopper_age.runtime.checkout import project_root
from shopper_age.runtime.object_store import is_url
from shopper_age.training.history import images_per_second, training_metrics
from shopper_age.training.selection import Row

State = Literal["queued", "running", "success", "stopped", "failed"]

# In the checkpoint folder of a trial that has come to its end: its history is all that is asked for.
_FINISHED = "finished"


@dataclass(frozen=True)
class Trial:
    """A training of a sweep.

    settings: what differs from params.yaml, as `dvc exp run -S` takes it.
    params: all settings.
    """

    name: str
    settings: tuple[str, ...]
    params: Params

    @property
    def command(self) -> str:
        """The command that trains and evaluates its model in the workspace."""
        return shlex.join(
            ["dvc", "exp", "run", *(part for setting in self.settings for part in ("-S", setting))]
        )

    def found_everywhere(self) -> "Trial":
        """The trial with absolute paths of photos and weights."""
        data_path, weights = self.params.data_path, Path(self.params.weights)
        changes = {
            "data_path": data_path if is_url(data_path) else Path(data_path).absolute(),
            "weights": str(weights.absolute()) if weights.is_file() else self.params.weights,
        }
        return replace(self, params=self.params.model_copy(update=changes))


@dataclass
class Outcome:
    """What became of a trial: its history so far, and why it failed, if it did."""

    state: State = "queued"
    history: list[Row] = field(default_factory=list)
    reason: str = ""

    @property
    def val_mae(self) -> float:
        """The best validation MAE so far, years; NaN where there is none."""
        return best_val_mae(self.history)

    def images_per_second(self, n_photos: int) -> float:
        """Training photos per second, `n_photos` of which make an epoch; NaN without an epoch."""
        seconds = [row["seconds"] for row in self.history]
        return images_per_second(seconds, n_photos) if seconds else float("nan")


def best_val_mae(history: Sequence[Row]) -> float:
    """As a training's metrics.json has it, NaN where there is no number."""
    value = training_metrics(pd.DataFrame(history))["val_mae"] if history else None
    return float("nan") if value is None else float(value)


def train_trial(
    params: Params,
    splits: pd.DataFrame,
    *,
    working_folder: Path,
    checkpoint_folder: Path,
    on_epoch: Callable[[list[Row], dict[str, str]], None],
) -> None:
    """Trains as stage train does, in the working folder of the one who asks; the weights are not kept.

    Args:
        on_epoch: called with the history so far and the facts of the machine.

    Raises:
        OSError, ValueError: the folder or a photo is not on this machine; what `Recipe.fit` raises.
    """
    if not working_folder.is_dir():
        raise FileNotFoundError(
            f"{platform.node()} has no {working_folder}: the checkout and the photos must lie under the same "
            "path on all machines"
        )
    os.chdir(working_folder)
    # here, so that a process which only hands trials on starts without Keras
    from shopper_age.data.cache import Cache
    from shopper_age.training.checkpoint import Checkpoint
    from shopper_age.training.devices import check_batch_size, choose_devices
    from shopper_age.training.precision import choose_precision, gpu_name
    from shopper_age.training.recipe import Recipe
    from shopper_age.training.resuming import locked
    from shopper_age.training.trainer import set_seed

    settings = params.train
    set_seed(params.seed, deterministic=settings.deterministic)
    devices = choose_devices(settings.devices)
    check_batch_size(params.batch_size, devices)
    precision, _ = choose_precision(settings.precision)
    facts = {"precision": precision, "gpu": gpu_name(), "machine": platform.node()}
    with locked(checkpoint_folder) as folder:
        if (folder / _FINISHED).exists():
            on_epoch(Checkpoint(folder).history, facts)
            return
        cache = Cache(**settings.cache.model_dump(), folder=project_root() / ".photo_cache")
        recipe = Recipe(params, precision, cache, devices=devices)
        recipe.fit(
            recipe.create_model(),
            splits,
            checkpoint_folder=folder,
            on_epoch=lambda history: on_epoch(history, facts),
            check=lambda: None,
        )
        Checkpoint(folder).drop_weights()
        (folder / _FINISHED).touch()
