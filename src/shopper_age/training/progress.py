"""Progress of a training: a line per epoch, and in terminals a bar for its steps."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from statistics import median
from typing import Any

import keras
from keras import ops

from shopper_age.runtime.progress import new_bar
from shopper_age.training.checkpoint import Checkpoint
from shopper_age.training.selection import VALIDATION_MAE, Row, best_epoch

_log = logging.getLogger(__name__)


@contextmanager
def training_progress(
    checkpoint: Checkpoint, *, n_epochs: int, n_steps: int, n_photos: int | None
) -> Iterator[list[keras.callbacks.Callback]]:
    """Callbacks that log a line per epoch and show a bar; to stand behind an `EpochTimer`.

    Args:
        checkpoint: the epochs before.
        n_epochs: of the whole training.
        n_steps: per epoch.
        n_photos: training photos per epoch; without it the lines have no rate of photos.
    """
    bar = EpochBar(n_epochs=n_epochs, n_steps=n_steps)
    try:
        yield [bar, LogEpoch(checkpoint, n_epochs=n_epochs, n_photos=n_photos)]
    finally:
        bar.close()


class LogEpoch(keras.callbacks.Callback):
    """Logs a line per epoch, and one before and after the network is compiled.

    Args:
        checkpoint: the epochs before.
        n_epochs: of the whole training.
        n_photos: training photos per epoch; without it the line has no rate of photos.
    """

    def __init__(self, checkpoint: Checkpoint, *, n_epochs: int, n_photos: int | None) -> None:
        super().__init__()
        self._checkpoint = checkpoint
        self._n_epochs = n_epochs
        self._n_photos = n_photos
        self._seconds: list[float] = []
        self._first_step_seconds: float | None = None

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        if self._first_step_seconds is None:
            _log.info("train: compiling the network in the first step, which may take minutes")
            self._start = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        if self._first_step_seconds is None:
            self._first_step_seconds = time.perf_counter() - self._start
            _log.info("train: compiled in %.0f s", self._first_step_seconds)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        rate = float(ops.convert_to_numpy(self.model.optimizer.learning_rate))
        row = {"epoch": epoch + 1, "learning_rate": rate, **(logs or {})}
        self._seconds.append(row["seconds"])
        line = epoch_line(
            [*self._checkpoint.history[:epoch], row],
            n_epochs=self._n_epochs,
            n_photos=self._n_photos,
            seconds_to_come=self._seconds_to_come(),
        )
        _log.info("train: %s", line)

    def _seconds_to_come(self) -> float:
        """Of an epoch that follows: the median of those without the compilation."""
        if len(self._seconds) > 1:
            return median(self._seconds[1:])
        return max(self._seconds[0] - (self._first_step_seconds or 0.0), 0.0)


def epoch_line(history: Sequence[Row], *, n_epochs: int, n_photos: int | None, seconds_to_come: float) -> str:
    """The last epoch in a line: losses, MAE in years, learning rate at its end, speed, time left.

    Args:
        history: rows of the finished epochs: `epoch` from 1, `seconds` and Keras's logs; that of the last
            has `learning_rate` too.
        seconds_to_come: of an epoch that follows.
    """
    row = history[-1]
    seconds = row["seconds"]
    left = timedelta(seconds=round((n_epochs - row["epoch"]) * seconds_to_come))
    loss, error = f"loss {row['loss']:.4f}", f"MAE {row['mae']:.2f}"
    if VALIDATION_MAE in row:
        best = best_epoch(history)
        best_error = history[best - 1][VALIDATION_MAE]
        loss += f" (validation {row['val_loss']:.4f})"
        error += f" (validation {row[VALIDATION_MAE]:.2f}, best {best_error:.2f} in epoch {best:.0f})"
    parts = [
        f"epoch {row['epoch']}/{n_epochs}",
        loss,
        error,
        f"learning rate {row['learning_rate']:.3g}",
        *([f"{n_photos / seconds:.1f} photos/s"] if n_photos else []),
        f"{seconds:.1f} s",
        f"{left} left",
    ]
    return ", ".join(parts)


class EpochBar(keras.callbacks.Callback):
    """A bar for the steps of each epoch, in terminals alone.

    It starts when the network is compiled: those minutes would be taken for the time of every step.

    Args:
        n_epochs: of the whole training.
        n_steps: per epoch.
    """

    def __init__(self, *, n_epochs: int, n_steps: int) -> None:
        super().__init__()
        self._n_epochs = n_epochs
        self._n_steps = n_steps
        self._bar: Any = None
        self._is_compiled = False

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        self._name = f"epoch {epoch + 1}/{self._n_epochs}"

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        if self._is_compiled and self._bar is None:
            self._bar = new_bar(self._name, self._n_steps, "steps", n_done=batch)

    def on_train_batch_end(self, batch: int, logs: Row | None = None) -> None:
        self._is_compiled = True
        if self._bar is not None:
            self._bar.set_postfix(
                {name: f"{float(value):.4g}" for name, value in (logs or {}).items()}, refresh=False
            )
            self._bar.update(batch + 1 - self._bar.n)

    def on_test_begin(self, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        if self._bar is not None:
            self._bar.set_description(f"{self._name}, validating")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        self.close()

    def close(self) -> None:
        """Clears the bar's line."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
