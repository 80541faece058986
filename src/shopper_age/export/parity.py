"""Parity of an export: differences of its answers to the model's."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from shopper_age.inference.estimates import Estimates


@dataclass(frozen=True)
class Parity:
    """Differences of an export's estimates to the model's, on the same photos; in years."""

    n_photos: int
    mean_difference: float
    max_difference: float
    mae_model: float
    mae_export: float

    @property
    def mae_loss(self) -> float:
        """How much larger the export's error is."""
        return self.mae_export - self.mae_model


def compare(y_true: ArrayLike, of_model: Estimates, of_export: Estimates) -> Parity:
    """Compares two sets of estimates of the same n photos with true ages, shape (n,), in years."""
    true = np.asarray(y_true, dtype=float)
    difference = np.abs(of_export.age - of_model.age)
    return Parity(
        n_photos=true.size,
        mean_difference=float(difference.mean()),
        max_difference=float(difference.max()),
        mae_model=float(np.abs(of_model.age - true).mean()),
        mae_export=float(np.abs(of_export.age - true).mean()),
    )
