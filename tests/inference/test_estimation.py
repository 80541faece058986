import io

import keras
import numpy as np
import pytest

from shopper_age.data.readers import photo_batches
from shopper_age.data.store import PhotoStore
from shopper_age.data.tables import photo_path, read_labels
from shopper_age.inference.estimates import Estimates
from shopper_age.inference.estimation import CountPhotos, check_photos, estimate, inference_batch_size
from shopper_age.inference.views import with_views
from shopper_age.model.distribution import median_age
from shopper_age.model.heads import AGE, AGE_DISTRIBUTION

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
def test_every_photo_gets_its_own_estimate_whatever_the_batches(store, model, batch_size, monkeypatch):
    monkeypatch.setattr("shopper_age.inference.estimation.inference_batch_size", lambda _: batch_size)
    expected = store[range(len(store))].mean(axis=(1, 2, 3))
    np.testing.assert_allclose(estimate(model, store).age, expected, rtol=1e-5)


def test_photos_in_an_array_are_estimated_as_those_in_a_store_are(store, model):
    np.testing.assert_array_equal(estimate(model, store[range(40)]).age, estimate(model, store).age)


def test_a_distribution_comes_only_from_a_model_that_has_one(store, model):
    photo = keras.Input((SIDE, SIDE, 3))
    grey = keras.layers.Flatten()(keras.layers.AveragePooling2D(8)(photo))
    distribution = keras.layers.Dense(101, activation="softmax", name=AGE_DISTRIBUTION)(grey)
    both = keras.Model(photo, {AGE: median_age(distribution), AGE_DISTRIBUTION: distribution})
    found = estimate(both, store)
    assert (found.age.shape, found.distribution.shape) == ((40,), (40, 101))
    assert found.distribution.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert found.age.dtype == found.distribution.dtype == float
    assert estimate(model, store).distribution is None


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_is_shown_on_a_terminal_and_never_written_into_a_log(
    store, model, is_terminal, monkeypatch, capsys
):
    stderr = io.StringIO()
    stderr.isatty = lambda: is_terminal
    monkeypatch.setattr("sys.stderr", stderr)
    estimate(model, store)
    assert ("estimating ages" in stderr.getvalue()) == is_terminal
    assert capsys.readouterr().out == ""


def test_the_bar_counts_each_photo_once(store, model):
    n_done = []
    data = photo_batches(store, 16)  # 3 batches of 14, of which the last has two photos too many
    model_of_dict = with_views(model, 1)
    model_of_dict.predict(data, verbose=0, callbacks=[CountPhotos(n_done.append, len(store))])
    assert n_done == [14, 14, 12]


def test_the_sd_of_a_distribution_is_its_standard_deviation_and_a_year():
    distribution = np.zeros((2, 101))
    distribution[0, 40] = 1
    distribution[1, [20, 26]] = 0.5
    expected = [np.sqrt(1 / 12), np.sqrt(9 + 1 / 12)]
    assert Estimates(np.array([40.0, 23.0]), distribution).sd().tolist() == pytest.approx(expected)


def test_the_probability_of_being_under_an_age_counts_the_years_before_the_birthday():
    distribution = np.zeros((2, 101))
    distribution[0, [17, 18]] = 0.3, 0.7
    distribution[1, 90] = 1
    assert Estimates(np.array([18.0, 90.0]), distribution).p_under(18).tolist() == [0.3, 0]


def test_a_number_alone_has_neither_sd_nor_probability():
    bare = Estimates(np.array([40.0]))
    assert bare.sd() is None
    assert bare.p_under(18) is None


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


PHOTOS = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3))


@pytest.mark.parametrize(
    ("photos", "told"),
    [
        (PHOTOS / 255, "values of 0 to 1, .*do not divide by 255"),
        ((PHOTOS / 255).astype("float16"), "do not divide by 255"),
        (PHOTOS / 127.5 - 1, "values of -1 to 1, .*do not divide by 255 or subtract a mean"),
        (PHOTOS - 117.0, "values of -117 to 138, .*pass them as they are read"),
        (PHOTOS * 257, "values of 0 to 65535"),
        (PHOTOS * np.nan, "values of nan to nan"),
        (PHOTOS[0], r"takes photos of shape \(n, 32, 32, 3\); received \(32, 32, 3\)"),
        (PHOTOS.transpose(0, 3, 1, 2), r"received \(2, 3, 32, 32\)"),
        (PHOTOS.astype(str), "numbers of 0–255"),
    ],
)
def test_what_cannot_be_photos_is_refused_before_a_wrong_age_is_given(model, photos, told):
    with pytest.raises(ValueError, match=told):
        estimate(model, photos)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float16"])
def test_photos_of_any_type_of_number_are_taken(model, dtype):
    ages = estimate(model, PHOTOS.astype(dtype)).age

    np.testing.assert_allclose(ages, PHOTOS.mean(axis=(1, 2, 3)), rtol=0.01)


def test_dark_photos_and_none_are_photos():
    check_photos(np.zeros((1, SIDE, SIDE, 3), "float32"), (SIDE, SIDE, 3))
    check_photos(np.ones((1, SIDE, SIDE, 3), "uint8"), (SIDE, SIDE, 3))
    check_photos(np.zeros((0, SIDE, SIDE, 3)), (SIDE, SIDE, 3))
