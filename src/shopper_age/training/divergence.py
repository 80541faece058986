"""Divergence of a training: losses and errors that are no numbers any more, or beyond all ages."""

import logging
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from shopper_age.training.checkpoint import Checkpoint, row_of
from shopper_age.training.selection import VALIDATION_MAE, Row, has_stalled

_log = logging.getLogger(__name__)

# No model that learns is wrong by so much; one that has not settled yet may be, for an epoch or two.
_ABSURD_YEARS = 1000

# Absurd validation errors may be a passing state of the moving averages of batch normalisation.
_N_ABSURD_EPOCHS = 2


class DivergedError(ValueError):
    """A training diverged: more epochs of it lead nowhere."""


def divergence(history: Sequence[Row], *, is_last: bool) -> str | None:
    """What shows that a training has diverged in its last row, or None.

    A validation MAE that is infinite, NaN or above 1,000 years counts from its second epoch in a row on,
    unless it falls: after the first few steps of a high rate it may pass. What the last epoch leaves counts
    at once.

    Args:
        history: the finished epochs, the one in question last.
        is_last: no epoch follows.
    """
    row = history[-1]
    losses = {"training loss": row["loss"], "training MAE": row["mae"]}
    for name, value in losses.items():
        if not math.isfinite(value):
            return f"the {name} is {value:g}"
    error = row.get(VALIDATION_MAE, 0.0)
    lately = [row.get(VALIDATION_MAE, 0.0) for row in history[-_N_ABSURD_EPOCHS:]]
    persists = len(lately) == _N_ABSURD_EPOCHS and all(_is_absurd(value) for value in lately)
    falls = error < lately[0]
    if (persists and not falls) or (is_last and _is_absurd(error)):
        return f"the validation MAE is {error:g} years"
    return None


def _is_absurd(error: float) -> bool:
    return not error <= _ABSURD_YEARS  # NaN, too


class StopWhenDiverged(keras.callbacks.Callback):
    """Ends a training that diverged with a `DivergedError`, before the epoch would become its state.

    The reason stays in the checkpoint: the same training would come to the same end.

    Args:
        n_epochs: of the whole training.
        n_steps: per epoch.
        patience: of early stopping, which may make an epoch the last.
        advice: what to change.
    """

    def __init__(
        self, checkpoint: Checkpoint, *, n_epochs: int, n_steps: int, patience: int, advice: str
    ) -> None:
        super().__init__()
        self._checkpoint = checkpoint
        self._n_epochs = n_epochs
        self._n_steps = n_steps
        self._patience = patience
        self._advice = advice
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Row | None = None) -> None:
        for name, value in (logs or {}).items():
            if not math.isfinite(float(value)):
                what = "training loss" if name == "loss" else f"training {name.upper()}"
                self._stop(f"in step {batch + 1} of {self._n_steps} the {what} is {float(value):g}")

    def on_epoch_end(self, epoch: int, logs: Row | None = None) -> None:
        row = row_of(epoch, logs)
        history = [*self._checkpoint.history, row]
        is_last = epoch + 1 == self._n_epochs or has_stalled(history, self._patience)
        reason = divergence(history, is_last=is_last)
        if reason is None and not all(np.isfinite(array).all() for array in self.model.get_weights()):
            reason = f"after step {self._n_steps} of {self._n_steps} weights are infinite or NaN"
        if reason is not None:
            self._stop(reason)
        error = row.get(VALIDATION_MAE, 0.0)
        if _is_absurd(error):
            _log.warning(
                "train: the validation MAE after epoch %d is %g years: should this last, %s",
                epoch + 1,
                error,
                self._advice,
            )

    def _stop(self, reason: str) -> None:
        n_finished = self._checkpoint.n_finished
        kept = f" The state after epoch {n_finished} is kept." if n_finished else ""
        message = (
            f"the training diverged in epoch {self._epoch + 1}: {reason}. To change this, {self._advice}."
        )
        self._checkpoint.mark_diverged(message)
        raise DivergedError(message + kept)


class StopAtNan(keras.callbacks.Callback):
    """Ends a training as it is compiled with a `DivergedError` when a loss or error is infinite or NaN."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: Row | None = None) -> None:
        self._check(f"step {batch + 1} of epoch {self._epoch}", logs)

    def on_epoch_end(self, epoch: int, logs: Row | None = None) -> None:
        self._check(f"epoch {epoch + 1}", logs)

    def _check(self, where: str, logs: Row | None) -> None:
        for name, value in (logs or {}).items():
            if not math.isfinite(float(value)):
                rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
                raise DivergedError(
                    f"the training diverged in {where}: {name} is {float(value):g}. The weights of this "
                    f"model are spoilt: make it anew with a lower learning rate (it was {rate:g}), as in "
                    f"`create_model(input_shape, learning_rate={rate / 10:g})`. If that changes nothing, "
                    "look for ages or photos that hold infinity or NaN"
                )


def refuse_diverged(checkpoint: Checkpoint) -> None:
    """Raises where this training has diverged before.

    Raises:
        DivergedError: it has; equal settings and data lead to the same end.
    """
    if checkpoint.diverged:
        raise DivergedError(
            f"with the same settings and data, {checkpoint.diverged} Nothing was trained again; to try these "
            f"settings once more all the same, delete {checkpoint.folder}"
        )


def advice(*, learning_rate: float, clip_norm: float, is_float32: bool) -> str:
    """What a user may change about a training that diverges."""
    clip = f"lower train.clip_norm (now {clip_norm:g})" if clip_norm else "set train.clip_norm (such as 1.0)"
    precision = "" if is_float32 else ", or set train.precision to float32"
    return f"lower learning_rate (now {learning_rate:g}), {clip}{precision}"
