"""Output layers of the age model: one number, or a distribution over ages."""

from typing import Any

import keras
import numpy as np
from keras import layers

from shopper_age.model.distribution import N_AGES, median_age

AGE = "age"

AGE_DISTRIBUTION = "age_distribution"


def is_distribution_model(model: keras.Model) -> bool:
    """Whether the model predicts a distribution beside the age."""
    return AGE_DISTRIBUTION in model.output_names


def head(pooled: Any, loss: str) -> Any:
    """The output that a loss of params.yaml needs: the age, or a dict of the age and its distribution."""
    match loss:
        case "label_distribution":
            distribution = layers.Dense(N_AGES, activation="softmax", dtype="float32", name=AGE_DISTRIBUTION)(
                pooled
            )
        case "ordinal":
            distribution = _ordinal_chain(pooled)
        case _:
            return layers.Dense(1, dtype="float32", name=AGE)(pooled)
    age = layers.Identity(dtype="float32", name=AGE)(median_age(distribution))
    return {AGE: age, AGE_DISTRIBUTION: distribution}


def _ordinal_chain(pooled: Any) -> Any:
    """The distribution that follows from 100 probabilities "older than k, given older than k - 1".

    P(age > k) is the product of the first k + 1 of them, so it can only fall with k. The bias makes the
    untrained model predict about 23 years instead of 0.

    Source: Shi, Cao & Raschka 2021, "Deep Neural Networks for Rank-Consistent Ordinal Regression Based On
    Conditional Probabilities" (CORN), eq. 6.
    """
    log_conditional = layers.Dense(
        N_AGES - 1,
        activation="log_sigmoid",
        bias_initializer=keras.initializers.Constant(3.5),
        dtype="float32",
        name="log_older_than_k_given_older_than_k_minus_1",
    )(pooled)
    p_older = layers.Activation("exponential", dtype="float32", name="older_than")(
        _constant_dense(N_AGES - 1, "log_older_than")(log_conditional)
    )
    return _constant_dense(N_AGES, AGE_DISTRIBUTION, use_bias=True)(p_older)


def _constant_dense(units: int, name: str, *, use_bias: bool = False) -> layers.Dense:
    # A plain Dense whose kernel never learns: a model made of Keras's own layers loads without this package.
    return layers.Dense(units, use_bias=use_bias, trainable=False, dtype="float32", name=name)


def fill_constants(model: keras.Model) -> None:
    """Sets the kernels that turn the conditional probabilities of an "ordinal" head into a distribution."""
    if "log_older_than" not in {layer.name for layer in model.layers}:
        return
    n = N_AGES - 1
    model.get_layer("log_older_than").set_weights([np.triu(np.ones((n, n), "float32"))])
    # p(0) = 1 - P(>0), p(k) = P(>k-1) - P(>k), p(100) = P(>99)
    differences = np.zeros((n, N_AGES), "float32")
    differences[np.arange(n), np.arange(n)] = -1.0
    differences[np.arange(n), np.arange(n) + 1] = 1.0
    model.get_layer(AGE_DISTRIBUTION).set_weights([differences, np.eye(1, N_AGES, dtype="float32")[0]])
