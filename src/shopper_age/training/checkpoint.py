"""Checkpoints of a training: weights, optimiser and history after each epoch, written atomically."""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from shopper_age.model.space import check_space
from shopper_age.runtime.files import write_json
from shopper_age.training.selection import Row, best_epoch

_STATE = "state.json"


class Checkpoint:
    """The state of a training in a folder, as far as it has come.

    The folder holds three files: weights and optimiser to resume from (`trainer`), the weights to keep
    (`kept`) and state.json, which names both and is replaced last; a process killed at any moment leaves the
    state of one epoch or of the next, never a mixture.

    Args:
        folder: where the state lies; made when the first epoch is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._state: dict[str, Any] = {"history": []}
        if (folder / _STATE).is_file():
            self._state = json.loads((folder / _STATE).read_text(encoding="utf-8"))
            self._state["history"] = [_with_numbers(row) for row in self._state["history"]]

    @property
    def history(self) -> list[Row]:
        """A row per finished epoch."""
        return [dict(row) for row in self._state["history"]]

    @property
    def n_finished(self) -> int:
        return len(self._state["history"])

    @property
    def diverged(self) -> str | None:
        """How this training diverged, if it did."""
        reason: str | None = self._state.get("diverged")
        return reason

    def mark_diverged(self, reason: str) -> None:
        """Notes that the training diverged after the last finished epoch, which stays the state."""
        self._state = {**self._state, "diverged": reason}
        self._write_state()

    def write_weights(self, model: keras.Model, name: str) -> str:
        """Writes weights, and the optimiser of a compiled model, and returns the file's name for `commit`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file_name = f"{name}.weights.h5"
        check_space(model, self.folder / file_name)
        model.save_weights(self.folder / file_name, overwrite=True)
        return file_name

    def commit(self, row: Row, **files: str) -> None:
        """Makes a finished epoch the state.

        Args:
            row: its metrics.
            files: names of the files of `trainer` and `kept`; without `kept` the earlier one stays.
        """
        self._state = {**self._state, "history": [*self._state["history"], row], **files}
        self._write_state()
        for path in self.folder.glob("*.weights.h5"):
            if path.name not in (self._state["trainer"], self._state["kept"]):
                path.unlink()

    def drop_weights(self) -> None:
        """Removes the weights of a training that is finished and saved elsewhere; its history stays."""
        for path in self.folder.glob("*.weights.h5"):
            path.unlink()

    def _write_state(self) -> None:
        rows = [_with_text(row) for row in self._state["history"]]
        write_json(self.folder / _STATE, {**self._state, "history": rows})

    def restore(self, trainer: keras.Model) -> None:
        """Weights of the last finished epoch, and the optimiser's state if `trainer` is compiled."""
        if getattr(trainer, "optimizer", None) is not None:
            trainer.optimizer.build(trainer.trainable_variables)
        trainer.load_weights(self.folder / self._state["trainer"])

    def restore_kept(self, model: keras.Model) -> None:
        """Puts the weights to keep into the model."""
        model.load_weights(self.folder / self._state["kept"])


def row_of(epoch: int, logs: Mapping[str, Any] | None) -> Row:
    """The metrics of an epoch, which Keras counts from 0, as a row of the history."""
    return {"epoch": epoch + 1, **{name: float(value) for name, value in (logs or {}).items()}}


def _with_text(row: Row) -> dict[str, Any]:
    """JSON knows neither infinity nor NaN: they become text."""
    return {name: value if math.isfinite(value) else str(value) for name, value in row.items()}


def _with_numbers(row: Mapping[str, Any]) -> Row:
    return {name: float(value) if isinstance(value, str) else value for name, value in row.items()}


class SaveCheckpoint(keras.callbacks.Callback):
    """Writes each epoch to a checkpoint.

    Args:
        model: the model whose weights are kept; the callback's own model trains its layers.
        keep_best: keep the epoch with the lowest validation MAE rather than the last.
        averaging: the callback that averages weights (EMA), if any: the average is what is kept.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        model: keras.Model,
        *,
        keep_best: bool,
        averaging: keras.callbacks.SwapEMAWeights | None,
    ) -> None:
        super().__init__()
        self._checkpoint = checkpoint
        self._kept_model = model
        self._keep_best = keep_best
        self._averaging = averaging

    def on_epoch_end(self, epoch: int, logs: Row | None = None) -> None:
        row = row_of(epoch, logs)
        files = {"trainer": self._checkpoint.write_weights(self.model, f"trainer-{epoch + 1}")}
        if not self._keep_best or best_epoch([*self._checkpoint.history, row]) == epoch + 1:
            with _averaged(self._averaging):
                files["kept"] = self._checkpoint.write_weights(self._kept_model, f"kept-{epoch + 1}")
        self._checkpoint.commit(row, **files)


@contextmanager
def _averaged(averaging: keras.callbacks.SwapEMAWeights | None) -> Iterator[None]:
    """The average of the weights is in the model; by the hooks with which Keras validates it."""
    if averaging is None:
        yield
        return
    averaging.on_test_begin()
    try:
        yield
    finally:
        averaging.on_test_end()
