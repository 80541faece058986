"""Divergence of a training: the error that ends it, and the note that keeps it from being repeated."""

import json
import math
from typing import Any

import keras

from shopper_age.runtime.files import write_json
from shopper_age.training.checkpoint import Checkpoint

# Validation errors above this many years are no age estimates any more, even where they are finite.
LARGEST_MAE = 1000.0

_NOTE = "diverged.json"
_REMEDY = "Lower learning_rate, set train.clip_norm (1.0, say), or set train.precision to float32"


class DivergedError(ValueError):
    """A loss or an error that no further epoch repairs."""


class StopDiverged(keras.callbacks.Callback):
    """Ends a training whose epoch left a loss or an error that is infinite, NaN or above `LARGEST_MAE` years.

    It stands before the callback that saves the epoch, so that the checkpoint keeps the state of the last
    good one, with a note of what happened.

    Raises:
        DivergedError: names the epoch, the value and what to change.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__()
        self._checkpoint = checkpoint

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        for name, value in (logs or {}).items():
            is_error = name.endswith("mae")
            if not math.isfinite(value) or (is_error and value > LARGEST_MAE):
                what = f"{_NAMES.get(name, name)} is {value:,.6g}{' years' if is_error else ''}"
                reason = f"the training diverged in epoch {epoch + 1}: its {what}. {_REMEDY}."
                write_json(self._checkpoint.folder / _NOTE, {"reason": reason})
                raise DivergedError(reason)


_NAMES = {
    "loss": "loss",
    "mae": "MAE of the training photos",
    "val_loss": "validation loss",
    "val_mae": "validation MAE",
}


def check_not_diverged(checkpoint: Checkpoint) -> None:
    """Raises DivergedError where this very training, with its settings and data, diverged before."""
    note = checkpoint.folder / _NOTE
    if note.is_file():
        found: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
        raise DivergedError(
            f"with these settings and data {found['reason']} It would diverge again; to try all the same, "
            f"delete {checkpoint.folder}"
        )
