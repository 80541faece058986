import io
import logging
import sys

import pytest
from small_training import AGES, PHOTOS, SETTINGS, small_model

from shopper_age.runtime.stage import configure_logging
from shopper_age.training.progress import epoch_line
from shopper_age.training.trainer import Trainer

ROWS = [
    {"epoch": epoch, "loss": 4.83264, "mae": 17.048, "val_loss": 4.9, "val_mae": val_mae, "seconds": 20.0}
    for epoch, val_mae in ((1, 20.345), (2, 18.0), (3, 19.25))
]


@pytest.fixture
def _quiet_again():
    logger = logging.getLogger("shopper_age")
    before = list(logger.handlers), logger.level, logger.propagate
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
    said = capfd.readouterr()
    compiling, compiled, *lines = said.out.splitlines()
    assert compiling.startswith("train: compiling the network")
    assert compiled.startswith("train: compiled in ")
    assert len(lines) == 3
    for i, line in enumerate(lines):
        assert line.startswith(f"train: epoch {i + 1}/3, loss ")
        for part in ("MAE", "validation", "best", "learning rate", "photos/s", " s, ", " left"):
            assert part in line
        assert len(line) < 250
    assert not set("\r\b\x1b") & set(said.out)
    assert said.err == ""


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.usefixtures("_quiet_again")
def test_a_terminal_has_a_bar_too_which_starts_when_the_network_is_compiled(capsys, monkeypatch):
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    configure_logging()
    _train()
    bars = terminal.getvalue()
    for epoch in (1, 2, 3):
        assert f"epoch {epoch}/3:" in bars
    assert "1/3 [00:00<?" in bars  # the first bar: one step is done, and says nothing of the others
    assert "epoch 1/3:   0%" not in bars
    assert "epoch 2/3:   0%" in bars
    assert capsys.readouterr().out.count("train: epoch") == 3


def test_the_line_of_an_epoch_tells_errors_speed_and_time_left():
    rows = [*ROWS[:2], {**ROWS[2], "learning_rate": 0.0004}]
    assert epoch_line(rows, n_epochs=10, n_photos=1230, seconds_to_come=10.0) == (
        "epoch 3/10, loss 4.8326 (validation 4.9000), MAE 17.05 (validation 19.25, best 18.00 in epoch 2), "
        "learning rate 0.0004, 61.5 photos/s, 20.0 s, 0:01:10 left"
    )


def test_the_line_leaves_out_what_is_not_known():
    row = {name: value for name, value in ROWS[1].items() if not name.startswith("val_")}
    line = epoch_line([{**row, "learning_rate": 0.0004}], n_epochs=2, n_photos=None, seconds_to_come=1.0)
    assert line == "epoch 2/2, loss 4.8326, MAE 17.05, learning rate 0.0004, 20.0 s, 0:00:00 left"
