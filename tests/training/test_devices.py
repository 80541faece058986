"""Devices that share batches; JAX is told to take this machine's processor for several devices."""

import json
import os
import subprocess
import sys

import keras
import pytest
from project import ROOT
from python_start import on_jax

from shopper_age.training.devices import check_batch_size, choose_devices

TRAIN = """
import json
import sys
from contextlib import nullcontext

import jax
import numpy as np
from keras.src.backend.jax.trainer import JAXEpochIterator
from small_training import AGES, FLIP, PHOTOS, SETTINGS, small_model

from shopper_age.data.readers import ordered_batches, shuffled_batches
from shopper_age.data.shares import WHOLE
from shopper_age.training.devices import Devices, choose_devices
from shopper_age.training.trainer import Trainer, set_seed


def train(n_devices):
    # batches of 10, 10 and 4 photos to train; 11, which do not go round, to validate
    devices = choose_devices(n_devices)
    set_seed(0, deterministic=True)
    photos, share, told = PHOTOS.astype("uint8"), devices or WHOLE, []
    data = shuffled_batches(photos, AGES, 10, seed=0, augmentation=FLIP, share=share)
    validation = ordered_batches(photos[:11], AGES[:11], 11, share=share)
    with devices.scope() if devices else nullcontext():
        model = small_model()
    settings = SETTINGS.model_copy(update={"jit_compile": "auto"})
    trainer = Trainer(settings, "label_distribution", on_epoch=told.append, devices=devices)
    trainer.fit(model, data, validation, epochs=3, learning_rate=0.001)
    return [{**row, "seconds": 0} for row in told[-1]]


def refusal(n_devices):
    try:
        return choose_devices(n_devices)
    except ValueError as error:
        return str(error)


def as_on_gpus_of_several_processes():
    # there Keras would put batches on a GPU ahead of time, which JAX refuses for those of several processes
    def refuse(*_):
        raise ValueError("device_put")

    jax.default_backend, device_put, default_backend = lambda: "gpu", jax.device_put, jax.default_backend
    jax.device_put = refuse
    try:
        data = ordered_batches(PHOTOS.astype("uint8"), AGES, 10, share=four)
        with four.fitting():
            return [len(photos) for photos, _ in JAXEpochIterator(x=data)._get_iterator()]
    finally:
        jax.device_put, jax.default_backend = device_put, default_backend


four = Devices(jax.devices())
batch = np.arange(20, dtype="uint8").reshape(10, 2)
placed = {n: four.place(batch[four.rows(n)], n) for n in (8, 10)}
print(json.dumps({
    "one": train(1),
    "two": train(2),
    "as_on_gpus": as_on_gpus_of_several_processes(),
    "auto": choose_devices("auto"),
    "too_many": refusal(5),
    "kept": [bool((np.asarray(array) == batch[:n]).all()) for n, array in placed.items()],
    "pieces": {n: sorted(len(part.data) for part in array.addressable_shards) for n, array in placed.items()},
    "tensorflow": "tensorflow" in sys.modules,
}))
"""


@pytest.fixture(scope="module")
def trained():
    helpers = ROOT / "tests" / "helpers"
    environment = {
        **on_jax({**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{helpers}"}),
        "XLA_FLAGS": "--xla_force_host_platform_device_count=4",
    }
    done = subprocess.run(
        [sys.executable, "-c", TRAIN], env=environment, cwd=ROOT, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_two_devices_train_as_one_does_where_the_last_batches_do_not_go_round_too(trained):
    one, two = trained["one"], trained["two"]
    assert [row["epoch"] for row in two] == [1, 2, 3]
    for row, other in zip(one, two, strict=True):
        assert other == pytest.approx(row, rel=1e-5)


def test_a_batch_lies_on_the_devices_in_equal_pieces_or_copies_of_pieces(trained):
    assert trained["pieces"] == {"8": [2, 2, 2, 2], "10": [5, 5, 5, 5]}
    assert trained["kept"] == [True, True]


def test_batches_reach_the_model_as_they_were_placed(trained):
    assert trained["as_on_gpus"] == [10, 10, 4]


def test_auto_takes_no_second_device_of_a_processor(trained):
    assert trained["auto"] is None


def test_more_devices_than_there_are_are_refused_by_name(trained):
    assert trained["too_many"].startswith("train.devices is 5, but JAX finds 4 on this machine: cpu:0")


def test_it_was_jax_alone(trained):
    assert not trained["tensorflow"]


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="of the other backends")
def test_other_backends_have_one_device_and_say_how_to_have_more():
    assert choose_devices("auto") is None
    assert choose_devices(1) is None
    with pytest.raises(ValueError, match=r"train.devices is 2, and Keras runs on .*KERAS_BACKEND=jax"):
        choose_devices(2)


class _Three:
    def __len__(self):
        return 3


def test_a_batch_that_devices_cannot_share_equally_is_refused():
    check_batch_size(32, None)
    check_batch_size(33, _Three())
    message = r"batch_size is 32, .*a multiple of 3, such as 33, or set train.devices to 2$"
    with pytest.raises(ValueError, match=message):
        check_batch_size(32, _Three())
