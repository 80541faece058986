"""Conversion of a model's layers: to plain float32, or to fused batch normalisation."""

from collections.abc import Callable

import keras
from keras import layers

from shopper_age.model.batch_norm import FusedBatchNormalization


def in_float32(model: keras.Model) -> keras.Model:
    """The same network and weights in Keras's own layers, computing in float32 and not compiled."""
    copy = converted(model, _float32)
    copy.set_weights(model.get_weights())
    return copy


def converted(model: keras.Model, convert: Callable[[keras.Operation], keras.Operation]) -> keras.Model:
    """The same network, not compiled and with fresh weights, each of its operations converted."""
    uncompiled = keras.Model(model.input, model.output, name=model.name)
    return keras.models.clone_model(uncompiled, clone_function=convert)


def _float32(operation: keras.Operation) -> keras.Operation:
    if isinstance(operation, FusedBatchNormalization):
        kind: type[keras.Operation] = layers.BatchNormalization
    else:
        kind = type(operation)
    # an operation such as the flip of channels has no dtype of its own
    dtype = {"dtype": "float32"} if isinstance(operation, keras.Layer) else {}
    return kind.from_config({**operation.get_config(), **dtype})


def fused(operation: keras.Operation) -> keras.Operation:
    """The same operation; a batch normalisation becomes one that computes in a single step."""
    is_plain = type(operation) is layers.BatchNormalization
    kind = FusedBatchNormalization if is_plain else type(operation)
    return kind.from_config(operation.get_config())
