import threading
import time
from contextlib import suppress

import keras
import numpy as np
import pytest
from keras.src.trainers.data_adapters import get_data_adapter

from shopper_age.data.batches import Batches, plain_errors

N_BATCHES = 6

# With Keras's threads, which TensorFlow alone has, and without.
both_ways = pytest.mark.parametrize("workers", [1, 2] if keras.backend.backend() == "tensorflow" else [1])


def _batches(make=None, workers=None):
    """Pairs whose photos and ages hold the numbers of epoch and step."""

    def plain(epoch, step):
        return np.full((2, 4), step, np.uint8), np.full(2, epoch, "float32")

    data = Batches(N_BATCHES, make or plain)
    data.workers = workers or data.workers
    return data


class _Watched(keras.layers.Layer):
    """Hands on what it gets, and keeps the steps and the types of the photos."""

    def __init__(self):
        super().__init__()
        self.steps = []
        self.dtypes = set()

    def call(self, photos):
        with suppress(TypeError):  # while the model is being built there are no numbers
            self.steps.append(int(photos[0, 0]))
            self.dtypes.add(keras.backend.standardize_dtype(photos.dtype))
        return photos


def _model(*layers, **options):
    model = keras.Sequential([keras.Input((4,), dtype="uint8"), *layers, keras.layers.Dense(1)])
    model.compile("sgd", "mse", **options)
    return model


def _numbers(data):
    return [(int(ages[0]), int(photos[0, 0])) for photos, ages in data]


def test_a_loop_gets_every_batch_once_and_in_order():
    data = _batches()
    assert len(data) == N_BATCHES
    assert _numbers(data) == [(0, step) for step in range(N_BATCHES)]


def test_the_epoch_counts_up_with_every_loop_and_can_be_set():
    data = _batches()
    assert [_numbers(data)[0], _numbers(data)[0]] == [(0, 0), (1, 0)]
    data.epoch = 7
    assert _numbers(data)[-1] == (7, N_BATCHES - 1)
    assert data.epoch == 8


def test_a_loop_that_is_broken_off_counts_as_well():
    data = _batches()
    next(iter(data))
    assert _numbers(data)[0] == (1, 0)


def test_two_loops_at_a_time_do_not_mix():
    data = _batches()
    pairs = list(zip(iter(data), iter(data), strict=True))
    assert [int(first[1][0]) for first, _ in pairs] == [0] * N_BATCHES
    assert [int(second[0][0, 0]) for _, second in pairs] == list(range(N_BATCHES))


def test_the_next_batches_are_made_while_one_is_used():
    made, third = [], threading.Event()

    def make(_, step):
        made.append(step)
        if step == 2:
            third.set()
        return step

    next(iter(_batches(make)))
    assert third.wait(10)
    time.sleep(0.05)
    assert sorted(made) == [0, 1, 2]


def test_nothing_is_made_in_vain_for_one_who_jumps_about():
    made = []
    data = _batches(lambda _, step: made.append(step) or step, workers=1)
    assert [data[step] for step in (3, 1, 5, 2)] == [3, 1, 5, 2]
    assert made == [3, 1, 5, 2]


def test_batches_come_in_order_however_long_each_takes():
    def make(epoch, step):
        time.sleep(0.1 if step == 0 else 0)
        return np.array([step]), np.array([epoch])

    assert [int(photos[0]) for photos, _ in _batches(make)] == list(range(N_BATCHES))


@both_ways
def test_each_epoch_of_a_fit_gets_its_own_batches(workers):
    def make(epoch, step):
        return np.full((2, 4), 10 * epoch + step, np.uint8), np.zeros(2, "float32")

    watched = _Watched()
    data = _batches(make, workers)
    data.epoch = 5
    _model(watched, run_eagerly=True).fit(data, epochs=3, shuffle=False, verbose=0)
    assert watched.steps == [10 * epoch + step for epoch in (5, 6, 7) for step in range(N_BATCHES)]
    assert data.epoch == 8


@pytest.mark.parametrize("options", [{}, {"steps_per_epoch": N_BATCHES}])
@both_ways
def test_a_fit_walks_through_each_epoch_in_order(workers, options):
    watched = _Watched()
    data = _batches(workers=workers)
    _model(watched, run_eagerly=True).fit(data, epochs=3, shuffle=False, verbose=0, **options)
    assert watched.steps == list(range(N_BATCHES)) * 3


def test_a_validation_covers_every_batch_once():
    watched = _Watched()
    others = _batches(lambda *_: (np.full((2, 4), 99, np.uint8), np.zeros(2, "float32")))
    _model(watched, run_eagerly=True).fit(others, validation_data=_batches(), epochs=2, verbose=0)
    assert [step for step in watched.steps if step != 99] == list(range(N_BATCHES)) * 2


def test_photos_reach_the_model_as_bytes():
    watched = _Watched()
    _model(watched, run_eagerly=True).fit(_batches(), verbose=0)
    assert watched.dtypes == {"uint8"}


def test_what_keras_looks_at_before_the_first_epoch_is_not_made_twice():
    made = []
    data = _batches(lambda _, step: made.append(step) or np.full((2, 4), step, np.uint8), workers=2)
    photos = _model().predict(data, verbose=0)
    assert len(photos) == 2 * N_BATCHES
    assert sorted(made) == list(range(N_BATCHES))


def test_the_end_of_an_epoch_need_not_wait_for_tensorflows_autotuning():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("tf.data is TensorFlow's")
    dataset = get_data_adapter(_batches()).get_tf_dataset()
    assert dataset.options().autotune.enabled is False


def _broken(_, step):
    if step == 4:
        raise ValueError("000003.jpg cannot be decoded")
    return np.zeros((2, 4), np.uint8), np.zeros(2, "float32")


def test_an_error_in_a_loop_is_told_as_it_is():
    with pytest.raises(ValueError, match=r"^000003\.jpg cannot be decoded$"):
        list(_batches(_broken))


@both_ways
def test_an_error_in_a_fit_is_told_without_tensorflows_words(workers):
    data = _batches(_broken, workers)
    with pytest.raises(ValueError, match=r"^000003\.jpg cannot be decoded$"), plain_errors(None, data):
        _model().fit(data, verbose=0)


def test_an_error_of_something_else_stays_what_it_is():
    data = _batches(_broken)
    with pytest.raises(ValueError, match="cannot be decoded"):
        list(data)
    with pytest.raises(KeyError, match="elsewhere"), plain_errors(data):
        raise KeyError("elsewhere")
