"""Batch normalisation as one operation, where Keras makes it a chain of many."""

from typing import Any

import keras


class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras's layer, with the same weights and outputs, faster in training on TensorFlow.

    Keras 3 casts to float32 and then takes the mean, the variance and the normalised values one after the
    other. TensorFlow's fused operation reads its input once, in the precision of the model, and takes a
    quarter of the CPU time (bfloat16, 16 x 28 x 28 x 256 values, forwards and back: 5 instead of 23 ms).
    For other backends and for prediction this is Keras's layer.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        is_fused = training and self.trainable and self.axis in (3, -1) and len(inputs.shape) == 4
        if not is_fused or keras.backend.backend() != "tensorflow":
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        fused = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.cast(self.gamma, tf.float32),
            offset=tf.cast(self.beta, tf.float32),
            mean=tf.constant([], tf.float32),
            variance=tf.constant([], tf.float32),
            epsilon=self.epsilon,
            is_training=True,
        )
        n = tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), tf.float32)
        # the operation divides by n - 1, Keras's layer by n
        variance = fused.batch_variance * tf.maximum(n - 1, 1) / n
        for variable, now in ((self.moving_mean, fused.batch_mean), (self.moving_variance, variance)):
            variable.assign(variable * self.momentum + now * (1 - self.momentum))
        return fused.y
