"""The pipeline with folds instead of a validation part, killed on its way."""

import os
import signal
import subprocess
import time

import pandas as pd
import pytest
from checkout import stages_run

pytestmark = pytest.mark.pipeline

N_FOLDS = 3
SETTINGS = ("split.calibration=cross", f"split.folds={N_FOLDS}", "epochs=1")


@pytest.fixture(scope="module")
def checkout(finished, tmp_path_factory):
    """A run that was killed after its first fold, and the `dvc repro` after it."""
    checkout = finished.duplicate(tmp_path_factory.mktemp("cross") / "project")
    settings = [argument for setting in SETTINGS for argument in ("--set-param", setting)]
    process = subprocess.Popen(
        ["dvc", "exp", "run", "--name", "killed", *settings],
        cwd=checkout.folder,
        env=checkout.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not list(checkout.folder.glob(".checkpoints/*/fold-1/model.keras")):
        assert process.poll() is None, "the training ended before it could be killed"
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (checkout.folder / "models/folds").exists()
    checkout.told = checkout.run("dvc", "repro")
    return checkout


def test_a_fold_that_was_finished_before_the_kill_is_not_trained_again(checkout):
    assert "fold 1 of 3 is left out" not in checkout.told
    for fold in (2, 3):
        assert f"fold {fold} of 3 is left out" in checkout.told
    assert "the last run was killed" in checkout.told
    assert "retracing" not in checkout.told
    assert not list(checkout.folder.glob(".checkpoints/*/state.json"))


def test_all_photos_but_those_of_the_test_are_learnt_from_and_calibrate(checkout):
    splits = pd.read_csv(checkout.folder / "data/splits/splits.csv")
    assert splits["split"].value_counts().to_dict() == {"train": 45, "test": 15}
    report = (checkout.folder / "reports/evaluate/report.md").read_text(encoding="utf-8")
    assert "learnt from 45 photos" in report
    assert "settled on out-of-fold estimates of the training part (45 photos)" in report
    assert "calibrated on estimates of the same photos by 3 models" in (
        checkout.folder / "reports/evaluate/MODEL_CARD.md"
    ).read_text(encoding="utf-8")
    assert checkout.json("reports/evaluate/metrics.json")["n_test"] == 15


def test_validation_errors_come_from_the_folds(checkout):
    of_folds = pd.read_csv(checkout.folder / "models/folds/history.csv")
    assert of_folds["fold"].tolist() == [1, 2, 3]
    history = pd.read_csv(checkout.folder / "reports/train/history.csv")
    assert history["val_mae"].tolist() == pytest.approx([of_folds["val_mae"].mean()], abs=1e-4)  # 15 each


def test_mlflow_has_a_run_of_the_model_with_a_child_for_each_fold(checkout):
    runs = checkout.runs()
    (parent,) = runs[runs["tags.model_md5"].notna() & (runs["tags.mlflow.runName"] != "first")].to_dict(
        "records"
    )
    children = runs[runs["tags.fold"].notna()]
    assert sorted(children["tags.fold"]) == ["1", "2", "3"]
    assert set(children["tags.mlflow.parentRunId"]) == {parent["run_id"]}
    assert set(children["status"]) == {parent["status"]} == {"FINISHED"}
    for run in (parent, *children.to_dict("records")):
        assert checkout.steps(run["run_id"], "epochs/train_mae") == [1]
    assert parent["metrics.test/mae"] == checkout.json("reports/evaluate/metrics.json")["mae"]
    assert len(runs) == 1 + 1 + N_FOLDS


def test_nothing_is_left_to_do_and_the_way_back_trains_nothing(checkout):
    assert "Data and pipelines are up to date." in checkout.run("dvc", "repro")
    told = checkout.run(
        "dvc", "exp", "run", "--name", "back", "-S", "split.calibration=validation", "-S", "split.folds=5"
    )
    assert "train" not in stages_run(told)
    assert [path.name for path in (checkout.folder / "models/folds").iterdir()] == ["history.csv"]
