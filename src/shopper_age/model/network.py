"""The age model: ResNet50 with built-in preprocessing and a regression or distribution head."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import keras
from keras import layers

from shopper_age.model.conversion import converted, fused
from shopper_age.model.heads import AGE, AGE_DISTRIBUTION, fill_constants, head, is_distribution_model
from shopper_age.model.losses import keras_loss
from shopper_age.model.weights import LoadedWeights, load_backbone_weights
from shopper_age.runtime.arguments import check_number

_log = logging.getLogger(__name__)

_POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}

# Mean RGB of the ImageNet photos that ResNet50's published weights were trained on; the order of
# channels is then turned to BGR. Source: keras.applications.imagenet_utils, mode "caffe".
_IMAGENET_MEAN_RGB = (123.68, 116.779, 103.939)


def create_model(
    input_shape: tuple[int, int, int],
    *,
    weights: str = "imagenet",
    loss: str = "mse",
    learning_rate: float = 0.0001,
    label_sigma: float = 2.0,
    l1_weight: float = 0.0,
    precision: str = "float32",
) -> keras.Model:
    """A compiled age model; it takes raw RGB photos, values 0-255, of shape (n, height, width, 3).

    The output named `age` has shape (n, 1), in years. With the losses "label_distribution" and "ordinal"
    the model predicts a dict of `age_distribution`, shape (n, 101), the probabilities of the ages 0 to 100,
    summing to 1, and `age`, its median. `train_model` trains it as it is compiled, with Adam; a `Trainer`
    brings optimiser and loss of its own.

    Args:
        input_shape: (height, width, 3), each side 32 pixels or more.
        weights: "imagenet", "random" or the path of a `.weights.h5`, `.h5` or `.keras` file of a ResNet50.
        loss: "mse", "mae", "huber", "label_distribution" or "ordinal".
        learning_rate: Adam's.
        label_sigma: "label_distribution": standard deviation of the soft label, in years.
        l1_weight: "label_distribution": weight of the L1 term on the expected age.
        precision: "float32", "bfloat16" or "float16" inside the backbone; outputs are always float32.

    Raises:
        ValueError: an argument breaks its rule, or the file of weights does not fit.
        OSError: the ImageNet weights cannot be downloaded, or there is no such file.
    """
    if not _is_shape(input_shape):
        raise ValueError(
            f"input_shape must be (height, width, 3) with sides of at least 32, received {input_shape!r}"
        )
    check_number("learning_rate", learning_rate, above=0)
    check_number("label_sigma", label_sigma, above=0)
    check_number("l1_weight", l1_weight, at_least=0)
    if precision not in _POLICIES:
        raise ValueError(f"precision must be one of {', '.join(_POLICIES)}, received {precision!r}")
    compiled_loss = keras_loss(loss, label_sigma=label_sigma, l1_weight=l1_weight)
    with _dtype_policy(_POLICIES[precision]):
        model = converted(_network(input_shape, loss), fused)
    fill_constants(model)
    if weights == "random":
        _shorten_memory_of_statistics(model)
    _log_weights(load_backbone_weights(model, weights))
    model.compile(
        keras.optimizers.Adam(learning_rate),
        loss={AGE_DISTRIBUTION: compiled_loss} if is_distribution_model(model) else compiled_loss,
        metrics={AGE: [keras.metrics.MeanAbsoluteError(name="mae")]},
    )
    return model


def _is_shape(value: Any) -> bool:
    if not isinstance(value, Sequence) or len(value) != 3 or not all(isinstance(n, Integral) for n in value):
        return False
    return min(value[:2]) >= 32 and value[2] == 3


def _network(input_shape: tuple[int, int, int], loss: str) -> keras.Model:
    photo = keras.Input(input_shape, name="photo", dtype="float32")
    centred = layers.Rescaling(
        1.0, offset=[-mean for mean in _IMAGENET_MEAN_RGB], dtype="float32", name="subtract_imagenet_mean"
    )(photo)
    backbone = keras.applications.ResNet50(include_top=False, weights=None, input_tensor=centred[..., ::-1])
    pooled = layers.GlobalAveragePooling2D(dtype="float32", name="pool")(backbone.output)
    return keras.Model(photo, head(pooled, loss), name="age_resnet50")


def _shorten_memory_of_statistics(model: keras.Model) -> None:
    # Random layers change fast. With Keras's momentum of 0.99 the moving statistics lag hundreds of steps
    # behind: with the 267 drawn training photos of the demo the test MAE was 16.1 years instead of 8.0.
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.9


def _log_weights(loaded: LoadedWeights) -> None:
    if loaded.source != "random":
        level = logging.WARNING if loaded.left_random else logging.INFO
        _log.log(level, "weights: %s", loaded.describe())


@contextmanager
def _dtype_policy(name: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
