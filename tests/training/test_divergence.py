import json
import logging
import math

import keras
import numpy as np
import pandas as pd
import pytest
from small_training import AGES, PHOTOS, SETTINGS, Recorder, small_model

from shopper_age.training.checkpoint import Checkpoint
from shopper_age.training.divergence import DivergedError, advice, divergence
from shopper_age.training.history import epoch_log, training_metrics
from shopper_age.training.selection import best_epoch
from shopper_age.training.trainer import Trainer, set_seed

INF, NAN = math.inf, math.nan


def _history(*errors, loss=1.0):
    return [
        {"epoch": n, "loss": loss, "mae": 9.0, "val_loss": 1.0, "val_mae": error, "seconds": 1.0}
        for n, error in enumerate(errors, 1)
    ]


@pytest.mark.parametrize(
    ("errors", "is_last", "diverged"),
    [
        ((INF,), False, False),  # may pass
        ((NAN,), False, False),
        ((INF, NAN), False, True),
        ((INF, 20.0), False, False),
        ((INF, 20.0, INF), False, False),
        ((20.0, INF), True, True),  # nothing follows
        ((5e15, 5e14, 2e10), False, False),  # falling
        ((5e15, 5e14, 32687.0), True, True),
        ((20.0, 1e4, 2e4), False, True),  # rising
        ((1e4, INF), False, True),
        ((INF, 1e4), False, False),  # a number again, and smaller
        ((1000.0, 1000.0), False, False),
        ((5e15, 1000.0), True, False),
    ],
)
def test_validation_errors_count_when_they_last(errors, is_last, diverged):
    assert (divergence(_history(*errors), is_last=is_last) is not None) == diverged


@pytest.mark.parametrize("loss", [INF, NAN])
def test_a_training_loss_counts_at_once(loss):
    assert divergence(_history(9.0, loss=loss), is_last=False) == f"the training loss is {loss:g}"


def test_the_advice_names_what_can_be_changed():
    assert advice(learning_rate=1, clip_norm=0, is_float32=True) == (
        "lower learning_rate (now 1), set train.clip_norm (such as 1.0)"
    )
    assert "train.precision" in advice(learning_rate=1, clip_norm=0, is_float32=False)


class _Photos(keras.utils.PyDataset):
    """Three batches; from a given epoch on one holds an infinite pixel."""

    epoch = 0

    def __init__(self, *, broken_epoch):
        super().__init__()
        self._broken_epoch = broken_epoch

    def __len__(self):
        return 3

    def __getitem__(self, number):
        rows = slice(8 * number, 8 * number + 8)
        broken = self.epoch >= self._broken_epoch and number == 1
        return PHOTOS[rows] * (np.float32("inf") if broken else 1), AGES[rows]


def _train(folder, *, broken_epoch=99, validation=(PHOTOS[:8], AGES[:8]), on_epoch=print, epochs=3):
    set_seed(0, deterministic=True)
    trainer = Trainer(SETTINGS, "label_distribution", checkpoint_folder=folder, on_epoch=on_epoch)
    data = _Photos(broken_epoch=broken_epoch)
    return trainer.fit(small_model(), data, validation, epochs=epochs, learning_rate=0.001)


def test_a_loss_that_is_no_number_stops_at_its_step_and_leaves_the_epoch_before(tmp_path):
    with pytest.raises(
        DivergedError, match=r"epoch 3: in step 2 of 3 the training loss is nan\..*learning_rat"
    ):
        _train(tmp_path, broken_epoch=2)
    state = json.loads((tmp_path / "state.json").read_text(), parse_constant=pytest.fail)
    assert len(state["history"]) == 2
    checkpoint, model = Checkpoint(tmp_path), small_model()
    checkpoint.restore_kept(model)
    assert all(np.isfinite(array).all() for array in model.get_weights())


def test_the_same_training_says_so_at_once_instead_of_training_again(tmp_path):
    with pytest.raises(DivergedError):
        _train(tmp_path, broken_epoch=0)
    told = []
    with pytest.raises(DivergedError, match=r"(?s)same settings and data.*epoch 1: in step 2.*delete"):
        _train(tmp_path, on_epoch=told.append)
    assert told == []


def test_weights_that_are_no_numbers_after_the_last_step_are_not_kept(tmp_path):
    set_seed(0, deterministic=True)
    model = small_model()
    trainer = Trainer(SETTINGS, "label_distribution", checkpoint_folder=tmp_path)
    validation = _Spoiling(model.get_layer("conv1_conv").kernel)
    with pytest.raises(DivergedError, match="epoch 1: after step 3 of 3 weights are infinite or NaN"):
        trainer.fit(model, (PHOTOS, AGES), validation, epochs=2, learning_rate=0.001, batch_size=8)
    assert Checkpoint(tmp_path).n_finished == 0


class _Spoiling(keras.utils.PyDataset):
    """Validation photos whose reading puts NaN into weights, as a last step may."""

    def __init__(self, kernel):
        super().__init__()
        self._kernel = kernel

    def __len__(self):
        return 1

    def __getitem__(self, number):
        self._kernel.assign(np.full(self._kernel.shape, np.nan))
        return PHOTOS[:8], AGES[:8]


class _PassingInfinity(keras.utils.PyDataset):
    """Validation ages that are infinite in the first epoch, as an estimate may be."""

    is_first_epoch = True

    def __len__(self):
        return 1

    def __getitem__(self, number):
        return PHOTOS[:8], np.full(8, INF, "float32") if self.is_first_epoch else AGES[:8]


def test_a_passing_infinite_validation_error_ends_nothing(tmp_path):
    """It becomes a row that every reader of JSON takes, and the training goes on from it."""
    histories = []
    log = epoch_log(Recorder(), tmp_path / "report", n_photos=24, record={})

    def tell(history):
        validation.is_first_epoch = False
        histories.append(history)
        log(history)
        for path in tmp_path.rglob("*.json"):
            json.loads(path.read_text(), parse_constant=pytest.fail)

    validation = _PassingInfinity()
    _train(tmp_path, validation=validation, on_epoch=tell)
    assert [math.isfinite(row["val_mae"]) for row in histories[-1]] == [False, True, True]
    assert not math.isfinite(Checkpoint(tmp_path).history[0]["val_mae"])
    table = pd.read_csv(tmp_path / "report" / "history.csv")
    assert table["val_mae"].isna().tolist() == [True, False, False]
    assert "inf" not in (tmp_path / "report" / "history.csv").read_text()


def _far_off(years):
    """Validation ages that make every estimate wrong by so many years."""
    return PHOTOS[:8], np.full(8, years, "float32")


def test_an_absurd_error_warns_and_at_the_end_stops(tmp_path, caplog):
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(DivergedError, match="epoch 2: the validation MAE is"),
    ):
        _train(tmp_path, validation=_far_off(5e6), epochs=2)
    assert "validation MAE after epoch 1 is 4.99995e+06 years" in caplog.text
    assert Checkpoint(tmp_path).n_finished == 1


@pytest.mark.parametrize("first", [INF, NAN])
def test_a_number_is_better_than_none(first):
    history = _history(first, 9.0, NAN, 8.0)
    assert best_epoch(history) == 4
    assert training_metrics(pd.DataFrame(history))["best_epoch"] == 4
    assert training_metrics(pd.DataFrame(history[:1]))["val_mae"] is None
