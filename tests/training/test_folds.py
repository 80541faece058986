"""Trainings for folds with a stand-in for the recipe, whose models tell which fold they left out."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from mlflow_store import runs
from project import ROOT

from shopper_age.data.folds import fold_numbers, fold_path, leaving_out
from shopper_age.evaluation.parts import estimate_out_of_fold
from shopper_age.params import load_params
from shopper_age.training.checkpoint import Checkpoint
from shopper_age.training.divergence import DivergedError
from shopper_age.training.folds import FoldTrainings
from shopper_age.training.history import epoch_log
from shopper_age.training.resuming import resumable_run

PARAMS = load_params(ROOT / "params.yaml")
N_FOLDS = 3


@dataclass
class Recipe:
    """Trains nothing: the model answers with the mean age of the photos that it should have learnt from."""

    params = PARAMS
    fails_at: int | None = None
    error: type[BaseException] = KeyboardInterrupt
    learnt: list[set[str]] = field(default_factory=list)

    def create_model(self):
        photo = keras.Input((48, 48, 3), name="photo")
        nothing = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(0.0)(photo))
        return keras.Model(photo, keras.layers.Dense(1, name="age")(nothing))

    def fit(self, model, splits, *, checkpoint_folder, on_epoch, check):
        check()
        rows = splits[splits["split"] == "train"]
        self.learnt.append(set(rows["file_name"]))
        if len(self.learnt) == self.fails_at:
            raise self.error("here")
        model.get_layer("age").set_weights([np.zeros((3, 1)), np.array([rows["real_age"].mean()])])
        checkpoint, error = Checkpoint(checkpoint_folder), float(len(rows))
        files = {name: checkpoint.write_weights(model, name) for name in ("trainer", "kept")}
        row = {"epoch": 1, "loss": 1.0, "mae": 2.0, "val_loss": 2 * error, "val_mae": error, "seconds": 1.0}
        checkpoint.commit(row, **files)
        on_epoch(checkpoint.history)


@pytest.fixture
def splits(faces: Path) -> pd.DataFrame:
    """10 photos for the test, and folds of 9, 9 and 12 photos."""
    table = pd.read_csv(faces / "labels.csv", dtype={"real_age": float})
    folds = pd.array([pd.NA] * 10 + [1] * 9 + [2] * 9 + [3] * 12, dtype="Int64")
    return table.assign(split=np.where(folds.isna(), "test", "train"), fold=folds)


@pytest.fixture
def root(fresh_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(fresh_store, tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def train(recipe: Recipe, splits: pd.DataFrame, root: Path) -> None:
    """As stage train does, but for the model of all photos."""
    table = root / "splits.csv"
    splits.to_csv(table)
    with resumable_run(PARAMS, table, tags={"gpu": "none"}) as (folder, run):
        folds = FoldTrainings(recipe, splits, folder)
        folds.run(run, tags={"gpu": "none"}, check=lambda: None)
        folds.save(root / "folds")


def test_a_photo_is_estimated_by_the_model_that_did_not_learn_from_it(root, splits, faces):
    train(recipe := Recipe(), splits, root)
    for fold, learnt in enumerate(recipe.learnt, start=1):
        left_out = set(splits.loc[splits["fold"] == fold, "file_name"])
        assert not learnt & left_out
        assert learnt | left_out == set(splits.loc[splits["split"] == "train", "file_name"])

    found = estimate_out_of_fold(faces, splits, root / "folds", n_views=1)

    in_folds = splits.dropna(subset="fold").sort_values("fold", kind="stable")
    assert found.y_true.tolist() == in_folds["real_age"].tolist()
    of_others = [in_folds.loc[in_folds["fold"] != fold, "real_age"].mean() for fold in in_folds["fold"]]
    assert found.y_pred == pytest.approx(of_others, abs=1e-3)


def test_a_fold_that_is_finished_is_not_trained_again(root, splits):
    with pytest.raises(KeyboardInterrupt):
        train(killed := Recipe(fails_at=2), splits, root)
    (folder,) = (path for path in (root / ".checkpoints").iterdir() if path.is_dir())
    assert sorted(path.name for path in (folder / "fold-1").iterdir()) == [
        "model.keras",
        "run_id",
        "state.json",
    ]
    assert not (root / "folds").exists()

    train(resumed := Recipe(), splits, root)

    assert len(killed.learnt) == len(resumed.learnt) == 2
    assert resumed.learnt[0] == killed.learnt[1]
    assert sorted(path.name for path in (root / "folds").iterdir()) == [
        *(f"fold-{fold}.keras" for fold in (1, 2, 3)),
        "history.csv",
    ]
    assert not folder.exists()


def test_the_run_of_each_fold_stands_below_that_of_the_training(root, splits):
    with pytest.raises(KeyboardInterrupt):
        train(Recipe(fails_at=2), splits, root)
    train(Recipe(), splits, root)
    stored = runs(root, PARAMS.tracking.experiment)
    (parent,) = (run for run in stored if "mlflow.parentRunId" not in run.data.tags)
    children = [run for run in stored if run is not parent]
    assert sorted(run.data.tags["fold"] for run in children) == ["1", "2", "3"]
    for run in children:
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert run.info.status == "FINISHED"
        assert run.info.run_name == f"{parent.info.run_name}, fold {run.data.tags['fold']}"
        assert run.data.params["epochs"] == str(PARAMS.epochs)
        assert run.data.metrics["epochs/train_mae"] == 2.0


def test_validation_errors_are_the_means_over_the_photos_of_all_folds(root, splits):
    logged = []
    with resumable_run(PARAMS, tags={}) as (folder, run):
        folds = FoldTrainings(Recipe(), splits, folder)
        folds.run(run, tags={}, check=lambda: None)
        folds.validated(logged.append)([{"epoch": 1, "loss": 1.0, "mae": 2.0, "seconds": 3.0}])
        folds.validated(epoch_log(run, root / "report", n_photos=30, record={}))(logged[0])
    mean = (9 * 21 + 9 * 21 + 12 * 18) / 30
    assert logged == [
        [{"epoch": 1, "loss": 1.0, "mae": 2.0, "seconds": 3.0, "val_loss": 2 * mean, "val_mae": mean}]
    ]


def test_without_folds_nothing_is_trained_and_no_old_model_stays(root, splits):
    plain = splits.drop(columns="fold")
    train(Recipe(), splits, root)
    train(recipe := Recipe(), plain, root)
    assert not recipe.learnt
    assert (root / "folds" / "history.csv").read_text() == "fold,epoch,loss,mae,val_loss,val_mae\n"
    assert [path.name for path in (root / "folds").iterdir()] == ["history.csv"]
    assert FoldTrainings(recipe, plain, root).validated(print) is print


def test_the_history_has_the_epochs_of_every_fold(root, splits):
    train(Recipe(), splits, root)
    history = pd.read_csv(root / "folds" / "history.csv")
    assert history["fold"].tolist() == [1, 2, 3]
    assert history["val_mae"].tolist() == [21.0, 21.0, 18.0]


def test_a_fold_that_diverges_is_named(root, splits):
    with pytest.raises(DivergedError, match="leaving out fold 2: here"):
        train(Recipe(fails_at=2, error=DivergedError), splits, root)


def test_a_killed_fold_is_told_with_its_number(root, splits, caplog):
    with pytest.raises(KeyboardInterrupt):
        train(Recipe(fails_at=2), splits, root)
    (folder,) = (path for path in (root / ".checkpoints").iterdir() if path.is_dir())
    (folder / "running").touch()
    train(Recipe(), splits, root)
    assert "the last run was killed in epoch 1 of fold-2" in caplog.text


def test_estimates_without_the_model_of_a_fold_say_how_to_make_it(tmp_path, splits, faces):
    with pytest.raises(FileNotFoundError, match=r"fold-1\.keras not found: stage train writes it"):
        estimate_out_of_fold(faces, splits, tmp_path, n_views=1)


def test_a_fold_left_out_is_for_validation_and_the_test_part_stays(splits):
    left_out = leaving_out(splits, 2)
    assert (left_out["split"] == "validation").tolist() == (splits["fold"] == 2).fillna(False).tolist()
    assert (left_out["split"] == "test").tolist() == (splits["split"] == "test").tolist()
    assert fold_numbers(left_out) == []
    assert fold_numbers(splits) == [1, 2, 3]
    assert fold_path(Path("models"), 2) == Path("models/fold-2.keras")
    with pytest.raises(ValueError, match=r"no fold 4; it has \[1, 2, 3\]"):
        leaving_out(splits, 4)
