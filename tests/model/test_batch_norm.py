"""The fused layer against Keras's own: answers, gradients, statistics."""

import keras
import numpy as np
import pytest

from shopper_age import create_model
from shopper_age.model.batch_norm import FusedBatchNormalization
from shopper_age.model.conversion import in_float32

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(3, 2, (6, 5, 4, 8)).astype("float32")
WEIGHTS = [RNG.normal(1, 0.3, 8), RNG.normal(0, 1, 8), RNG.normal(2, 1, 8), RNG.uniform(0.5, 2, 8)]


def _step(kind, dtype="float32", inputs=INPUTS, **options):
    """Answer, gradients by input, scale and offset, and the weights after a step of training."""
    import tensorflow as tf

    layer = kind(momentum=0.9, epsilon=1.001e-5, dtype=dtype, **options)
    layer.build(inputs.shape)
    layer.set_weights(WEIGHTS)
    x = tf.cast(inputs, layer.compute_dtype)
    with tf.GradientTape() as tape:
        tape.watch(x)
        answer = layer(x, training=True)
        loss = tf.reduce_sum(tf.cast(answer, "float32") ** 3)
    gradients = tape.gradient(loss, [x, *(variable.value for variable in layer.trainable_variables)])
    return [np.asarray(tf.cast(part, "float32")) for part in (answer, *gradients)] + layer.get_weights()


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("mixed_bfloat16", 0.05)])
def test_training_is_that_of_keras(dtype, tolerance):
    fused, plain = (_step(kind, dtype) for kind in (FusedBatchNormalization, keras.layers.BatchNormalization))
    assert len(fused) == len(plain) == 8
    for one, other in zip(fused, plain, strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * np.abs(other).max())
    for statistics in (-1, -2):  # which are float32 in either
        np.testing.assert_allclose(fused[statistics], plain[statistics], rtol=1e-3)


def test_a_single_value_per_channel_stays_finite():
    assert all(np.isfinite(part).all() for part in _step(FusedBatchNormalization, inputs=INPUTS[:1, :1, :1]))


def test_prediction_is_that_of_keras_to_the_bit():
    fused, plain = (
        kind(epsilon=1.001e-5) for kind in (FusedBatchNormalization, keras.layers.BatchNormalization)
    )
    for layer in (fused, plain):
        layer.build(INPUTS.shape)
        layer.set_weights(WEIGHTS)
    np.testing.assert_array_equal(fused(INPUTS), plain(INPUTS))


def test_a_frozen_layer_keeps_its_statistics():
    layer = FusedBatchNormalization()
    layer.build(INPUTS.shape)
    layer.trainable = False
    before = layer.get_weights()
    layer(INPUTS, training=True)
    for one, other in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_model_is_trained_fused_and_saved_plain():
    model = create_model((32, 32, 3), weights="random")
    normalisations = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(normalisations) == 53
    assert {type(layer) for layer in normalisations} == {FusedBatchNormalization}
    assert not any(isinstance(layer, FusedBatchNormalization) for layer in in_float32(model).layers)
