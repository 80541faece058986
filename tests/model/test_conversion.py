import keras
import numpy as np

from shopper_age.model.batch_norm import FusedBatchNormalization
from shopper_age.model.conversion import converted, fused, in_float32
from shopper_age.model.network import create_model


def test_mixed_precision_ends_in_float32():
    model = create_model((32, 32, 3), weights="random", loss="label_distribution", precision="bfloat16")
    assert model.get_layer("conv1_conv").compute_dtype == "bfloat16"
    assert {str(output.dtype) for output in model.output.values()} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"
    plain = in_float32(model)
    assert {layer.compute_dtype for layer in plain.layers if isinstance(layer, keras.Layer)} == {"float32"}
    for before, after in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_model_in_float32_is_not_compiled_and_predicts_the_same():
    photo = keras.Input((4, 4, 3))
    model = keras.Model(photo, FusedBatchNormalization(name="scale")(photo))
    model.compile("adam", "mse")
    plain = in_float32(model)
    assert not plain.compiled
    assert type(plain.get_layer("scale")) is keras.layers.BatchNormalization
    photos = np.random.default_rng(0).normal(0, 1, (2, 4, 4, 3)).astype("float32")
    np.testing.assert_array_equal(plain.predict(photos, verbose=0), model.predict(photos, verbose=0))


def test_fusing_changes_batch_normalisation_alone():
    photo = keras.Input((4, 4, 3))
    scaled = keras.layers.BatchNormalization(name="scale")(keras.layers.ReLU(name="cut")(photo))
    model = converted(keras.Model(photo, scaled), fused)
    assert type(model.get_layer("scale")) is FusedBatchNormalization
    assert type(model.get_layer("cut")) is keras.layers.ReLU
