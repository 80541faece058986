"""Training of the age model: as it is compiled, or by the settings of params.yaml."""

import logging
import math
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from shopper_age.data.batches import plain_errors
from shopper_age.model.heads import AGE_DISTRIBUTION, is_distribution_model
from shopper_age.model.losses import MedianAgeError, keras_loss
from shopper_age.params import TrainParams
from shopper_age.training.arguments import as_arrays, check_data, check_model, check_numbers, sizes_told
from shopper_age.training.callbacks import CheckAll, EpochTimer, SetEpoch, StopEarly, TellHistory
from shopper_age.training.checkpoint import Checkpoint, SaveCheckpoint
from shopper_age.training.devices import Devices
from shopper_age.training.divergence import StopAtNan, StopWhenDiverged, advice, refuse_diverged
from shopper_age.training.optimizers import Phase, phases
from shopper_age.training.progress import training_progress
from shopper_age.training.selection import Row, has_stalled

_log = logging.getLogger(__name__)


def train_model(
    model: keras.Model,
    train_data: Any,
    test_data: Any,
    batch_size: int | None = None,
    epochs: int = 10,
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
) -> keras.Model:
    """The model, trained with the loss and optimiser it is compiled with; the last epoch stays.

    Keras prints loss and MAE, in years, of each epoch, and `model.history` holds them.

    Args:
        model: from `create_model`.
        train_data: whatever `model.fit` takes: a dataset, a PyDataset, a generator, or a pair (photos, ages)
            of arrays. Photos are RGB 0-255, ages in years. Data with an attribute `epoch` (`load_train`) are
            told the number of each epoch.
        test_data: the same for the MAE after each epoch.
        batch_size: photos per step when the data are arrays.
        epochs: passes over `train_data`.
        steps_per_epoch: batches per epoch, for data without an end.
        validation_steps: batches of `test_data` to use, likewise.

    Raises:
        TypeError: an argument is no model or no data; photos came without their ages.
        ValueError: the model has no output `age` or is not compiled; photos and ages do not fit each other or
            the model; a number is none from 1 on.
        DivergedError: the loss became infinite or NaN.
    """
    check_model(model)
    check_numbers(
        epochs=epochs,
        batch_size=batch_size,
        steps_per_epoch=steps_per_epoch,
        validation_steps=validation_steps,
    )
    train_data, test_data = as_arrays(train_data), as_arrays(test_data)
    check_data(model, train_data, test_data)
    trainer = _with_one_output(model)
    loss = model.loss[AGE_DISTRIBUTION] if is_distribution_model(model) else model.loss
    _compile(trainer, loss, model.optimizer, jit_compile="auto")
    arguments = FitArguments(train_data, test_data, batch_size, steps_per_epoch, validation_steps)
    with sizes_told(model):
        arguments.fit(trainer, start=0, end=epochs, callbacks=[StopAtNan()], verbose=_verbosity())
    model.history = trainer.history
    return model


@dataclass(frozen=True)
class Trainer:
    """Training by the settings of params.yaml, with checkpoints from which an interrupted training resumes.

    A line per epoch is logged; in a terminal a bar shows the steps of the present one.

    Args:
        settings: section `train`.
        loss: name of the loss, as in `create_model`.
        checkpoint_folder: where the state after each epoch is saved and resumed from. What is in it must come
            from the same settings and data; it stays until the caller deletes it. None: no resuming.
        on_epoch: called with a dict per finished epoch: after each, and once at the start when resuming.
        n_photos: training photos per epoch, for the rate in the log.
        check: called after each batch, and before anything is written; ends the training by raising.
        devices: on which the model was made, and the data lie; None: one.
    """

    settings: TrainParams
    loss: str
    checkpoint_folder: Path | None = None
    on_epoch: Callable[[list[Row]], None] = lambda _: None
    n_photos: int | None = None
    check: Callable[[], None] = lambda: None
    devices: Devices | None = None

    def fit(
        self,
        model: keras.Model,
        data: Any,
        validation: Any,
        *,
        epochs: int,
        learning_rate: float,
        batch_size: int | None = None,
        steps_per_epoch: int | None = None,
    ) -> keras.Model:
        """The model, trained, with the weights of the epoch that the settings choose.

        Args:
            model: from `create_model`; its optimiser and loss are not used.
            data: as `train_data` of `train_model`.
            validation: the same, never augmented, for the MAE by which the settings may choose the epoch.
            learning_rate: the highest of the run.
            batch_size: photos per step when the data are arrays.
            steps_per_epoch: batches per epoch, for data without an end.

        Raises:
            ValueError: the data do not tell the number of steps, and neither does `steps_per_epoch`.
            DivergedError: the loss or the validation error is no number, or beyond all ages; `divergence`
                tells when.
        """
        arguments = FitArguments(data, validation, batch_size, steps_per_epoch)
        with self._open_checkpoint() as checkpoint:
            refuse_diverged(checkpoint)
            if checkpoint.history:
                _log.info(
                    "train: resuming after epoch %d of %d, from %s",
                    checkpoint.n_finished,
                    epochs,
                    checkpoint.folder,
                )
                self._tell(checkpoint.history)
            divergence = StopWhenDiverged(
                checkpoint,
                n_epochs=epochs,
                n_steps=arguments.n_steps,
                patience=self.settings.early_stopping_patience,
                advice=advice(
                    learning_rate=learning_rate,
                    clip_norm=self.settings.clip_norm,
                    is_float32=all(layer.compute_dtype == "float32" for layer in model.layers),
                ),
            )
            with training_progress(
                checkpoint, n_epochs=epochs, n_steps=arguments.n_steps, n_photos=self.n_photos
            ) as progress:
                callbacks = self._callbacks(checkpoint, model, divergence, progress)
                for phase in phases(self.settings, learning_rate, epochs):
                    if not has_stalled(checkpoint.history, self.settings.early_stopping_patience):
                        self._fit_phase(phase, model, arguments, checkpoint, callbacks)
            checkpoint.restore_kept(model)
        return model

    def _tell(self, history: list[Row]) -> None:
        self.check()
        self.on_epoch(history)

    @contextmanager
    def _open_checkpoint(self) -> Iterator[Checkpoint]:
        if self.checkpoint_folder is not None:
            yield Checkpoint(self.checkpoint_folder)
            return
        with tempfile.TemporaryDirectory() as folder:
            yield Checkpoint(Path(folder))

    def _callbacks(
        self,
        checkpoint: Checkpoint,
        model: keras.Model,
        divergence: StopWhenDiverged,
        progress: list[keras.callbacks.Callback],
    ) -> list[keras.callbacks.Callback]:
        settings = self.settings
        averaging = keras.callbacks.SwapEMAWeights(swap_on_epoch=False) if settings.ema_momentum else None
        return [
            *([averaging] if averaging else []),
            EpochTimer(),
            CheckAll(self.check),
            divergence,
            SaveCheckpoint(checkpoint, model, keep_best=settings.keep_best, averaging=averaging),
            *progress,
            TellHistory(checkpoint, self._tell),
            StopEarly(checkpoint, settings.early_stopping_patience),
        ]

    def _fit_phase(
        self,
        phase: Phase,
        model: keras.Model,
        arguments: "FitArguments",
        checkpoint: Checkpoint,
        callbacks: list[keras.callbacks.Callback],
    ) -> None:
        start = max(phase.start, checkpoint.n_finished)
        if start >= phase.end:
            return
        for layer in model.layers:
            if layer.name.startswith("conv"):
                layer.trainable = not phase.is_frozen
        trainer = _with_one_output(model)
        if start == phase.start > 0:
            checkpoint.restore(trainer)  # the phase before had an optimiser of its own: weights alone
        settings = self.settings
        loss = keras_loss(self.loss, label_sigma=settings.label_sigma, l1_weight=settings.l1_weight)
        with self.devices.scope() if self.devices else nullcontext():
            _compile(trainer, loss, phase.optimizer(arguments.n_steps), jit_compile=settings.jit_compile)
        if start > phase.start:
            checkpoint.restore(trainer)
        with self.devices.fitting() if self.devices else nullcontext():
            arguments.fit(trainer, start=start, end=phase.end, callbacks=callbacks, verbose=0)


