"""The machinery of training, on noise, with a network of few layers of the real one's kinds and head."""

import keras
import numpy as np
import pytest
from small_resnet import small_resnet
from small_training import AGES, FLIP, PHOTOS, SETTINGS, small_model

from shopper_age import create_model, load_test, load_train, train_model
from shopper_age.training.checkpoint import Checkpoint
from shopper_age.training.trainer import Trainer, set_seed


def _train(
    settings=SETTINGS, *, epochs=3, data=(PHOTOS, AGES), learning_rate=0.001, steps_per_epoch=None, **options
):
    set_seed(0, deterministic=True)
    return Trainer(settings, "label_distribution", **options).fit(
        small_model(),
        data,
        (PHOTOS[:8], AGES[:8]),
        epochs=epochs,
        learning_rate=learning_rate,
        batch_size=8,
        steps_per_epoch=steps_per_epoch,
    )


class _Killed(BaseException):
    pass


def _kill_after(n_epochs):
    def kill(history):
        if len(history) == n_epochs:
            raise _Killed

    return kill


def _assert_equal_weights(one, other):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_four_functions_work_as_the_notebooks_call_them(faces, monkeypatch, capsys):
    monkeypatch.setattr(keras.applications, "ResNet50", small_resnet)
    train_data, test_data = load_train(str(faces)), load_test(str(faces))
    model = create_model((224, 224, 3), weights="random")
    model = train_model(
        model, train_data, test_data, batch_size=None, epochs=1, steps_per_epoch=1, validation_steps=1
    )
    said = capsys.readouterr().out
    assert "mae:" in said
    assert "val_mae:" in said
    assert model.predict(next(iter(test_data))[0], verbose=0).shape == (10, 1)
    assert "val_mae" in model.history.history


class _Batches(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, number):
        rows = slice(8 * number, 8 * number + 8)
        return PHOTOS[rows], AGES[rows]


