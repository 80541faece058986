import json
import shutil
from pathlib import Path

import pytest
from project import ROOT

from shopper_age.params import load_params
from shopper_age.training import resuming
from shopper_age.training.resuming import resumable_run, training_key, training_settings

PARAMS = load_params(ROOT / "params.yaml")


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "splits.csv"
    path.write_text("file_name,real_age,split\n")
    return path


def test_equal_trainings_have_equal_keys(data):
    assert training_key(PARAMS, data) == training_key(load_params(ROOT / "params.yaml"), data)


def test_what_matters_changes_the_key(data, tmp_path):
    weights = tmp_path / "w.weights.h5"
    weights.write_bytes(b"1")
    with_file = PARAMS.model_copy(update={"weights": str(weights)})
    keys = {training_key(PARAMS, data), training_key(PARAMS.model_copy(update={"epochs": 11}), data)}
    keys.add(training_key(with_file, data))
    weights.write_bytes(b"2")
    keys.add(training_key(with_file, data))
    data.write_text("file_name,real_age,split\na.jpg,1,train\n")
    keys.add(training_key(PARAMS, data))
    assert len(keys) == 5


def test_what_matters_not_leaves_the_key(data):
    evaluated_otherwise = PARAMS.model_copy(
        update={
            "evaluate": PARAMS.evaluate.model_copy(update={"max_mae": 5.0}),
            "data_path": Path("elsewhere"),
        }
    )
    assert training_key(evaluated_otherwise, data) == training_key(PARAMS, data)


@pytest.mark.parametrize("place", [{"devices": 8}, {"workers": 4}])
def test_a_training_goes_on_with_other_devices_and_workers(data, place):
    elsewhere = PARAMS.model_copy(update={"train": PARAMS.train.model_copy(update=place)})
    assert training_key(elsewhere, data) == training_key(PARAMS, data)
    assert training_settings(elsewhere) != training_settings(PARAMS)  # the run tells where it was trained


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package whose code the key is made of."""
    copy = shutil.copytree(ROOT / "src" / "shopper_age", tmp_path / "shopper_age")
    monkeypatch.setattr(resuming, "_PACKAGE", copy)
    return copy


@pytest.mark.parametrize(
    "module",
    [
        "data/tables.py",
        "model/archive.py",
        "runtime/machine.py",
        "runtime/threads.py",
        "training/precision.py",
    ],
)
def test_an_edit_of_code_that_decides_about_weights_changes_the_key(data, package, module):
    before = training_key(PARAMS, data)
    with (package / module).open("a") as file:
        file.write("# edited")
    assert training_key(PARAMS, data) != before


@pytest.mark.parametrize(
    "module",
    [
        "data/importers/utkface.py",
        "inference/views.py",
        "metrics/errors.py",
        "paths.py",
        "plots/style.py",
    ],
)
def test_an_edit_of_other_code_leaves_the_key(data, package, module):
    before = training_key(PARAMS, data)
    with (package / module).open("a") as file:
        file.write("# edited")
    assert training_key(PARAMS, data) == before


def _interrupt(params, data):
    with resumable_run(params, data, tags={}) as (folder, run):
        (folder / "state").touch()
        interrupted.append((folder, run.id))
        raise KeyboardInterrupt


interrupted: list[tuple[Path, str]] = []


def test_an_interrupted_training_finds_its_folder_and_its_run_again(tmp_path, monkeypatch, data):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(KeyboardInterrupt):
        _interrupt(PARAMS, data)
    with resumable_run(PARAMS, data, tags={}) as (folder, run):
        assert (folder / "state").is_file()
        assert (folder, run.id) == interrupted[0]
    assert list((tmp_path / ".checkpoints").iterdir()) == [], "not even a lock"


def test_an_interruption_is_noted_with_the_epochs_that_are_kept(tmp_path, monkeypatch, data):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(KeyboardInterrupt) as none_kept:
        _interrupt(PARAMS, data)
    folder, _ = interrupted[-1]
    rows = [{"epoch": epoch, "val_mae": 9.0} for epoch in (1, 2)]
    (folder / "state.json").write_text(json.dumps({"history": rows}), encoding="utf-8")
    with pytest.raises(KeyboardInterrupt) as two_kept:
        _interrupt(PARAMS, data)
    n = PARAMS.epochs
    assert none_kept.value.__notes__ == [f"none of {n} epochs is finished; `dvc repro` starts from the first"]
    assert two_kept.value.__notes__ == [
        f"epoch 2 of {n} is finished and kept; `dvc repro` goes on from there"
    ]


def test_the_same_training_does_not_run_twice_at_once(tmp_path, monkeypatch, data):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with (
        resumable_run(PARAMS, data, tags={}),
        pytest.raises(ValueError, match="another training with the same settings and data"),
        resumable_run(PARAMS, data, tags={}),
    ):
        pass


def test_a_training_that_was_killed_is_told_when_it_goes_on(tmp_path, monkeypatch, data, caplog):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(KeyboardInterrupt):
        _interrupt(PARAMS, data)
    with pytest.raises(KeyboardInterrupt):
        _interrupt(PARAMS, data)
    assert "was killed" not in caplog.text  # an interruption is none
    (interrupted[-1][0] / "running").touch()
    with resumable_run(PARAMS, data, tags={}):
        pass
    assert "the last run was killed in epoch 1: if memory was short, lower batch_size" in caplog.text
