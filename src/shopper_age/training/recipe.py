"""Recipe of a training: what params.yaml makes of the parts that a table of splits names."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import pandas as pd

from shopper_age.data.cache import Cache
from shopper_age.data.loading import load_part, load_train
from shopper_age.data.shares import WHOLE
from shopper_age.data.tables import SPLIT, TRAIN, VALIDATION
from shopper_age.model.network import create_model
from shopper_age.params import Params
from shopper_age.training.devices import Devices
from shopper_age.training.selection import Row
from shopper_age.training.trainer import Trainer, set_seed


@dataclass(frozen=True)
class Recipe:
    """Data, model and training by the settings; equal for equal splits, whatever was trained before.

    Args:
        precision: of the computation, as `create_model` takes it.
        cache: where decoded photos may be kept.
        keeps_last_epoch: keep the last epoch and never stop early, whatever the settings say: where photos
            that no epoch was chosen by are needed.
        devices: that share each batch, of all processes; None: one.
    """

    params: Params
    precision: str
    cache: Cache
    keeps_last_epoch: bool = False
    devices: Devices | None = None

    def train_options(self, splits: pd.DataFrame) -> dict[str, Any]:
        """What `load_train` takes beside the path."""
        params = self.params
        return {**self._options(splits), "seed": params.seed, "augmentation": params.train.augmentation}

    def create_model(self) -> keras.Model:
        """A model to be trained, the same one each time."""
        params, side = self.params, self.params.image_size
        keras.utils.clear_session()  # else layers are named, in the file too, by how many came before
        set_seed(params.seed, deterministic=params.train.deterministic)
        with self.devices.scope() if self.devices else nullcontext():
            return create_model(
                (side, side, 3), weights=params.weights, loss=params.loss, precision=self.precision
            )

    def fit(
        self,
        model: keras.Model,
        splits: pd.DataFrame,
        *,
        checkpoint_folder: Path,
        on_epoch: Callable[[list[Row]], None],
        check: Callable[[], None],
    ) -> None:
        """Trains a model of `create_model` on the training part, validated on that part if there is one.

        Args:
            checkpoint_folder, on_epoch, check: as `Trainer` takes them.

        Raises:
            DivergedError: the loss or the validation error is no number, or beyond all ages.
        """
        params, settings = self.params, self.params.train
        if self.keeps_last_epoch:
            settings = settings.model_copy(update={"keep_best": False, "early_stopping_patience": 0})
        share = self.devices or WHOLE
        data = load_train(params.data_path, **self.train_options(splits), share=share)
        validation = None
        if (splits[SPLIT] == VALIDATION).any():
            validation = load_part(params.data_path, VALIDATION, **self._options(splits), share=share)
        trainer = Trainer(
            settings,
            params.loss,
            checkpoint_folder=checkpoint_folder,
            on_epoch=on_epoch,
            n_photos=n_learnt_from(splits),
            check=check,
            devices=self.devices,
        )
        trainer.fit(model, data, validation, epochs=params.epochs, learning_rate=params.learning_rate)

    def _options(self, splits: pd.DataFrame) -> dict[str, Any]:
        params = self.params
        return {
            "splits": splits,
            "image_size": params.image_size,
            "batch_size": params.batch_size,
            "cache": self.cache,
        }


def n_learnt_from(splits: pd.DataFrame) -> int:
    """Photos per epoch."""
    return int((splits[SPLIT] == TRAIN).sum())
