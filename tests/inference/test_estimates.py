import keras
import numpy as np
import pytest

from shopper_age.data.readers import photo_batches
from shopper_age.data.store import PhotoStore
from shopper_age.data.tables import photo_path, read_labels
from shopper_age.inference.estimates import estimate, inference_batch_size
from shopper_age.model.heads import AGE

SIDE = 32


class _Brightness(keras.layers.Layer):
    """Answers with the mean of the photo, and counts how often it is compiled."""

    n_traces = 0

    def call(self, photos):
        _Brightness.n_traces += 1
        return keras.ops.mean(photos, axis=(1, 2, 3))[:, None]


@pytest.fixture
def model():
    photo = keras.Input((SIDE, SIDE, 3))
    built = keras.Model(photo, _Brightness(name=AGE)(photo))
    _Brightness.n_traces = 0
    return built


@pytest.fixture
def store(faces):
    return PhotoStore([photo_path(faces, name) for name in read_labels(faces)["file_name"]], SIDE)


@pytest.mark.parametrize("batch_size", [40, 16, 64, 7])
def test_every_photo_gets_its_own_estimate_whatever_the_batches(store, model, batch_size):
    found = estimate(model, photo_batches(store, batch_size), np.zeros(len(store)))
    expected = store[range(len(store))].mean(axis=(1, 2, 3))
    np.testing.assert_allclose(found.y_pred, expected, rtol=1e-5)


def test_a_last_batch_that_is_not_full_compiles_nothing_anew(store, model):
    model.predict(photo_batches(store, 40), verbose=0)
    n_full = _Brightness.n_traces
    _Brightness.n_traces = 0
    model.predict_function = None
    model.predict(photo_batches(store, 7), verbose=0)  # 40 photos in 6 batches of 7
    assert _Brightness.n_traces == n_full


def test_batches_share_the_photos_evenly(store):
    shapes = {size: [len(batch) for batch in photo_batches(store, size)] for size in (4000, 39, 15)}
    assert shapes == {4000: [40], 39: [20, 20], 15: [14, 14, 14]}


def test_batches_get_smaller_as_photos_get_larger_and_never_vanish():
    sizes = [inference_batch_size(px) for px in (64, 112, 224, 1024)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] >= 1
    assert inference_batch_size(5000) == 1
