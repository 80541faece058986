import shutil
from types import SimpleNamespace

import keras
import pytest

from shopper_age.model.archive import save_model
from shopper_age.model.space import check_space
from shopper_age.training.checkpoint import Checkpoint

N = 1_000_000


@pytest.fixture
def model():
    photo = keras.Input((1000,))
    model = keras.Model(photo, keras.layers.Dense(1000, use_bias=False)(photo))
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def _leave(monkeypatch, n_bytes):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=n_bytes))


def test_weights_and_optimiser_must_fit(model, tmp_path, monkeypatch):
    _leave(monkeypatch, 3 * 4 * N + 2**21)  # Adam has two numbers for each weight
    check_space(model, tmp_path / "w.weights.h5")
    _leave(monkeypatch, 3 * 4 * N)
    with pytest.raises(
        OSError, match=rf"w\.weights\.h5 cannot be written: {tmp_path} has 11 MiB left, it needs 12"
    ):
        check_space(model, tmp_path / "w.weights.h5")


def test_the_file_takes_what_was_reckoned(model, tmp_path):
    name = Checkpoint(tmp_path).write_weights(model, "trainer-1")
    size = (tmp_path / name).stat().st_size
    assert 3 * 4 * N <= size <= 3 * 4 * N + 2**20


def test_a_full_disk_is_told_before_a_byte_is_written(model, tmp_path, monkeypatch):
    _leave(monkeypatch, 1000)
    with pytest.raises(OSError, match=r"trainer-1\.weights\.h5 cannot be written"):
        Checkpoint(tmp_path / "state").write_weights(model, "trainer-1")
    with pytest.raises(OSError, match=r"age\.keras cannot be written"):
        save_model(model, tmp_path / "models" / "age.keras")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
