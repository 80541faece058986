import subprocess
import sys

import numpy as np
import pytest

from shopper_age.model.archive import load_model, save_model
from shopper_age.runtime.hashing import file_md5

PHOTOS = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3)).astype("float32")


def test_saved_models_load_without_this_package(models, tmp_path):
    losses = tuple(models)
    np.save(tmp_path / "photos.npy", PHOTOS)
    for loss in losses:
        save_model(models[loss], tmp_path / f"{loss}.keras")
    code = f"""
import sys; sys.modules["shopper_age"] = None
import keras, numpy as np
for loss in {losses}:
    predicted = keras.models.load_model(loss + ".keras").predict(np.load("photos.npy"), verbose=0)
    np.save(loss + ".npy", predicted["age"] if isinstance(predicted, dict) else predicted)
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=tmp_path)
    for loss in losses:
        predicted = models[loss].predict(PHOTOS, verbose=0)
        expected = predicted["age"] if isinstance(predicted, dict) else predicted
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


def test_a_saved_model_comes_back_and_is_not_compiled(models, tmp_path):
    save_model(models["mse"], tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert not loaded.compiled
    expected = models["mse"].predict(PHOTOS, verbose=0)
    np.testing.assert_allclose(loaded.predict(PHOTOS, verbose=0), expected, rtol=1e-4, atol=1e-3)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"none\.keras"):
        load_model(tmp_path / "none.keras")
