import json

import numpy as np
import pytest
from small_training import AGES, PHOTOS, SETTINGS, small_model

from shopper_age.training.checkpoint import Checkpoint
from shopper_age.training.divergence import DivergedError, StopDiverged
from shopper_age.training.trainer import Trainer, set_seed


def _train(folder, validation_ages, *, epochs=3, tell=lambda _: None):
    set_seed(0, deterministic=True)
    trainer = Trainer(SETTINGS, "label_distribution", checkpoint_folder=folder, on_epoch=tell)
    return trainer.fit(
        small_model(),
        (PHOTOS, AGES),
        (PHOTOS[:8], validation_ages),
        epochs=epochs,
        learning_rate=0.001,
        batch_size=8,
    )


@pytest.mark.parametrize(
    ("logs", "what"),
    [
        ({"loss": float("nan")}, "loss is nan"),
        ({"loss": 1.0, "val_loss": float("inf")}, "validation loss is inf"),
        ({"loss": 1.0, "mae": 5.0, "val_mae": 5.5e15}, r"validation MAE is 5\.5e\+15 years"),
        ({"mae": 1000.5}, r"MAE of the training photos is 1,000\.5 years"),
    ],
)
def test_what_no_epoch_repairs_is_named_with_its_epoch_and_a_remedy(tmp_path, logs, what):
    with pytest.raises(DivergedError, match=f"diverged in epoch 3: its {what}. Lower learning_rate"):
        StopDiverged(Checkpoint(tmp_path)).on_epoch_end(2, logs)


def test_large_losses_and_errors_up_to_the_limit_go_on(tmp_path):
    StopDiverged(Checkpoint(tmp_path)).on_epoch_end(0, {"loss": 1e9, "mae": 1000.0, "val_mae": 999.0})
    assert not list(tmp_path.iterdir())


def test_the_last_good_epoch_stays_and_the_same_training_says_at_once_why_it_ends(tmp_path, monkeypatch):
    kept = StopDiverged.on_epoch_end

    def diverge_in_the_second(self, epoch, logs=None):
        kept(self, epoch, {**logs, "val_mae": np.inf} if epoch == 1 else logs)

    monkeypatch.setattr(StopDiverged, "on_epoch_end", diverge_in_the_second)
    told = []
    with pytest.raises(DivergedError, match="diverged in epoch 2: its validation MAE is inf"):
        _train(tmp_path, AGES[:8], tell=told.append)
    state = json.loads((tmp_path / "state.json").read_text())
    assert [row["epoch"] for row in state["history"]] == [1]
    assert (tmp_path / state["trainer"]).is_file()
    assert len(told) == 1

    with pytest.raises(DivergedError, match="with these settings and data the training diverged in epoch 2"):
        _train(tmp_path, AGES[:8], tell=told.append)
    assert len(told) == 1


def test_ages_that_make_the_error_infinite_end_a_real_training(tmp_path):
    with pytest.raises(DivergedError, match="epoch 1"):
        _train(tmp_path, np.full(8, 1e30, "float32"))
    assert not (tmp_path / "state.json").exists()
