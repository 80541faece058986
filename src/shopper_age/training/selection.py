"""Selection of the epoch whose weights are kept, and early stopping."""

import math
from collections.abc import Sequence

Row = dict[str, float]  # metrics of one epoch: `epoch` from 1, then Keras's logs

VALIDATION_MAE = "val_mae"


def best_epoch(history: Sequence[Row]) -> int:
    """The epoch, from 1, with the lowest validation MAE; the last where nothing was validated."""
    errors = [_comparable(row[VALIDATION_MAE]) for row in history if VALIDATION_MAE in row]
    return 1 + errors.index(min(errors)) if errors else len(history)


def has_stalled(history: Sequence[Row], patience: int) -> bool:
    """Whether the last `patience` epochs brought no better validation MAE; never with a patience of 0.

    Example: validation MAEs 9, 7, 8, 7 have stalled for a patience of 2: the best is epoch 2.
    """
    return 0 < patience <= len(history) - best_epoch(history)


def _comparable(error: float) -> float:
    """NaN is smaller than nothing and larger than nothing; here it is worst."""
    return math.inf if math.isnan(error) else error
