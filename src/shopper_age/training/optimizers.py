"""Optimisers of a training: Adam or AdamW with their learning-rate schedule, for each phase."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
from keras.optimizers import schedules

from shopper_age.params import TrainParams

_END_OF_COSINE = 0.01  # share of the learning rate that is left at the last step

_LONGEST_AVERAGE = 0.1  # share of the steps over which weights are averaged at most


@dataclass(frozen=True)
class Phase:
    """Epochs `start` to `end` (exclusive, from 0) that share an optimiser and the layers that learn."""

    start: int
    end: int
    is_frozen: bool
    settings: TrainParams
    learning_rate: float

    def optimizer(self, n_steps: int) -> keras.Optimizer:
        """A new optimiser for the phase, of `n_steps` per epoch."""
        rate: Any = self.learning_rate
        n_all = n_steps * (self.end - self.start)
        if self.settings.schedule == "cosine" and not self.is_frozen:
            n_warmup = min(round(n_steps * self.settings.warmup_epochs), n_all - 1)
            rate = schedules.CosineDecay(
                0.0 if n_warmup else rate,
                decay_steps=n_all - n_warmup,
                alpha=_END_OF_COSINE,
                warmup_target=rate if n_warmup else None,
                warmup_steps=n_warmup,
            )
        options: dict[str, Any] = {"global_clipnorm": self.settings.clip_norm or None}
        if self.settings.ema_momentum:
            # a longer average than a short run can fill would still hold the untrained weights
            longest = max(0.0, 1 - 1 / (_LONGEST_AVERAGE * n_all))
            options |= {"use_ema": True, "ema_momentum": min(self.settings.ema_momentum, longest)}
        if self.settings.optimizer == "adam":
            return keras.optimizers.Adam(rate, **options)
        adamw = keras.optimizers.AdamW(rate, weight_decay=self.settings.weight_decay, **options)
        adamw.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        return adamw


def phases(settings: TrainParams, learning_rate: float, epochs: int) -> Iterator[Phase]:
    """The phases of a training: first its frozen epochs, if any, then those in which all layers learn."""
    n_frozen = min(settings.frozen_epochs, epochs)
    if n_frozen:
        yield Phase(0, n_frozen, True, settings, learning_rate)
    if n_frozen < epochs:
        yield Phase(n_frozen, epochs, False, settings, learning_rate)
