import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from shopper_age.cli.app import app
from shopper_age.experiments.comparison import BETTER, UNCLEAR, WORSE, changed_params, compare, describe
from shopper_age.metrics.errors import mean_interval


def table(true, predicted, names=None) -> pd.DataFrame:
    names = [f"{number:04d}.jpg" for number in range(len(true))] if names is None else names
    return pd.DataFrame({"file_name": names, "real_age": true, "predicted_age": predicted}).astype(
        {"real_age": float, "predicted_age": float}
    )


def normal_tables(n: int, seed: int, *, shared: float, own: float, gain: float = 0.0):
    """Two models whose errors share a part; B's absolute error is smaller by `gain` on average."""
    rng = np.random.default_rng(seed)
    true = rng.uniform(5, 80, n)
    hard = rng.normal(0, shared, n)
    a, b = (hard + rng.normal(0, own, n) for _ in "ab")
    return table(true, true + a), table(true, true + np.sign(b) * (np.abs(b) - gain))


def test_every_figure_is_the_mean_over_its_photos():
    a = table([10, 17, 30, 40], [12, 26, 24, 40])
    b = table([10, 17, 30, 40], [13, 20, 29, 46])
    figures = compare(a, b, age_groups=[0, 12, 18], legal_age=18).figures
    by_hand = {
        "mae": (17 / 4, 13 / 4, -1.0, 4),  # (2 + 9 + 6 + 0) / 4 and (3 + 3 + 1 + 6) / 4
        "bias": (5 / 4, 11 / 4, 1.5, 4),
        "cs5": (2 / 4, 3 / 4, 0.25, 4),
        "group_accuracy": (2 / 4, 2 / 4, 0.0, 4),
        "id_false_positive_rate_at_25": (1 / 2, 0.0, -0.5, 2),
        "id_request_rate_at_25": (1 / 2, 0.0, -0.5, 2),
    }
    assert list(figures.index) == list(by_hand)
    for name, expected in by_hand.items():
        assert tuple(figures.loc[name, ["a", "b", "difference", "n"]]) == pytest.approx(expected), name


def test_figures_that_cannot_be_had_are_left_out():
    adults = table([30, 40], [31, 42])
    assert list(compare(adults, adults).figures.index) == ["mae", "bias", "cs5"]
    with_id_check = compare(adults, adults, legal_age=18).figures.index
    assert "id_request_rate_at_25" in with_id_check
    assert "id_false_positive_rate_at_25" not in with_id_check


def test_photos_are_joined_by_name_not_by_row():
    a = table([20, 60], [21, 66], ["x.jpg", "y.jpg"])
    b = table([60, 20], [63, 22], ["y.jpg", "x.jpg"])
    assert compare(a, b).figures.loc["mae", "difference"] == pytest.approx((3 + 2) / 2 - (6 + 1) / 2)


def test_different_test_parts_are_compared_on_common_photos_and_that_is_said():
    a = table([20, 60, 30], [21, 66, 90], ["x", "y", "only in a"])
    b = table([20, 60, 40, 50], [22, 63, 90, 90], ["x", "y", "c", "d"])
    comparison = compare(a, b)
    assert (comparison.n_common, comparison.n_only_a, comparison.n_only_b) == (2, 1, 2)
    assert comparison.figures.loc["mae", "a"] == pytest.approx(3.5)
    told = describe(comparison, "old", "new")
    assert "2 common test photos" in told
    assert "The test parts differ: 1 photo of old and 2 of new were left out" in told


