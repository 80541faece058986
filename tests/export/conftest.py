"""A small model, trained in bfloat16, for the exports to be compared with."""

import keras
import numpy as np
import pytest
from answering import SIDE
from small_resnet import small_resnet

from shopper_age.export.onnx import export_onnx
from shopper_age.inference.estimation import estimate
from shopper_age.model.conversion import in_float32
from shopper_age.model.network import create_model


@pytest.fixture(scope="session")
def photos():
    return np.random.default_rng(0).integers(0, 255, (7, SIDE, SIDE, 3), np.uint8)


@pytest.fixture(scope="session")
def model():
    """With moving averages of batch normalisation that are not those of its photos."""
    keras.utils.set_random_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        # converting ResNet50 takes 8 GB of memory
        patch.setattr(keras.applications, "ResNet50", small_resnet)
        made = create_model(
            (SIDE, SIDE, 3), weights="random", loss="label_distribution", precision="bfloat16"
        )
    rng = np.random.default_rng(0)
    for layer in made.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(rng.normal(0, 0.1, layer.moving_mean.shape))
    return made


@pytest.fixture(scope="session")
def of_keras(model, photos):
    """The model's estimates, in float32 and of four views."""
    return estimate(in_float32(model), photos, n_views=4)


@pytest.fixture(scope="session")
def onnx_export(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "age.onnx"
    export_onnx(model, path, n_views=4, model_md5="abc")
    return path
