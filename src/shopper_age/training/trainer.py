"""Training of the age model, in one phase or with a frozen backbone first."""

import math
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from shopper_age.data.batches import plain_errors
from shopper_age.model.heads import AGE_DISTRIBUTION, is_distribution_model
from shopper_age.model.losses import MedianAgeError
from shopper_age.params import TrainParams
from shopper_age.training.checkpoint import Checkpoint, Row
from shopper_age.training.optimizers import phases


def train_model(
    model: keras.Model,
    train_data: Any,
    test_data: Any,
    batch_size: int | None = None,
    epochs: int = 10,
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
    *,
    settings: TrainParams | None = None,
    learning_rate: float = 0.0001,
    checkpoint_folder: str | Path | None = None,
    on_epoch: Callable[[list[Row]], None] | None = None,
) -> keras.Model:
    """The model, trained; prints loss and MAE, in years, of each epoch.

    With the first seven arguments alone it is trained as it was compiled, and the last epoch stays. With
    `settings` the optimiser is made anew from them, and the epoch they choose stays.

    Args:
        model: from `create_model`.
        train_data: whatever `model.fit` takes: a dataset, a PyDataset, a generator, or a pair (photos, ages)
            of arrays. Photos are RGB 0-255, ages in years. A dataset with an attribute `epoch` (`load_train`)
            is told the number of each epoch.
        test_data: the same for the MAE after each epoch; the validation part when `settings` choose by it.
        batch_size: photos per step when the data are arrays.
        epochs: passes over `train_data`.
        steps_per_epoch: batches per epoch, for data without an end.
        validation_steps: batches of `test_data` to use, likewise.
        settings: section `train` of params.yaml.
        learning_rate: the highest of the run; used with `settings`.
        checkpoint_folder: where to save the state after each epoch and to go on from; used with `settings`.
            What is in it must come from the same settings and data. It stays until the caller deletes it.
        on_epoch: called after each epoch with the history so far, a dict per epoch; used with `settings`.

    Raises:
        ValueError: `settings` need the number of steps and the data do not tell it.
    """
    fitting = _Fitting(train_data, test_data, batch_size, steps_per_epoch, validation_steps)
    if settings is None:
        trainer = _trainer(model)
        _compile(trainer, model, model.optimizer, jit_compile="auto")
        fitting.run(trainer, 0, epochs, [])
        model.history = trainer.history
        return model
    if checkpoint_folder is None:
        with tempfile.TemporaryDirectory() as folder:
            return _train(model, fitting, epochs, settings, learning_rate, Path(folder), on_epoch)
    return _train(model, fitting, epochs, settings, learning_rate, Path(checkpoint_folder), on_epoch)


def set_seed(seed: int, *, deterministic: bool) -> None:
    """Seeds Python, NumPy and Keras; with `deterministic` also makes TensorFlow's operations repeatable."""
    keras.utils.set_random_seed(seed)
    if deterministic and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def _train(
    model: keras.Model,
    fitting: "_Fitting",
    epochs: int,
    settings: TrainParams,
    learning_rate: float,
    folder: Path,
    on_epoch: Callable[[list[Row]], None] | None,
) -> keras.Model:
    averaging = keras.callbacks.SwapEMAWeights(swap_on_epoch=False) if settings.ema_momentum else None
    checkpoint = Checkpoint(
        folder,
        model,
        keep_best=settings.keep_best,
        patience=settings.early_stopping_patience,
        averaging=averaging,
        on_epoch=on_epoch,
    )
    callbacks = [*([averaging] if averaging else []), _Stopwatch(), checkpoint]
    for phase in phases(settings, learning_rate, epochs):
        start = max(phase.start, checkpoint.n_finished)
        if start >= phase.end or checkpoint.has_stalled:
            continue
        for layer in model.layers:
            if layer.name.startswith("conv"):
                layer.trainable = not phase.is_frozen
        trainer = _trainer(model)
        if start == phase.start > 0:
            checkpoint.restore(trainer)  # the phase before had an optimiser of its own: weights alone
        _compile(trainer, model, phase.optimizer(fitting.n_steps), jit_compile=settings.jit_compile)
        if start > phase.start:
            print(f"train: going on after epoch {start} of {epochs}, from {folder}")
            checkpoint.restore(trainer)
        fitting.run(trainer, start, phase.end, callbacks)
    checkpoint.restore_kept()
    return model


@dataclass(frozen=True)
class _Fitting:
    """The data of a training, and how `model.fit` is to walk over them."""

    train_data: Any
    test_data: Any
    batch_size: int | None
    steps_per_epoch: int | None
    validation_steps: int | None

    @property
    def n_steps(self) -> int:
        """Training steps per epoch."""
        if self.steps_per_epoch is not None:
            return self.steps_per_epoch
        if isinstance(self.train_data, tuple | list):
            return math.ceil(len(self.train_data[0]) / (self.batch_size or 32))  # Keras's own default
        try:
            return len(self.train_data)
        except TypeError as error:
            raise ValueError(
                "train_data does not tell how many batches it has: pass steps_per_epoch"
            ) from error

    def run(
        self, trainer: keras.Model, start: int, end: int, callbacks: list[keras.callbacks.Callback]
    ) -> None:
        arrays = isinstance(self.train_data, tuple | list)
        with plain_errors(self.train_data, self.test_data):
            trainer.fit(
                *(self.train_data if arrays else (self.train_data,)),
                validation_data=self.test_data,
                batch_size=self.batch_size if arrays else None,
                shuffle=arrays,
                initial_epoch=start,
                epochs=end,
                steps_per_epoch=self.steps_per_epoch,
                validation_steps=self.validation_steps,
                callbacks=[_TellEpoch(self.train_data), *callbacks],
            )


def _trainer(model: keras.Model) -> keras.Model:
    """The same layers with the one output that the loss looks at, so that plain ages are the target."""
    output = model.output[AGE_DISTRIBUTION] if is_distribution_model(model) else model.output
    return keras.Model(model.input, output, name="trainer")


def _compile(
    trainer: keras.Model, model: keras.Model, optimizer: keras.Optimizer, *, jit_compile: str
) -> None:
    if is_distribution_model(model):
        loss, metric = model.loss[AGE_DISTRIBUTION], MedianAgeError(name="mae")
    else:
        loss, metric = model.loss, keras.metrics.MeanAbsoluteError(name="mae")
    if any(layer.compute_dtype == "float16" for layer in model.layers if isinstance(layer, keras.Layer)):
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    trainer.compile(
        optimizer,
        loss=loss,
        metrics=[metric],
        jit_compile={"auto": "auto", "true": True, "false": False}[jit_compile],
    )


class _TellEpoch(keras.callbacks.Callback):
    """Order and augmentation of the data follow from the number of the epoch, also after an interruption."""

    def __init__(self, data: Any) -> None:
        super().__init__()
        self._data = data

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        if hasattr(self._data, "epoch"):
            self._data.epoch = epoch


class _Stopwatch(keras.callbacks.Callback):
    """Adds the seconds of each epoch, validation included, to its logs."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        logs["seconds"] = time.perf_counter() - self._start
