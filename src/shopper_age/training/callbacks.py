"""Callbacks of a training: number, duration and log of each epoch, and early stopping."""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import keras
from keras import ops

from shopper_age.training.checkpoint import Checkpoint
from shopper_age.training.selection import VALIDATION_MAE, Row, has_stalled

_log = logging.getLogger(__name__)


class SetEpoch(keras.callbacks.Callback):
    """Sets `data.epoch`, where there is one: order and augmentation follow from it, when resuming too."""

    def __init__(self, data: Any) -> None:
        super().__init__()
        self._data = data

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        if hasattr(self._data, "epoch"):
            self._data.epoch = epoch


class CheckAll(keras.callbacks.Callback):
    """Calls a function after each batch and epoch; what it raises ends the training."""

    def __init__(self, check: Callable[[], None]) -> None:
        super().__init__()
        self._check = check

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        self._check()

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        self._check()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        self._check()


class EpochTimer(keras.callbacks.Callback):
    """Wall seconds of each epoch, validation included: in `seconds`, and added to the logs of the epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        self.seconds.append(time.perf_counter() - self._start)
        logs["seconds"] = self.seconds[-1]


class LogEpoch(keras.callbacks.Callback):
    """Logs a line per epoch; it needs an `EpochTimer` before it.

    Args:
        n_epochs: of the whole training.
        n_photos: training photos per epoch; without it the line has no rate of photos.
    """

    def __init__(self, n_epochs: int, n_photos: int | None) -> None:
        super().__init__()
        self._n_epochs = n_epochs
        self._n_photos = n_photos

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        rate = float(ops.convert_to_numpy(self.model.optimizer.learning_rate))
        row = {"epoch": epoch + 1, "learning_rate": rate, **(logs or {})}
        _log.info("train: %s", epoch_line(row, n_epochs=self._n_epochs, n_photos=self._n_photos))


def epoch_line(row: Row, *, n_epochs: int, n_photos: int | None) -> str:
    """An epoch in a line: loss, MAE of both parts in years, learning rate at its end, speed, time left.

    Args:
        row: `epoch` from 1, `learning_rate`, `seconds` and Keras's logs.
    """
    seconds = row["seconds"]
    left = timedelta(seconds=round((n_epochs - row["epoch"]) * seconds))
    parts = [
        f"epoch {row['epoch']}/{n_epochs}",
        f"loss {row['loss']:.4f}",
        f"MAE {row['mae']:.2f}",
        *([f"validation MAE {row[VALIDATION_MAE]:.2f}"] if VALIDATION_MAE in row else []),
        f"learning rate {row['learning_rate']:.3g}",
        *([f"{n_photos / seconds:.1f} photos/s"] if n_photos else []),
        f"{seconds:.1f} s",
        f"{left} left",
    ]
    return ", ".join(parts)


class TellHistory(keras.callbacks.Callback):
    """Hands all rows of the history so far to a function after each epoch."""

    def __init__(self, checkpoint: Checkpoint, tell: Callable[[list[Row]], None]) -> None:
        super().__init__()
        self._checkpoint = checkpoint
        self._tell = tell

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        self._tell(self._checkpoint.history)


class StopEarly(keras.callbacks.Callback):
    """Ends the training after `patience` epochs without a better validation MAE; never with 0."""

    def __init__(self, checkpoint: Checkpoint, patience: int) -> None:
        super().__init__()
        self._checkpoint = checkpoint
        self._patience = patience

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        if has_stalled(self._checkpoint.history, self._patience):
            self.model.stop_training = True
