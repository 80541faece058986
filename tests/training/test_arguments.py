"""Wrong uses of `train_model` end in a sentence, before or in the first step."""

import sys

import keras
import numpy as np
import pytest
from small_training import AGES, PHOTOS, small_model

from shopper_age import train_model
from shopper_age.training.divergence import DivergedError

PAIR = (PHOTOS, AGES)
LARGER = np.zeros((4, 64, 64, 3), "float32")


class _Larger(keras.utils.PyDataset):
    def __len__(self):
        return 1

    def __getitem__(self, _):
        return LARGER, AGES[:4]


def _endless():
    while True:
        yield LARGER, AGES[:4]


@pytest.mark.parametrize("name", ["epochs", "batch_size", "steps_per_epoch", "validation_steps"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "2"])
def test_numbers_are_whole_and_from_one_on(name, value):
    with pytest.raises(ValueError, match=f"{name} must be a whole number of at least 1, received {value!r}"):
        train_model(small_model(), PAIR, None, **{name: value})


@pytest.mark.parametrize(
    ("train_data", "test_data", "told"),
    [
        (PHOTOS, AGES, r"train_data is one array, of shape \(24, 32, 32, 3\)"),
        (PAIR, AGES, r"test_data is one array, of shape \(24,\)"),
        (None, PAIR, "train_data is None"),
        ("data/faces", None, r"train_data is a str \('data/faces'\)"),
        ((PHOTOS, AGES, AGES), None, "train_data is a tuple .* of 3"),
        ({"photos": PHOTOS}, None, "train_data is a dict"),
        ((PHOTOS, None), None, "train_data is a tuple"),
    ],
)
def test_photos_without_ages_are_told_how_to_be_handed_over(train_data, test_data, told):
    with pytest.raises(TypeError, match=f"{told}.*takes what `load_train` and `load_test` return, or pairs"):
        train_model(small_model(), train_data, test_data)


@pytest.mark.parametrize(
    ("train_data", "told"),
    [
        ((PHOTOS, AGES[:9]), "24 photos and 9 ages"),
        ((PHOTOS[:0], AGES[:0]), "0 photos and 0 ages"),
        ((PHOTOS, AGES.astype(str)), "ages must be numbers"),
        ((PHOTOS, np.stack([AGES, AGES], axis=1)), r"received float32 of shape \(24, 2\)"),
        ((PHOTOS, np.where(AGES > 50, np.nan, AGES)), r"\d+ of 24 ages are infinite or NaN"),
        ((PHOTOS[0], AGES.repeat(2)[:32]), r"have shape \(32, 32, 3\)"),
    ],
)
def test_photos_and_ages_fit_each_other(train_data, told):
    with pytest.raises(ValueError, match=told):
        train_model(small_model(), train_data, None)


@pytest.mark.parametrize("data", [lambda: (LARGER, AGES[:4]), _Larger, _endless])
@pytest.mark.parametrize("is_for_training", [True, False])
def test_photos_of_another_size_are_told_both_sizes(data, is_for_training):
    train_data, test_data = (data(), None) if is_for_training else (PAIR, data())
    with pytest.raises(ValueError, match=r"takes photos of 32 x 32 pixels .*have shape \(\w+, 64, 64, 3\)"):
        train_model(small_model(), train_data, test_data, epochs=1, steps_per_epoch=1, validation_steps=1)


def _foreign(*, name="answer", is_functional=True):
    layers = [keras.layers.Flatten(), keras.layers.Dense(1, name=name)]
    if not is_functional:
        return keras.Sequential([keras.Input((32, 32, 3)), *layers])
    photo = output = keras.Input((32, 32, 3))
    for layer in layers:
        output = layer(output)
    return keras.Model(photo, output)


@pytest.mark.parametrize("is_functional", [True, False])
def test_a_foreign_model_is_told_what_it_lacks(is_functional):
    model = _foreign(is_functional=is_functional)
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match="model has no output named `age`"):
        train_model(model, PAIR, None)


def test_what_is_no_model_is_told():
    with pytest.raises(TypeError, match="model must be what `create_model` returns, received a str"):
        train_model("resnet50", PAIR, None)


def test_a_model_that_is_not_compiled_is_told_how_to_be():
    with pytest.raises(ValueError, match="model is not compiled, as `load_model` returns it"):
        train_model(_foreign(name="age"), PAIR, None)


def test_a_model_of_ones_own_with_the_right_output_is_trained():
    model = _foreign(name="age")
    model.compile(keras.optimizers.Adam(1e-6), "mse")
    assert train_model(model, (PHOTOS / 255, AGES.tolist()), None, epochs=1).history.history["mae"]


def test_a_loss_that_is_no_number_ends_the_training_with_what_to_change():
    model = _foreign(name="age")
    model.compile(keras.optimizers.SGD(1e6), "mse")
    told = r"diverged in (step \d+ of )?epoch \d+: \w+ is (nan|inf).*lower learning rate \(it was 1e\+06\)"
    with pytest.raises(DivergedError, match=told):
        train_model(model, PAIR, PAIR, epochs=20, batch_size=8)


def test_a_log_holds_a_line_per_epoch_and_no_bars(capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)  # which the notebook's test imports
    train_model(small_model(), PAIR, PAIR, epochs=2)
    said = capsys.readouterr().out
    assert not set("\r\b\x1b") & set(said)
    assert len(said.encode()) / 2 < 200
