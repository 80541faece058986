"""Estimates of a model for photos: age and age distribution."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from shopper_age.data.batches import plain_errors
from shopper_age.inference.views import with_views
from shopper_age.model.heads import AGE, AGE_DISTRIBUTION

_INFERENCE_BYTES = 2**30

# Of ResNet50's activations that live at the same time, measured as the growth of memory with the batch.
_BYTES_PER_PIXEL = 12 * 2**20 / 224**2


@dataclass(frozen=True)
class Estimates:
    """The true and estimated ages of a part, shape (n,), in years."""

    y_true: NDArray[np.float64]
    y_pred: NDArray[np.float64]
    # Probabilities of the years 0–100, shape (n, 101); None of a model that answers with a number alone.
    age_distribution: NDArray[np.float64] | None = None

    def spread(self) -> NDArray[np.float64] | None:
        """How unsure the model is of each photo, shape (n,), in years."""
        return None if self.age_distribution is None else spread(self.age_distribution)

    def p_minor(self, legal_age: int) -> NDArray[np.float64] | None:
        """The probability that each person is under age, shape (n,)."""
        if self.age_distribution is None:
            return None
        return probability_under(self.age_distribution, legal_age)


def probability_under(age_distribution: ArrayLike, age: int) -> NDArray[np.float64]:
    """P(age < `age`), shape (n,), from probabilities of the years 0–100, shape (n, 101)."""
    return np.asarray(age_distribution, dtype=float)[:, :age].sum(axis=1)


def spread(age_distribution: ArrayLike) -> NDArray[np.float64]:
    """Standard deviation in years of each age distribution over the years 0–100, shape (n, 101) to (n,).

    Within a year of life ages are taken as evenly spread, which adds their variance of 1/12: all weight on
    one year gives 0.289, not 0.
    """
    distribution = np.asarray(age_distribution, dtype=float)
    years = np.arange(distribution.shape[1])
    mean = distribution @ years
    variance = (distribution * (years - mean[:, np.newaxis]) ** 2).sum(axis=1)
    return np.sqrt(variance + 1 / 12)


def estimate(model: keras.Model, data: Any, y_true: np.ndarray, *, n_views: int = 1) -> Estimates:
    """What the model says of each photo.

    Args:
        model: from `create_model`, or loaded from its file.
        data: whatever `model.predict` takes, in the order of `y_true`; what follows after the last of these,
            as `photo_batches` pads, is left out.
        y_true: shape (n,), years.
        n_views: views that are averaged: 1 = the photo, 2 = also mirrored, 4 = also the middle 90 % of both.
    """
    with plain_errors(data):
        answer = with_views(model, n_views).predict(data, verbose="auto")
    distribution = answer.get(AGE_DISTRIBUTION)
    n = len(y_true)
    return Estimates(
        np.asarray(y_true, float),
        answer[AGE][:n, 0].astype(float),
        None if distribution is None else distribution[:n].astype(float),
    )


def inference_batch_size(image_size: int) -> int:
    """Photos per batch such that the network holds about 1 GiB of them at a time."""
    return max(1, int(_INFERENCE_BYTES / (_BYTES_PER_PIXEL * image_size**2)))
