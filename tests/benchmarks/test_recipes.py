"""The benchmark that compares training recipes, on drawn faces: its lists, its figures, its memory."""

import json

import keras
import numpy as np
import pytest
import recipes
from small_resnet import small_resnet

from shopper_age.data.readers import shuffled_batches
from shopper_age.demo.faces import draw_faces
from shopper_age.params import AugmentationParams, load_params


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faces")
    draw_faces(folder, n=24, seed=0)
    return folder


def _recipe(**changes):
    return recipes.recipes(load_params().model_copy(update=changes))


def test_each_ingredient_of_the_default_recipe_is_left_out_once():
    found = _recipe()
    default = found["default"].params
    assert not default.train.keep_best
    for name, recipe in found.items():
        assert (recipe.params != default or not recipe.identity_start) == (name != "default"), name
    strengths = default.train.augmentation.model_dump()
    left_out = {name.removeprefix("default, no ") for name in found if name.startswith("default, no ")}
    assert left_out - {"identity start"} == {name for name, strength in strengths.items() if strength}


def test_the_simple_recipe_is_that_of_the_first_notebook():
    simple = _recipe()["simple"]
    train = simple.params.train
    assert (simple.params.loss, simple.params.batch_size, simple.params.learning_rate) == ("mse", 16, 0.0001)
    assert (train.optimizer, train.schedule, train.ema_momentum) == ("adam", "constant", 0)
    assert {name for name, strength in train.augmentation.model_dump().items() if strength} == {
        "horizontal_flip"
    }
    assert not simple.identity_start


def test_batches_in_memory_hold_every_photo_once_with_its_age(faces):
    photos, ages = recipes.decoded(faces, 32)
    augmentation = AugmentationParams(
        **dict.fromkeys(AugmentationParams.model_fields, 0) | {"horizontal_flip": False}
    )
    data = shuffled_batches(photos, ages, 7, seed=0, augmentation=augmentation)
    assert len(data) == 4
    order = {photo.tobytes(): age for photo, age in zip(photos, ages, strict=True)}
    orders = []
    for _ in range(2):
        batches = list(data)
        assert [len(batch) for batch, _ in batches] == [7, 7, 7, 3]
        seen = [photo.tobytes() for batch, _ in batches for photo in batch]
        assert len(set(seen)) == len(order)
        assert [order[photo] for photo in seen] == [age for _, part in batches for age in part]
        orders.append(seen)
    assert orders[0] != orders[1]


def test_a_recipe_is_measured_once(faces, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.applications, "ResNet50", small_resnet)
    two_views = load_params().evaluate.model_copy(update={"tta": 2})
    recipe = _recipe(weights="random", epochs=1, image_size=32, evaluate=two_views)["default"]
    data, out = recipes.decoded(faces, 32), tmp_path / "recipes.jsonl"
    result = recipes._measured_once("default", recipe, data, out)
    assert json.loads(out.read_text(encoding="utf-8")) == result
    assert 0 < result["mae_low"] <= result["mae"] <= result["mae_high"] < 100
    assert result["baseline_mae"] == pytest.approx(abs(data[1][:6] - np.median(data[1][6:])).mean(), rel=1e-6)
    monkeypatch.setattr(recipes, "measure", lambda *_: pytest.fail("measured again"))
    assert recipes._measured_once("default", recipe, data, out) == result


def test_without_the_identity_start_fresh_blocks_are_as_keras_makes_them():
    model = recipes.create_model((32, 32, 3), weights="random")
    recipes._start_as_keras_does(model)
    scales = [layer.gamma for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert all((scale.numpy() == 1).all() for scale in scales)
