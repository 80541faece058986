"""The network: ResNet50 with its preprocessing inside, and a head that answers in years."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import layers

from shopper_age.fused_norm import FusedBatchNormalization
from shopper_age.losses import N_AGES, LabelDistributionLoss, OrdinalLoss, median_age
from shopper_age.weights import load_backbone_weights

AGE = "age"
AGE_DISTRIBUTION = "age_distribution"

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
    l1_weight: float = 0.2,
    precision: str = "float32",
) -> keras.Model:
    """A compiled age model; it takes raw RGB photos, values 0-255, of shape (n, height, width, 3).

    The output named `age` has shape (n, 1), in years. With the losses "label_distribution" and "ordinal"
    the model answers with a dict of `age_distribution`, shape (n, 101), the probabilities of the ages 0 to
    100, summing to 1, and `age`, its median. It is compiled with Adam; `train_model` takes loss and optimiser
    from there.

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
    if len(input_shape) != 3 or input_shape[2] != 3 or min(input_shape[:2]) < 32:
        raise ValueError(
            f"input_shape must be (height, width, 3) with sides of at least 32, received {input_shape}"
        )
    if precision not in _POLICIES:
        raise ValueError(f"precision must be one of {', '.join(_POLICIES)}, received {precision!r}")
    with _dtype_policy(_POLICIES[precision]):
        photo = keras.Input(input_shape, name="photo", dtype="float32")
        centred = layers.Rescaling(
            1.0, offset=[-mean for mean in _IMAGENET_MEAN_RGB], dtype="float32", name="subtract_imagenet_mean"
        )(photo)
        backbone = keras.applications.ResNet50(
            include_top=False, weights=None, input_tensor=centred[..., ::-1]
        )
        pooled = layers.GlobalAveragePooling2D(dtype="float32", name="pool")(backbone.output)
        outputs, keras_loss = _head(pooled, loss, label_sigma=label_sigma, l1_weight=l1_weight)
    model = _converted(keras.Model(photo, outputs, name="age_resnet50"), _fused)
    _fill_constants(model)
    if weights == "random":
        _shorten_memory_of_statistics(model)
    load_backbone_weights(model, weights)
    model.compile(keras.optimizers.Adam(learning_rate), loss=keras_loss, metrics={AGE: [_mae()]})
    return model


def is_distribution_model(model: keras.Model) -> bool:
    """Whether the model answers with a distribution beside the age."""
    return AGE_DISTRIBUTION in model.output_names


def in_float32(model: keras.Model) -> keras.Model:
    """The same network and weights, computing in float32 and not compiled: what is saved and exported.

    It loads anywhere with `keras.models.load_model`, without this package.
    """
    copy = _converted(model, _float32)
    copy.set_weights(model.get_weights())
    return copy


def _converted(model: keras.Model, convert: Callable[[keras.Operation], keras.Operation]) -> keras.Model:
    """The same network, uncompiled and with fresh weights, each of its operations converted."""
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


def _fused(operation: keras.Operation) -> keras.Operation:
    is_plain = type(operation) is layers.BatchNormalization
    kind = FusedBatchNormalization if is_plain else type(operation)
    return kind.from_config(operation.get_config())


def _head(pooled: Any, loss: str, *, label_sigma: float, l1_weight: float) -> tuple[Any, Any]:
    match loss:
        case "mse" | "mae":
            return layers.Dense(1, dtype="float32", name=AGE)(pooled), loss
        case "huber":
            return layers.Dense(1, dtype="float32", name=AGE)(pooled), keras.losses.Huber(delta=5.0)
        case "label_distribution":
            distribution = layers.Dense(N_AGES, activation="softmax", dtype="float32", name=AGE_DISTRIBUTION)(
                pooled
            )
            keras_loss: keras.losses.Loss = LabelDistributionLoss(label_sigma, l1_weight)
        case "ordinal":
            distribution = _ordinal_chain(pooled)
            keras_loss = OrdinalLoss()
        case _:
            raise ValueError(
                f"loss must be one of mse, mae, huber, label_distribution, ordinal; received {loss!r}"
            )
    age = layers.Identity(dtype="float32", name=AGE)(median_age(distribution))
    return {AGE: age, AGE_DISTRIBUTION: distribution}, {AGE_DISTRIBUTION: keras_loss}


def _ordinal_chain(pooled: Any) -> Any:
    """The distribution that follows from 100 conditional answers "older than k, given older than k - 1".

    P(age > k) is the product of the first k + 1 answers, so it can only fall with k. The bias makes the
    untrained model answer about 33 years instead of 1.

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


def _fill_constants(model: keras.Model) -> None:
    if "log_older_than" not in {layer.name for layer in model.layers}:
        return
    n = N_AGES - 1
    model.get_layer("log_older_than").set_weights([np.triu(np.ones((n, n), "float32"))])
    # p(0) = 1 - P(>0), p(k) = P(>k-1) - P(>k), p(100) = P(>99)
    differences = np.zeros((n, N_AGES), "float32")
    differences[np.arange(n), np.arange(n)] = -1.0
    differences[np.arange(n), np.arange(n) + 1] = 1.0
    model.get_layer(AGE_DISTRIBUTION).set_weights([differences, np.eye(1, N_AGES, dtype="float32")[0]])


def _shorten_memory_of_statistics(model: keras.Model) -> None:
    # Fresh layers change fast. With Keras's momentum of 0.99 the moving statistics lag hundreds of steps
    # behind: with the 267 drawn training photos of the demo the test MAE was 16.1 years instead of 8.0.
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.9


def _mae() -> keras.metrics.Metric:
    return keras.metrics.MeanAbsoluteError(name="mae")


@contextmanager
def _dtype_policy(name: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
