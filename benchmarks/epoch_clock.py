"""How long each epoch of `model.fit` takes."""

import time
from typing import Any

import keras


class EpochClock(keras.callbacks.Callback):
    """Wall seconds of each epoch, in `seconds`."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        self.seconds.append(time.perf_counter() - self._start)
