import inspect
import subprocess
import sys

import keras
import numpy as np
import pytest
from project import ROOT

from shopper_age.model.archive import save_model
from shopper_age.model.conversion import in_float32
from shopper_age.model.network import create_model
from shopper_age.params import load_params
from shopper_age.runtime.hashing import file_md5

SHAPE = (32, 32, 3)
PHOTOS = np.random.default_rng(0).integers(0, 256, (5, *SHAPE)).astype("float32")


@pytest.fixture(scope="module")
def models():
    return {
        loss: create_model(SHAPE, weights="random", loss=loss)
        for loss in ("mse", "label_distribution", "ordinal")
    }


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


@pytest.mark.parametrize("loss", ["label_distribution", "ordinal"])
def test_distribution_heads_answer_with_age_and_its_distribution(models, loss):
    answer = models[loss].predict(PHOTOS, verbose=0)
    assert {name: values.shape for name, values in answer.items()} == {
        "age": (5, 1),
        "age_distribution": (5, 101),
    }
    np.testing.assert_allclose(answer["age_distribution"].sum(axis=1), 1, atol=1e-5)
    assert answer["age_distribution"].min() >= -1e-6
    below = np.interp(
        answer["age"][:, 0].astype(float)[:, None] + 0.5 - np.arange(102), [0, 1], [0, 1]
    )  # the part of each year that is younger than the answer
    np.testing.assert_allclose((below[:, :101] * answer["age_distribution"]).sum(axis=1), 0.5, atol=1e-4)


def test_the_constants_of_a_head_never_learn(models):
    trainable = {variable.path.split("/")[0] for variable in models["ordinal"].trainable_variables}
    assert not trainable & {"age", "age_distribution", "log_older_than"}


def test_the_preprocessing_is_that_of_resnet50(models):
    model = models["mse"]
    into_backbone = keras.Model(model.input, model.get_layer("conv1_pad").input)
    expected = keras.applications.resnet50.preprocess_input(PHOTOS.copy())
    np.testing.assert_allclose(into_backbone.predict(PHOTOS, verbose=0), expected, atol=1e-4)


def test_mixed_precision_ends_in_float32():
    model = create_model(SHAPE, weights="random", loss="label_distribution", precision="bfloat16")
    assert model.get_layer("conv1_conv").compute_dtype == "bfloat16"
    assert {str(output.dtype) for output in model.output.values()} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"
    plain = in_float32(model)
    assert {layer.compute_dtype for layer in plain.layers if isinstance(layer, keras.Layer)} == {"float32"}
    for before, after in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_saved_models_load_without_this_package(models, tmp_path):
    losses = tuple(models)
    np.save(tmp_path / "photos.npy", PHOTOS)
    for loss in losses:
        save_model(models[loss], tmp_path / f"{loss}.keras")
    code = f"""
import sys; sys.modules["shopper_age"] = None
import keras, numpy as np
for loss in {losses}:
    answer = keras.models.load_model(loss + ".keras").predict(np.load("photos.npy"), verbose=0)
    np.save(loss + ".npy", answer["age"] if isinstance(answer, dict) else answer)
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=tmp_path)
    for loss in losses:
        answer = models[loss].predict(PHOTOS, verbose=0)
        expected = answer["age"] if isinstance(answer, dict) else answer
        np.testing.assert_allclose(np.load(tmp_path / f"{loss}.npy"), expected, rtol=1e-4, atol=1e-3)


def test_equal_models_are_saved_as_equal_bytes(models, tmp_path):
    for name in ("a.keras", "b.keras"):
        save_model(models["mse"], tmp_path / name)
    assert file_md5(tmp_path / "a.keras") == file_md5(tmp_path / "b.keras")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.keras", "b.keras"]


def test_a_failed_save_keeps_the_old_file(models, tmp_path, monkeypatch):
    path = tmp_path / "model.keras"
    path.write_text("good")
    monkeypatch.setattr("shopper_age.model.archive._normalise", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_model(models["mse"], path)
    assert path.read_text() == "good"
    assert list(tmp_path.iterdir()) == [path]


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
