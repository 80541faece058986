import logging
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from small_training import AGES, PHOTOS, SETTINGS, small_model

from shopper_age.runtime.stage import configure_logging
from shopper_age.training.callbacks import EpochTimer, SetEpoch, epoch_line
from shopper_age.training.trainer import Trainer

ROW = {
    "epoch": 2,
    "loss": 4.83264,
    "mae": 17.048,
    "val_mae": 20.345,
    "learning_rate": 0.0004,
    "seconds": 20.0,
}


@pytest.fixture
def _quiet_again():
    logger = logging.getLogger("shopper_age")
    before = logger.handlers, logger.level, logger.propagate
    yield
    logger.handlers, logger.level, logger.propagate = before


def _train():
    trainer = Trainer(SETTINGS, "label_distribution", n_photos=24)
    data = (PHOTOS, AGES)
    trainer.fit(small_model(), data, data, epochs=3, learning_rate=0.001, batch_size=8)


@pytest.mark.usefixtures("_quiet_again")
def test_in_a_file_a_training_is_a_line_per_epoch(capfd):
    configure_logging()
    _train()
    said = capfd.readouterr().out
    lines = said.splitlines()
    assert len(lines) == 3
    for i, line in enumerate(lines):
        assert line.startswith(f"train: epoch {i + 1}/3, loss ")
        for part in ("MAE", "validation MAE", "learning rate", "photos/s", " s, ", " left"):
            assert part in line
    assert not set("\r\b\x1b") & set(said)


@pytest.mark.usefixtures("_quiet_again")
def test_a_terminal_has_its_bar(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    configure_logging()
    _train()
    said = capsys.readouterr().out
    assert "Epoch 3/3" in said
    assert "\r" in said
    assert "train: epoch" not in said


def test_the_line_of_an_epoch_tells_errors_speed_and_time_left():
    assert epoch_line(ROW, n_epochs=10, n_photos=1230) == (
        "epoch 2/10, loss 4.8326, MAE 17.05, validation MAE 20.34, learning rate 0.0004, 61.5 photos/s, "
        "20.0 s, 0:02:40 left"
    )


def test_the_line_leaves_out_what_is_not_known():
    row = {name: value for name, value in ROW.items() if name != "val_mae"}
    line = epoch_line(row, n_epochs=2, n_photos=None)
    assert line == "epoch 2/2, loss 4.8326, MAE 17.05, learning rate 0.0004, 20.0 s, 0:00:00 left"


def test_the_number_of_the_epoch_is_set_where_data_have_one():
    with_epochs, without = SimpleNamespace(epoch=0), SimpleNamespace()
    for data in (with_epochs, without):
        SetEpoch(data).on_epoch_begin(7)
    assert with_epochs.epoch == 7
    assert not hasattr(without, "epoch")


class _Numbered(keras.utils.PyDataset):
    epoch = -1

    def __init__(self):
        super().__init__()
        self.seen = []

    def __len__(self):
        return 1

    def __getitem__(self, _):
        self.seen.append(self.epoch)
        return PHOTOS, AGES


def test_data_that_count_by_a_plain_number_see_each_epoch(tmp_path):
    data = _Numbered()
    for epochs in (2, 4):
        trainer = Trainer(SETTINGS, "label_distribution", checkpoint_folder=tmp_path)
        trainer.fit(small_model(), data, None, epochs=epochs, learning_rate=0.001)
    assert [epoch for epoch in dict.fromkeys(data.seen) if epoch >= 0] == [0, 1, 2, 3]


def test_the_timer_keeps_the_seconds_of_each_epoch_and_puts_them_into_the_history():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    timer = EpochTimer()
    numbers = np.zeros((4, 1))
    history = model.fit(numbers, numbers, epochs=2, verbose=0, callbacks=[timer]).history
    assert history["seconds"] == timer.seconds
    assert len(timer.seconds) == 2
    assert min(timer.seconds) > 0