def test_a_pydataset_trains_a_model_as_it_was_compiled():
    model = small_model()
    before = model.get_weights()
    train_model(model, _Batches(), None, epochs=1)
    assert any(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert int(model.optimizer.iterations) == 3


@pytest.mark.parametrize("settings", [SETTINGS, SETTINGS.model_copy(update={"frozen_epochs": 2})])
@pytest.mark.parametrize("killed_after", [1, 2])
def test_a_killed_training_ends_with_the_weights_of_an_unbroken_one(faces, tmp_path, settings, killed_after):
    def data():
        return load_train(faces, image_size=32, augmentation=FLIP)

    unbroken = _train(settings, data=data())
    with pytest.raises(_Killed):
        _train(settings, data=data(), checkpoint_folder=tmp_path, on_epoch=_kill_after(killed_after))
    histories = []
    resumed = _train(settings, data=data(), checkpoint_folder=tmp_path, on_epoch=histories.append)
    _assert_equal_weights(resumed, unbroken)
    assert len(histories[0]) == killed_after  # what came before the kill is told first
    assert [row["epoch"] for row in histories[-1]] == [1, 2, 3]


def test_a_kill_after_the_last_epoch_loses_nothing(tmp_path):
    with pytest.raises(_Killed):
        _train(checkpoint_folder=tmp_path, on_epoch=_kill_after(3))
    histories = []
    _train(checkpoint_folder=tmp_path, on_epoch=histories.append)
    assert len(histories) == 1  # no further epoch


class _UnwantedError(ValueError):
    pass


@pytest.mark.parametrize(("n_checks", "n_finished"), [(2, 0), (5, 0), (8, 1)])
def test_a_training_that_is_not_wanted_stops_within_a_batch_and_tells_nothing(tmp_path, n_checks, n_finished):
    """An epoch is checked after 3 batches and that of the validation, at its end, and before it is told."""
    told, asked = [], []

    def check():
        asked.append(1)
        if len(asked) >= n_checks:
            raise _UnwantedError

    with pytest.raises(_UnwantedError):
        _train(checkpoint_folder=tmp_path, on_epoch=told.append, check=check)
    assert len(asked) == n_checks
    assert len(told) == n_finished
    assert Checkpoint(tmp_path).n_finished == n_finished


def test_the_epoch_with_the_best_validation_mae_is_kept(tmp_path):
    histories = []
    model = _train(epochs=4, checkpoint_folder=tmp_path, on_epoch=histories.append)
    errors = [row["val_mae"] for row in histories[-1]]
    ages = model.predict(PHOTOS[:8], verbose=0)["age"][:, 0]
    assert np.abs(ages - AGES[:8]).mean() == pytest.approx(min(errors), rel=1e-3)


def test_without_keep_best_the_last_epoch_is_kept(tmp_path):
    histories = []
    settings = SETTINGS.model_copy(update={"keep_best": False})
    model = _train(settings, epochs=4, checkpoint_folder=tmp_path, on_epoch=histories.append)
    ages = model.predict(PHOTOS[:8], verbose=0)["age"][:, 0]
    assert np.abs(ages - AGES[:8]).mean() == pytest.approx(histories[-1][-1]["val_mae"], rel=1e-3)


def test_early_stopping_waits_as_long_as_it_is_told(tmp_path):
    histories = []
    settings = SETTINGS.model_copy(update={"early_stopping_patience": 2})
    options = {
        "epochs": 60,
        "learning_rate": 0.5,
        "checkpoint_folder": tmp_path,
        "on_epoch": histories.append,
    }
    _train(settings, **options)
    errors = [row["val_mae"] for row in histories[-1]]
    assert 3 <= len(errors) < 60
    assert errors.index(min(errors)) == len(errors) - 3
    # a second call goes on from there, and there is nothing to go on with
    _train(settings, **options)
    assert len(histories[-1]) == len(errors)


def test_frozen_epochs_train_the_head_alone():
    settings = SETTINGS.model_copy(update={"frozen_epochs": 1, "keep_best": False})
    set_seed(0, deterministic=True)
    fresh = small_model()
    trained = _train(settings, epochs=1)
    kernels = [model.get_layer("conv1_conv").get_weights()[0] for model in (fresh, trained)]
    np.testing.assert_array_equal(*kernels)
    heads = [model.get_layer("age_distribution").get_weights()[0] for model in (fresh, trained)]
    assert not np.array_equal(*heads)


def test_the_average_of_the_weights_is_what_is_validated_and_kept(tmp_path):
    histories = []
    settings = SETTINGS.model_copy(update={"ema_momentum": 0.99, "keep_best": False})
    averaged = _train(settings, epochs=10, checkpoint_folder=tmp_path, on_epoch=histories.append)
    last = _train(settings.model_copy(update={"ema_momentum": 0.0}), epochs=10)
    kernels = [model.get_layer("age_distribution").get_weights()[0] for model in (averaged, last)]
    assert not np.allclose(*kernels, atol=1e-6)
    ages = averaged.predict(PHOTOS[:8], verbose=0)["age"][:, 0]
    assert np.abs(ages - AGES[:8]).mean() == pytest.approx(histories[-1][-1]["val_mae"], rel=1e-3)


def test_the_average_of_a_short_training_forgets_the_untrained_weights():
    # 30 steps: at most the last 3 or so count; with 0.99 three quarters would be what it started from
    short, long = (
        _train(SETTINGS.model_copy(update={"ema_momentum": momentum, "keep_best": False}), epochs=10)
        for momentum in (1 - 1 / 3, 0.99)
    )
    np.testing.assert_array_equal(short.get_weights()[0], long.get_weights()[0])


def test_float16_training_scales_its_loss():
    settings = SETTINGS.model_copy(update={"ema_momentum": 0.0})
    set_seed(0, deterministic=True)
    model = small_model("float16")
    trainer = Trainer(settings, "label_distribution")
    trainer.fit(model, (PHOTOS, AGES), None, epochs=1, learning_rate=0.001, batch_size=8)
    assert all(np.isfinite(array).all() for array in model.get_weights())


def test_a_generator_without_length_needs_the_number_of_steps():
    def batches():
        while True:
            yield PHOTOS[:8], AGES[:8]

    with pytest.raises(ValueError, match="pass steps_per_epoch"):
        _train(data=batches())
    _train(data=batches(), steps_per_epoch=2, epochs=1)
