import inspect

import keras
import numpy as np
import pytest
from project import ROOT

from shopper_age.model.network import create_model
from shopper_age.params import load_params

SHAPE = (32, 32, 3)
PHOTOS = np.random.default_rng(0).integers(0, 256, (5, *SHAPE)).astype("float32")


def test_the_loss_has_the_weights_of_params_yaml_by_default():
    options = inspect.signature(create_model).parameters
    settings = load_params(ROOT / "params.yaml").train
    assert options["label_sigma"].default == settings.label_sigma
    assert options["l1_weight"].default == settings.l1_weight


def test_one_number_per_photo_by_default(models):
    model = models["mse"]
    assert model.output_names == ["age"]
    assert model.predict(PHOTOS, verbose=0).shape == (5, 1)
    assert model.loss == "mse"
    assert isinstance(model.optimizer, keras.optimizers.Adam)


def test_the_preprocessing_is_that_of_resnet50(models):
    model = models["mse"]
    into_backbone = keras.Model(model.input, model.get_layer("conv1_pad").input)
    expected = keras.applications.resnet50.preprocess_input(PHOTOS.copy())
    np.testing.assert_allclose(into_backbone.predict(PHOTOS, verbose=0), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": (32, 32)}, r"\(height, width, 3\)"),
        ({"input_shape": (16, 16, 3)}, "at least 32"),
        ({"input_shape": 64}, r"\(height, width, 3\) .*received 64"),
        ({"input_shape": "64x64x3"}, r"\(height, width, 3\) .*received '64x64x3'"),
        ({"input_shape": (64.0, 64.0, 3)}, r"\(height, width, 3\)"),
        ({"input_shape": (None, None, 3)}, r"\(height, width, 3\)"),
        ({"input_shape": SHAPE, "learning_rate": 0}, "learning_rate must be a number above 0, received 0"),
        ({"input_shape": SHAPE, "learning_rate": "0.1"}, "learning_rate must be a number above 0"),
        ({"input_shape": SHAPE, "label_sigma": -1}, "label_sigma must be a number above 0, received -1"),
        ({"input_shape": SHAPE, "l1_weight": float("nan")}, "l1_weight must be a number of at least 0"),
        ({"input_shape": SHAPE, "loss": "rmse"}, "received 'rmse'"),
        ({"input_shape": SHAPE, "precision": "int8"}, "received 'int8'"),
    ],
)
def test_bad_arguments_are_told_with_the_rule(arguments, message):
    with pytest.raises(ValueError, match=message):
        create_model(**arguments, weights="random")
