"""Callbacks of a training: number and duration of each epoch, checks, history, and early stopping."""

import time
from collections.abc import Callable
from typing import Any

import keras

from shopper_age.training.checkpoint import Checkpoint
from shopper_age.training.selection import Row, has_stalled


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
