"""What training minimises and watches for models that answer with a distribution over ages, and their answer.

An age distribution is a tensor of shape (n, 101): the probabilities of the ages 0, 1, ..., 100 years.
Everything here is Keras 3 alone, so it runs on every Keras backend.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

N_AGES = 101
AGES = np.arange(N_AGES, dtype="float32")
_TINY = 1e-7  # keeps the logarithm of a vanishing probability finite in float32


def expected_age(age_distribution: Any) -> Any:
    """The mean of each distribution, (n, 101) -> (n,), in years."""
    return ops.matmul(ops.cast(age_distribution, "float32"), ops.convert_to_tensor(AGES))


def median_age(age_distribution: Any) -> Any:
    """The age that half of each distribution lies below, (n, 101) -> (n, 1), in years.

    No other estimate has a smaller expected absolute error. The probability of an age k is taken to lie
    evenly between k - 0.5 and k + 0.5.
    """
    probability = ops.cast(age_distribution, "float32")
    below = ops.cumsum(probability, axis=-1) - probability
    # the part of each age's year that lies below the median
    passed = ops.clip((0.5 - below) / (probability + _TINY), 0.0, 1.0)
    return ops.sum(passed, axis=-1, keepdims=True) - 0.5


def soft_labels(ages: Any, sigma: float) -> Any:
    """A Gaussian around each true age, (n,) -> (n, 101), each row summing to 1.

    Args:
        ages: true ages in years; fractions keep their place between two bins.
        sigma: standard deviation in years.

    Source: Gao et al. 2018, "Age Estimation Using Expectation of Label Distribution Learning", eq. 1.
    """
    distance = (ops.convert_to_tensor(AGES)[None, :] - _as_column(ages)) / sigma
    return ops.softmax(-0.5 * ops.square(distance), axis=-1)


def older_than(ages: Any) -> Any:
    """Whether each true age is above k for k = 0, ..., 99: (n,) -> (n, 100) of 0.0 and 1.0.

    Source: Niu et al. 2016, "Ordinal Regression with Multiple Output CNN for Age Estimation", sec. 3.1.
    """
    return ops.cast(_as_column(ages) > ops.convert_to_tensor(AGES[:-1])[None, :], "float32")


class LabelDistributionLoss(keras.losses.Loss):
    """Cross-entropy with a Gaussian soft label, plus `l1_weight` times |expected age - true age|.

    Source: Gao et al. 2018, eq. 5 and 7 (the divergence there differs by a constant).
    """

    def __init__(self, sigma: float, l1_weight: float, name: str = "label_distribution_loss") -> None:
        super().__init__(name=name)
        self.sigma = sigma
        self.l1_weight = l1_weight

    def call(self, y_true: Any, y_pred: Any) -> Any:
        cross_entropy = -ops.sum(soft_labels(y_true, self.sigma) * ops.log(y_pred + _TINY), axis=-1)
        return cross_entropy + self.l1_weight * ops.abs(expected_age(y_pred) - _as_column(y_true)[:, 0])

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "sigma": self.sigma, "l1_weight": self.l1_weight}


class OrdinalLoss(keras.losses.Loss):
    """Sum over k of the binary cross-entropy of "older than k", read off the distribution.

    P(age > k) is one minus the cumulative sum, so it never rises with k: the answers are rank-consistent.

    Source: Niu et al. 2016, eq. 3, with equal task weights.
    """

    def __init__(self, name: str = "ordinal_loss") -> None:
        super().__init__(name=name)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        is_older = older_than(y_true)
        p_older = ops.clip(1.0 - ops.cumsum(y_pred, axis=-1)[:, :-1], _TINY, 1.0 - _TINY)
        return -ops.sum(is_older * ops.log(p_older) + (1.0 - is_older) * ops.log(1.0 - p_older), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}


class MedianAgeError(keras.metrics.MeanAbsoluteError):
    """Mean absolute error, in years, of the medians of predicted distributions.

    Example: true ages 20 and 40, all mass on 23 and on 39: (3 + 1) / 2 = 2.0 years.
    """

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        super().update_state(_as_column(y_true), median_age(y_pred), sample_weight)


def _as_column(ages: Any) -> Any:
    return ops.reshape(ops.cast(ages, "float32"), (-1, 1))