@dataclass(frozen=True)
class FitArguments:
    """The data of a training, and how `model.fit` is to walk over them."""

    data: Any
    validation: Any
    batch_size: int | None = None
    steps_per_epoch: int | None = None
    validation_steps: int | None = None

    @property
    def n_steps(self) -> int:
        """Training steps per epoch."""
        if self.steps_per_epoch is not None:
            return self.steps_per_epoch
        if isinstance(self.data, tuple | list):
            return math.ceil(len(self.data[0]) / (self.batch_size or 32))  # Keras's own default
        try:
            return len(self.data)
        except TypeError as error:
            raise ValueError(
                "the training data do not tell how many batches they have: pass steps_per_epoch"
            ) from error

    def fit(
        self,
        trainer: keras.Model,
        *,
        start: int,
        end: int,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        verbose: int | str = "auto",
    ) -> None:
        """Trains the epochs `start` to `end` (exclusive, from 0)."""
        are_arrays = isinstance(self.data, tuple | list)
        with plain_errors(self.data, self.validation):
            trainer.fit(
                *(self.data if are_arrays else (self.data,)),
                validation_data=self.validation,
                batch_size=self.batch_size if are_arrays else None,
                shuffle=are_arrays,
                initial_epoch=start,
                epochs=end,
                steps_per_epoch=self.steps_per_epoch,
                validation_steps=self.validation_steps,
                callbacks=[SetEpoch(self.data), *callbacks],
                verbose=verbose,
            )


def set_seed(seed: int, *, deterministic: bool) -> None:
    """Seeds Python, NumPy and Keras; with `deterministic` also makes TensorFlow's operations repeatable."""
    keras.utils.set_random_seed(seed)
    if deterministic and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def _verbosity() -> int | str:
    """Keras's, for `model.fit`: bars for people who watch, a line per epoch elsewhere.

    Keras takes every POSIX system for a terminal and writes 40 KB of bars per epoch into a file.
    """
    return "auto" if sys.stdout.isatty() or "ipykernel" in sys.modules else 2


def _with_one_output(model: keras.Model) -> keras.Model:
    """The same layers with the one output that the loss looks at, so that plain ages are the target."""
    output = model.output[AGE_DISTRIBUTION] if is_distribution_model(model) else model.output
    return keras.Model(model.input, output, name="trainer")


def _compile(
    trainer: keras.Model,
    loss: str | keras.losses.Loss,
    optimizer: keras.Optimizer,
    *,
    jit_compile: bool | str,
) -> None:
    if is_distribution_model(trainer):
        metric: keras.metrics.Metric = MedianAgeError(name="mae")
    else:
        metric = keras.metrics.MeanAbsoluteError(name="mae")
    if any(layer.compute_dtype == "float16" for layer in trainer.layers if isinstance(layer, keras.Layer)):
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    trainer.compile(optimizer, loss=loss, metrics=[metric], jit_compile=jit_compile)
    # else its variables are made while the first step is traced, and TensorFlow traces that step twice
    trainer.optimizer.build(trainer.trainable_variables)
