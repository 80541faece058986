import inspect

import keras
import numpy as np
import pytest
from project import ROOT

from shopper_age.inference.estimates import estimate
from shopper_age.inference.views import with_views
from shopper_age.model.distribution import median_age
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
        ({"input_shape": SHAPE, "loss": "rmse"}, "received 'rmse'"),
        ({"input_shape": SHAPE, "precision": "int8"}, "received 'int8'"),
    ],
)
def test_bad_arguments_are_told_with_the_rule(arguments, message):
    with pytest.raises(ValueError, match=message):
        create_model(**arguments, weights="random")


@pytest.mark.parametrize(("loss", "name"), [("mse", "age"), ("label_distribution", "age_distribution")])
def test_two_views_are_the_mean_of_photo_and_mirror_image(models, loss, name):
    mean = with_views(models[loss], 2).predict(PHOTOS, verbose=0)[name]
    views = [models[loss].predict(view, verbose=0) for view in (PHOTOS, PHOTOS[:, :, ::-1])]
    first, second = (view[name] if isinstance(view, dict) else view for view in views)
    np.testing.assert_allclose(mean, (first + second) / 2, rtol=1e-3, atol=1e-3)


def test_the_age_of_two_views_is_the_median_of_their_mean_distribution(models):
    answer = with_views(models["label_distribution"], 2).predict(PHOTOS, verbose=0)
    expected = keras.ops.convert_to_numpy(median_age(answer["age_distribution"]))
    np.testing.assert_allclose(answer["age"], expected, rtol=1e-5)


def test_four_views_of_a_plain_photo_agree(models):
    # the middle of a photo of one colour is that photo
    plain = np.full((2, *SHAPE), 90, "float32")
    one, four = (with_views(models["mse"], n).predict(plain, verbose=0)["age"] for n in (1, 4))
    np.testing.assert_allclose(four, one, rtol=1e-3, atol=1e-3)


def test_three_views_are_refused(models):
    with pytest.raises(ValueError, match="1, 2 or 4, received 3"):
        with_views(models["mse"], 3)


def test_an_estimate_holds_true_and_predicted_ages(models):
    found = estimate(models["ordinal"], PHOTOS, np.arange(5))
    assert found.y_true.tolist() == [0, 1, 2, 3, 4]
    assert found.y_pred.shape == (5,)
    assert found.age_distribution.shape == (5, 101)
    assert estimate(models["mse"], PHOTOS, np.arange(5)).age_distribution is None
