"""Age distributions: their mean and median, and the targets that train them."""

from typing import Any

import numpy as np
from keras import ops

N_AGES = 101

AGES = np.arange(N_AGES, dtype="float32")

TINY = 1e-7  # keeps the logarithm of a vanishing probability finite in float32


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
    passed = ops.clip((0.5 - below) / (probability + TINY), 0.0, 1.0)
    return ops.sum(passed, axis=-1, keepdims=True) - 0.5


def soft_labels(ages: Any, sigma: float) -> Any:
    """A Gaussian around each true age, (n,) -> (n, 101), each row summing to 1.

    Args:
        ages: true ages in years; fractions keep their place between two bins.
        sigma: standard deviation in years.

    Source: Gao et al. 2018, "Age Estimation Using Expectation of Label Distribution Learning", eq. 1.
    """
    distance = (ops.convert_to_tensor(AGES)[None, :] - as_column(ages)) / sigma
    return ops.softmax(-0.5 * ops.square(distance), axis=-1)


def older_than(ages: Any) -> Any:
    """Whether each true age is above k for k = 0, ..., 99: (n,) -> (n, 100) of 0.0 and 1.0.

    Source: Niu et al. 2016, "Ordinal Regression with Multiple Output CNN for Age Estimation", sec. 3.1.
    """
    return ops.cast(as_column(ages) > ops.convert_to_tensor(AGES[:-1])[None, :], "float32")


def as_column(ages: Any) -> Any:
    return ops.reshape(ops.cast(ages, "float32"), (-1, 1))
