"""Losses and metrics for models that predict an age distribution.

An age distribution is a tensor of shape (n, 101): the probabilities of the ages 0, 1, ..., 100 years.
Everything here is Keras 3 alone, so it runs on every Keras backend.
"""

from typing import Any

import keras
from keras import ops

from shopper_age.model.distribution import (
    TINY,
    as_column,
    expected_age,
    median_age,
    older_than,
    soft_labels,
)


def keras_loss(name: str, *, label_sigma: float, l1_weight: float) -> str | keras.losses.Loss:
    """What Keras compiles a model with for a loss of params.yaml: of the age, or of its distribution.

    Args:
        name: "mse", "mae" or "huber" of the age; "label_distribution" or "ordinal" of the distribution.
        label_sigma: "label_distribution": standard deviation of the soft label, in years.
        l1_weight: "label_distribution": weight of the L1 term on the expected age.

    Raises:
        ValueError: there is no loss of that name.
    """
    match name:
        case "mse" | "mae":
            return name
        case "huber":
            return keras.losses.Huber(delta=5.0)
        case "label_distribution":
            return LabelDistributionLoss(label_sigma, l1_weight)
        case "ordinal":
            return OrdinalLoss()
    raise ValueError(f"loss must be one of mse, mae, huber, label_distribution, ordinal; received {name!r}")


class LabelDistributionLoss(keras.losses.Loss):
    """Cross-entropy with a Gaussian soft label, plus `l1_weight` times |expected age - true age|.

    Source: Gao et al. 2018, eq. 5 and 7 (the divergence there differs by a constant).
    """

    def __init__(self, sigma: float, l1_weight: float, name: str = "label_distribution_loss") -> None:
        super().__init__(name=name)
        self.sigma = sigma
        self.l1_weight = l1_weight

    def call(self, y_true: Any, y_pred: Any) -> Any:
        cross_entropy = -ops.sum(soft_labels(y_true, self.sigma) * ops.log(y_pred + TINY), axis=-1)
        return cross_entropy + self.l1_weight * ops.abs(expected_age(y_pred) - as_column(y_true)[:, 0])

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "sigma": self.sigma, "l1_weight": self.l1_weight}


class OrdinalLoss(keras.losses.Loss):
    """Sum over k of the binary cross-entropy of "older than k", read off the distribution.

    P(age > k) is one minus the cumulative sum, so it never rises with k: the estimates are rank-consistent.

    Source: Niu et al. 2016, eq. 3, with equal task weights.
    """

    def __init__(self, name: str = "ordinal_loss") -> None:
        super().__init__(name=name)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        is_older = older_than(y_true)
        p_older = ops.clip(1.0 - ops.cumsum(y_pred, axis=-1)[:, :-1], TINY, 1.0 - TINY)
        return -ops.sum(is_older * ops.log(p_older) + (1.0 - is_older) * ops.log(1.0 - p_older), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}


class MedianAgeError(keras.metrics.MeanAbsoluteError):
    """Mean absolute error, in years, of the medians of predicted distributions.

    Example: true ages 20 and 40, all mass on 23 and on 39: (3 + 1) / 2 = 2.0 years.
    """

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        super().update_state(as_column(y_true), median_age(y_pred), sample_weight)
