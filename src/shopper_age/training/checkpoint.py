"""Checkpoints of a training: weights, optimiser and history after each epoch, written atomically."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from shopper_age.runtime.files import write_json

Row = dict[str, float]  # what one epoch is remembered by

_STATE = "state.json"

VALIDATION_MAE = "val_mae"


class Checkpoint(keras.callbacks.Callback):
    """Saves weights, optimiser and history after each epoch, and remembers which weights to keep.

    A folder holds three files: the weights to go on from (`trainer`, with the optimiser), the weights to keep
    (`model`, the best epoch's or the last) and state.json, which names both and is replaced last; a process
    killed at any moment leaves the state of one epoch or of the next, never a mixture.

    Args:
        folder: where the state lies; made when the first epoch ends.
        model: the model whose weights are kept.
        keep_best: keep the epoch with the lowest validation MAE rather than the last.
        patience: stop after this many epochs without a better validation MAE; 0 = never.
        averaging: the callback that averages weights (EMA), if any: the average is what is kept.
        on_epoch: called with all rows of the history so far, those from before an interruption included.
    """

    def __init__(
        self,
        folder: Path,
        model: keras.Model,
        *,
        keep_best: bool,
        patience: int,
        averaging: keras.callbacks.SwapEMAWeights | None = None,
        on_epoch: Callable[[list[Row]], None] | None = None,
    ) -> None:
        super().__init__()
        self._folder = folder
        self._kept_model = model
        self._keep_best = keep_best
        self._patience = patience
        self._averaging = averaging
        self._on_epoch = on_epoch or (lambda _: None)
        self._state: dict[str, Any] = {"history": []}
        if (folder / _STATE).is_file():
            self._state = json.loads((folder / _STATE).read_text(encoding="utf-8"))
            self._on_epoch(self.history)

    @property
    def history(self) -> list[Row]:
        """A row per finished epoch: `epoch` from 1, then Keras's logs."""
        return [dict(row) for row in self._state["history"]]

    @property
    def n_finished(self) -> int:
        return len(self._state["history"])

    @property
    def best_epoch(self) -> int:
        """The epoch, from 1, with the lowest validation MAE; the last where nothing was validated."""
        errors = [row[VALIDATION_MAE] for row in self._state["history"] if VALIDATION_MAE in row]
        return 1 + errors.index(min(errors)) if errors else self.n_finished

    @property
    def kept_epoch(self) -> int:
        """The epoch, from 1, whose weights are kept."""
        return self.best_epoch if self._keep_best else self.n_finished

    @property
    def has_stalled(self) -> bool:
        """Whether early stopping ends the training here."""
        return 0 < self._patience <= self.n_finished - self.best_epoch

    def restore(self, trainer: keras.Model) -> None:
        """Weights of the last finished epoch, and the optimiser's state if `trainer` is compiled."""
        if getattr(trainer, "optimizer", None) is not None:
            trainer.optimizer.build(trainer.trainable_variables)
        trainer.load_weights(self._folder / self._state["trainer"])

    def restore_kept(self) -> None:
        """Puts the weights to keep into the model."""
        self._kept_model.load_weights(self._folder / self._state["kept"])

    def on_epoch_end(self, epoch: int, logs: Row | None = None) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        row = {"epoch": epoch + 1, **{name: float(value) for name, value in (logs or {}).items()}}
        self._state["history"].append(row)
        self._state["trainer"] = self._save(self.model, f"trainer-{epoch + 1}.weights.h5")
        if self.kept_epoch == epoch + 1:
            self._state["kept"] = self._save_kept(f"kept-{epoch + 1}.weights.h5")
        write_json(self._folder / _STATE, self._state)
        self._delete_others()
        self._on_epoch(self.history)
        if self.has_stalled:
            self.model.stop_training = True

    def _save_kept(self, name: str) -> str:
        if self._averaging is None:
            return self._save(self._kept_model, name)
        # the callback's hooks around a validation put the average into the model and take it out again
        self._averaging.on_test_begin()
        try:
            return self._save(self._kept_model, name)
        finally:
            self._averaging.on_test_end()

    def _save(self, model: keras.Model, name: str) -> str:
        model.save_weights(
            self._folder / name, overwrite=True
        )  # half a file is harmless: state.json names it later
        return name

    def _delete_others(self) -> None:
        for path in self._folder.glob("*.weights.h5"):
            if path.name not in (self._state["trainer"], self._state["kept"]):
                path.unlink()
