"""Estimates of a model for photos: age and age distribution. Whoever made them, Keras or ONNX Runtime."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Estimates:
    """The estimated ages of n photos, shape (n,), in years."""

    age: NDArray[np.float64]
    # Probabilities of the years 0–100, shape (n, 101); None of a model that answers with a number alone.
    distribution: NDArray[np.float64] | None = None

    def sd(self) -> NDArray[np.float64] | None:
        """Standard deviation of each age distribution, shape (n,), in years; None without distributions.

        Within a year of life ages are taken as evenly spread, which adds their variance of 1/12: all weight
        on one year gives 0.289, not 0.
        """
        if self.distribution is None:
            return None
        years = np.arange(self.distribution.shape[1])
        mean = self.distribution @ years
        variance = (self.distribution * (years - mean[:, np.newaxis]) ** 2).sum(axis=1)
        return np.sqrt(variance + 1 / 12)

    def p_under(self, age: int) -> NDArray[np.float64] | None:
        """The probability that each person is younger than `age` years, shape (n,); None as for `sd`."""
        if self.distribution is None:
            return None
        return self.distribution[:, :age].sum(axis=1).clip(0, 1)  # rounded probabilities may add up to more