def test_both_models_are_judged_by_the_newer_labels():
    a, b = table([20, 30], [20, 30]), table([25, 30], [25, 30])
    comparison = compare(a, b)
    assert tuple(comparison.figures.loc["mae", ["a", "b"]]) == (2.5, 0)
    assert "1 common photo had another true age in A" in describe(comparison)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (table([20], [20], ["x"]), table([20], [20], ["y"]), "no photo is in both test parts"),
        (
            table([20], [20]).drop(columns="predicted_age"),
            table([20], [20]),
            "A have no column predicted_age",
        ),
        (table([20], [20]), table([20, 20], [20, 20], ["x", "x"]), "B name 1 photo twice, first x"),
        (table([20], [np.nan]), table([20], [20]), "not finite"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_reason(a, b, message):
    with pytest.raises(ValueError, match=message):
        compare(a, b)


def test_one_photo_proves_nothing():
    comparison = compare(table([20], [90]), table([20], [20]))
    assert np.isnan(comparison.figures.loc["mae", "low"])
    assert comparison.outcome == UNCLEAR
    assert "1 common test photo (one photo says nothing about others)" in describe(comparison)


def test_a_model_does_not_differ_from_itself():
    a, _ = normal_tables(200, 0, shared=5, own=3)
    figures = compare(a, a, age_groups=[0, 18], legal_age=18).figures
    assert (figures[["difference", "low", "high"]] == 0).all(axis=None)


def test_the_interval_matches_the_normal_one_on_many_photos():
    difference = np.random.default_rng(1).normal(0.3, 2.0, 2_000)
    low, high = mean_interval(difference, seed=0)
    half = 1.96 * difference.std() / np.sqrt(difference.size)
    assert (low, high) == pytest.approx((difference.mean() - half, difference.mean() + half), abs=0.01)


def test_the_same_seed_gives_the_same_interval_whatever_the_memory(monkeypatch):
    a, b = normal_tables(300, 2, shared=5, own=3)
    before = compare(a, b, seed=4).figures
    pd.testing.assert_frame_equal(compare(a, b, seed=4).figures, before)
    assert compare(a, b, seed=5).figures.loc["mae", "low"] != before.loc["mae", "low"]
    monkeypatch.setattr("shopper_age.metrics.errors._BOOTSTRAP_CELLS", 900)  # 3 resamples at a time
    pd.testing.assert_frame_equal(compare(a, b, seed=4).figures, before)


def test_equally_good_models_are_rarely_called_different():
    outcomes = [compare(*normal_tables(80, seed, shared=6, own=3)).outcome for seed in range(60)]
    assert outcomes.count(UNCLEAR) >= 51  # 57 expected; fewer than 51 once in 1,300 such series


def test_a_gain_that_separate_intervals_would_hide_is_seen_on_the_same_photos():
    a, b = normal_tables(400, 3, shared=8, own=0, gain=0.0)
    b["predicted_age"] -= 0.1 * (b["predicted_age"] - b["real_age"])  # each error a tenth smaller
    comparison = compare(a, b)
    mae = comparison.figures.loc["mae"]
    spread = np.abs(a["predicted_age"] - a["real_age"]).std() / np.sqrt(400)
    assert abs(mae["difference"]) < 1.96 * spread * 2  # the separate intervals overlap
    assert comparison.outcome == BETTER
    assert describe(comparison, "old", "new").startswith("new is better than old: MAE ")
    assert compare(b, a).outcome == WORSE


def test_changed_params_names_nested_settings_and_those_of_one_side():
    a = {"epochs": 10, "train": {"schedule": "constant", "clip": 0.0}, "evaluate": {"age_groups": [0, 18]}}
    b = {
        "epochs": 10,
        "train": {"schedule": "cosine", "clip": 0.0},
        "evaluate": {"age_groups": [0]},
        "new": 1,
    }
    changed = changed_params(a, b)
    assert changed.T.to_dict("list") == {
        "train.schedule": ["constant", "cosine"],
        "evaluate.age_groups": ["[0, 18]", "[0]"],
        "new": ["–", "1"],
    }
    assert changed_params(a, a).empty


# The command, in a project of its own with two commits, an experiment and a changed workspace.

TRUE = np.linspace(5, 75, 60)
ERROR = {"first": 8.0, "second": 4.0, "third": 4.001}


def _git(folder: Path, *command: str) -> str:
    done = subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _write_result(folder: Path, name: str, epochs: int) -> None:
    report = folder / "reports" / "evaluate"
    report.mkdir(parents=True, exist_ok=True)
    alternating = np.where(np.arange(TRUE.size) % 2, 1, -1)
    table(TRUE, TRUE + ERROR[name] * alternating).to_csv(report / "predictions.csv", index=False)
    figures = {"mae": ERROR[name], "meets_requirement": ERROR[name] < 6}
    (report / "metrics.json").write_text(json.dumps(figures), encoding="utf-8")
    settings = {"epochs": epochs, "evaluate": {"age_groups": [0, 18, 40], "legal_age": 18}}
    (folder / "params.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    from dvc.repo import Repo

    folder = tmp_path_factory.mktemp("project")
    before = Path.cwd()
    os.chdir(folder)
    try:
        _git(folder, "init", "--quiet", "--initial-branch", "main")
        _git(folder, "config", "user.email", "tester@localhost")
        _git(folder, "config", "user.name", "tester")
        with Repo.init() as repo:
            for name, epochs in (("first", 1), ("second", 2)):
                _write_result(folder, name, epochs)
                repo.add("reports/evaluate/predictions.csv")
                _git(folder, "add", "--all")
                _git(folder, "commit", "--quiet", "--message", name)
                _git(folder, "tag", f"v{epochs}")
        first, second = _git(folder, "rev-parse", "v1"), _git(folder, "rev-parse", "v2")
        _git(folder, "update-ref", f"refs/exps/{first[:2]}/{first[2:]}/brave-one", second)
        _write_result(folder, "third", 3)
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def run(project, monkeypatch):
    monkeypatch.chdir(project)
    monkeypatch.setenv("COLUMNS", "160")
    return lambda *arguments: CliRunner().invoke(app, ["compare", *arguments])


def told(answer) -> str:
    """What the user sees, spaces and line ends made one."""
    return " ".join((answer.output + str(answer.exception.code if answer.exception else "")).split())


@pytest.mark.parametrize("newer", ["HEAD", "v2", "brave-one"])
def test_revisions_and_experiments_are_compared_from_dvcs_cache(run, newer):
    answer = run("HEAD~1", newer)
    assert answer.exit_code == 0
    assert f"{newer} is better than HEAD~1: MAE 4.00 against 8.00 years on 60 common test photos" in told(
        answer
    )
    assert "│ epochs │ 1 │ 2 │" in told(answer)
    assert "evaluate.legal_age" not in answer.output  # it does not differ
    assert "meets its requirement, on its whole test part │ no │ yes │" in told(answer)
    assert "minors not asked, if asked below 25, % │ 0.0 │ 0.0 │ +0.0 │ no photo differs │ 11 │" in told(
        answer
    )


def test_the_workspace_is_compared_as_it_lies_there(run):
    answer = run("HEAD", "workspace")
    assert "│ epochs │ 2 │ 3 │" in told(answer)
    assert "workspace is worse than HEAD" in told(answer)  # by a thousandth on each and every photo
    assert "No parameter differs." in run("workspace", "workspace").output
    assert "no clear difference between workspace and workspace" in told(run("workspace", "workspace"))


def test_an_unknown_name_is_answered_with_those_that_are_known(run):
    answer = run("HEAD", "brave-two")
    assert answer.exit_code == 1
    assert "there is no `brave-two` here; name `workspace`, a commit, or one of these:" in told(answer)
    assert "experiments brave-one; branches main; tags v1, v2" in told(answer)


def test_a_result_that_is_not_at_hand_says_where_to_get_it(run, project):
    cache = project / ".dvc" / "cache"
    away = cache.rename(project / ".dvc" / "away")
    try:
        answer = run("v1", "v2")
    finally:
        away.rename(cache)
    assert answer.exit_code == 1
    assert "`v1` has no reports/evaluate/predictions.csv at hand" in told(answer)
    assert "dvc fetch --all-commits" in told(answer)


def test_without_a_result_or_a_project_the_user_is_told_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "run `dvc repro`" in told(CliRunner().invoke(app, ["compare", "workspace", "workspace"]))
    assert "no DVC project" in told(CliRunner().invoke(app, ["compare", "HEAD", "workspace"]))
