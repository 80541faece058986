import json
import math
import subprocess

import pytest

from shopper_age.experiments.ranking import (
    Experiment,
    on_other_photos,
    ranked,
    read_experiments,
    varied_params,
)

FAST = Experiment("fast", "success", {"epochs": 5, "train.schedule": "cosine"}, 6.5, 7.0, 40.0)
SLOW = Experiment("slow", "success", {"epochs": 10, "train.schedule": "cosine"}, 5.25, 7.5, 20.0)
WAITING = Experiment("waiting", "queued", {"epochs": 20, "train.schedule": "cosine"})
BROKEN = Experiment("broken", "failed", {"epochs": 0, "train.schedule": "cosine"})


def revision(rev, *, epochs, val_mae=None):
    """An entry of `revs` as DVC prints it."""
    metrics = {"reports/evaluate/metrics.json": {"error": {"type": "FileNotFoundError", "msg": ""}}}
    if val_mae is not None:
        metrics["reports/train/metrics.json"] = {"data": {"val_mae": val_mae, "epochs_run": epochs}}
        metrics["reports/train/run.json"] = {"data": {"images_per_second": 31.5, "gpu": "none"}}
        metrics["reports/evaluate/metrics.json"] = {"data": {"mae": val_mae + 1}}
    params = {"params.yaml": {"data": {"epochs": epochs, "train": {"schedule": "cosine"}}}}
    return {"rev": rev, "name": None, "data": {"params": params, "metrics": metrics}, "error": None}


@pytest.fixture
def dvc_shows(monkeypatch):
    """Lets DVC print a table."""

    def show(table):
        answer = subprocess.CompletedProcess("dvc", 0, json.dumps(table), "")
        monkeypatch.setattr("shopper_age.experiments.dvc.subprocess.run", lambda *_, **__: answer)
        return {experiment.name: experiment for experiment in read_experiments()}

    return show


def test_the_best_validation_error_comes_first_and_what_failed_last():
    assert ranked([BROKEN, WAITING, FAST, SLOW]) == [SLOW, FAST, WAITING, BROKEN]


def test_settings_that_differ_are_found():
    assert varied_params([FAST, SLOW]) == ["epochs"]
    assert varied_params([FAST]) == []


def test_finished_experiments_are_read_wherever_they_ran(dvc_shows):
    here = {"name": "a", "executor": None, "revs": [revision("aaa", epochs=5, val_mae=6.0)]}
    queued = {"name": "b", "executor": {"state": "success"}}
    queued["revs"] = [revision("bbb", epochs=9, val_mae=5.0)]
    baselines = [
        {"rev": "workspace", "data": {}, "experiments": None},
        {"rev": "c0", "data": {}, "experiments": [here, queued]},
    ]
    schedule = {"train.schedule": "cosine"}
    assert dvc_shows(baselines) == {
        "a": Experiment("a", "success", {"epochs": 5, **schedule}, 6.0, 7.0, 31.5),
        "b": Experiment("b", "success", {"epochs": 9, **schedule}, 5.0, 6.0, 31.5),
    }


def test_the_metrics_of_the_workspace_are_not_taken_for_those_of_a_queued_or_failed_experiment(dvc_shows):
    entries = [
        {"name": state, "executor": {"state": state}, "revs": [revision("aaa", epochs=5, val_mae=6.0)]}
        for state in ("queued", "failed", "running")
    ]
    found = dvc_shows([{"rev": "c0", "data": {}, "experiments": entries}])
    assert math.isnan(found["queued"].val_mae)
    assert math.isnan(found["failed"].mae)
    assert found["running"].val_mae == 6.0, "DVC shows the epochs so far"


def test_a_model_that_was_not_evaluated_has_no_test_error(dvc_shows):
    trained = revision("aaa", epochs=5)
    trained["data"]["metrics"]["reports/train/metrics.json"] = {"data": {"val_mae": 6.0}}
    found = dvc_shows([{"rev": "c0", "data": {}, "experiments": [{"name": "a", "revs": [trained]}]}])
    assert found["a"].val_mae == 6.0
    assert math.isnan(found["a"].mae)


def test_what_dvc_says_is_passed_on_where_there_is_no_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"DVC cannot list .*not inside of a DVC repository"):
        read_experiments()


def test_the_results_of_the_workspace_and_of_the_commit_stand_among_them(dvc_shows):
    experiment = {"name": "a", "revs": [revision("aaa", epochs=5, val_mae=6.0)]}
    found = dvc_shows(
        [
            {**revision("workspace", epochs=3, val_mae=7.0), "experiments": None},
            {**revision("c0ffee12345", epochs=4, val_mae=5.0), "name": "main", "experiments": [experiment]},
        ]
    )
    assert {name: one.val_mae for name, one in found.items()} == {
        "workspace": 7.0,
        "main (commit)": 5.0,
        "a": 6.0,
    }
    without = dvc_shows([{**revision("workspace", epochs=3), "experiments": [experiment]}])
    assert list(without) == ["a"]


def test_experiments_on_other_photos_or_another_split_are_told(dvc_shows):
    def entry(name, split):
        made = revision(name, epochs=5, val_mae=6.0)
        made["data"]["outs"] = {"data/splits/splits.csv": {"hash": split}}
        return {"name": name, "revs": [made]}

    entries = [entry("a", "1"), entry("b", "1"), entry("c", "2"), entry("d", None)]
    found = dvc_shows([{"rev": "c0", "data": {}, "experiments": entries}])
    assert on_other_photos(list(found.values())) == {"c"}
    assert on_other_photos([FAST, SLOW]) == set()
