import subprocess
from contextlib import nullcontext
from itertools import repeat
from pathlib import Path
from types import SimpleNamespace

import pytest
from dvc.repo import Repo
from project import copy_params
from typer.testing import CliRunner

from shopper_age.cli.app import app
from shopper_age.experiments import sweep
from shopper_age.experiments.dvc import is_outdated
from shopper_age.experiments.ranking import Experiment
from shopper_age.experiments.sweep import (
    combined_params,
    grid_params,
    is_of_sweep,
    new_name,
    queue_grid,
    run_queue,
)


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A DVC project under Git with an empty photo folder that Git ignores."""
    monkeypatch.chdir(tmp_path)
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "tester@localhost")
    copy_params(tmp_path)
    (tmp_path / "data" / "faces").mkdir(parents=True)
    (tmp_path / ".gitignore").write_text("/data/faces\n")
    subprocess.run(["git", "init", "-q"], check=True)
    Repo.init().close()
    subprocess.run(["git", "add", "."], check=True)
    subprocess.run(["git", "commit", "-qm", "start"], check=True)
    return tmp_path


def test_the_names_of_a_grid_are_those_of_its_parts():
    assert grid_params(["epochs=5,10", "train.schedule=cosine"]) == ["epochs", "train.schedule"]


@pytest.mark.parametrize("part", ["epochs", "epochs=", "=5", "epochs 5"])
def test_a_part_without_name_or_values_is_told_with_an_example(part):
    with pytest.raises(ValueError, match=rf"`{part}` is no part of a grid: write NAME=VALUE,VALUE"):
        grid_params(["loss=mse", part])


def test_a_setting_given_twice_is_refused():
    with pytest.raises(ValueError, match="epochs is twice in the grid"):
        grid_params(["epochs=5", "loss=mse", "epochs=10"])


@pytest.mark.usefixtures("project")
def test_the_combinations_of_a_grid_are_those_that_dvc_would_queue_with_their_settings():
    before = Path("params.yaml").read_bytes()
    found = combined_params(["learning_rate=0.001,2e-4", "train.schedule=constant,cosine"])
    assert [(settings, params.learning_rate, params.train.schedule) for settings, params in found] == [
        (("learning_rate=0.001", "train.schedule=constant"), 0.001, "constant"),
        (("learning_rate=0.001", "train.schedule=cosine"), 0.001, "cosine"),
        (("learning_rate=0.0002", "train.schedule=constant"), 0.0002, "constant"),
        (("learning_rate=0.0002", "train.schedule=cosine"), 0.0002, "cosine"),
    ]
    assert Path("params.yaml").read_bytes() == before


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("epochs=5,0", r"^`epochs=0`: 'epochs' is 0: .* greater than or equal to 1"),
        ("epochs=2.5", r"^`epochs=2.5`: 'epochs' is 2.5: must be a whole number"),
        ("epoch=5", "^DVC refuses epoch=5: .*epoch"),
        ("+new=5", r"^`\+new=5`: unknown key 'new'"),
        ("epochs=glob(*)", "^DVC refuses the grid"),
        ("epochs=[1", "^DVC refuses the grid"),
    ],
)
def test_a_combination_that_breaks_a_rule_of_the_settings_is_told(part, message):
    with pytest.raises(ValueError, match=message):
        combined_params([part])


def test_a_stage_is_outdated_until_its_results_are_of_its_settings(project):
    Path("dvc.yaml").write_text("stages:\n  note:\n    cmd: none\n    params: [epochs]\n    outs: [note]\n")
    Path("note").touch()
    assert is_outdated("note")
    with Repo() as repo:
        repo.commit("note", force=True)
    assert not is_outdated("note")
    copy_params(project, epochs=77)
    assert is_outdated("note")


def test_only_the_experiments_of_a_sweep_are_of_it():
    assert is_of_sweep("sweep-1125-223105", "sweep-1125-223105")
    assert is_of_sweep("sweep-1125-223105-12", "sweep-1125-223105")
    assert not is_of_sweep("sweep-1125-223105-b", "sweep-1125-223105")
    assert not is_of_sweep("other-1", "sweep")


def test_a_new_name_is_one_that_git_takes_for_a_reference():
    assert subprocess.run(["git", "check-ref-format", f"refs/exps/{new_name()}"]).returncode == 0


@pytest.mark.usefixtures("project")
def test_photos_that_a_copy_of_the_project_would_lack_stop_the_sweep_before_it_queues():
    with pytest.raises(ValueError, match=r"run `dvc add data/faces` and `git add data/faces\.dvc` first"):
        queue_grid(["epochs=1,2"], "few", data_path=Path("data/faces"))
    with Repo() as repo:
        repo.add("data/faces")
    answer = CliRunner().invoke(app, ["sweep", "epochs=1,2"])
    assert answer.exit_code == 1
    assert "Git does not know data/faces.dvc" in answer.output + str(answer.exception)
    subprocess.run(["git", "add", "data/faces.dvc"], check=True)
    with pytest.raises(ValueError, match=r"DVC refuses the grid: .*epoch"):
        queue_grid(["epoch=1,2"], "few", data_path=Path("data/faces"))
    with Repo() as repo:
        assert repo.experiments.celery_queue.status() == []


def test_the_ranking_of_a_sweep_ends_with_how_to_see_why_one_failed(monkeypatch):
    experiments = [
        Experiment("few-2", "failed", {"epochs": 0}),
        Experiment("few-1", "success", {"epochs": 2}, 5.0, 6.0, 30.0),
        Experiment("other", "success", {"epochs": 3}, 4.0, 5.0, 30.0),
    ]
    monkeypatch.setattr("shopper_age.experiments.ranking.read_experiments", lambda: experiments)
    told = CliRunner().invoke(app, ["ranking", "few"]).output
    assert told.index("few-1") < told.index("few-2")
    assert "few-2 failed: `dvc queue logs few-2` shows why." in told
    assert "other" not in told
    assert "epochs" in told


def test_without_experiments_there_is_no_ranking(monkeypatch):
    monkeypatch.setattr("shopper_age.experiments.ranking.read_experiments", list)
    answer = CliRunner().invoke(app, ["ranking", "sweep-1"])
    assert answer.exit_code == 1
    assert "there is no experiment of sweep-1 on this commit" in answer.output + str(answer.exception)


@pytest.fixture
def queue(monkeypatch):
    """Lets DVC's queue be in one state after the other, with a worker at it or none."""
    monkeypatch.setattr(sweep, "POLL_SECONDS", 0)

    def pretend(polls, *, has_worker):
        remaining = iter(polls)
        fake = SimpleNamespace(
            start_workers=lambda _: None, states=lambda: next(remaining), has_worker=lambda: has_worker
        )
        monkeypatch.setattr(sweep, "open_queue", lambda: nullcontext(fake))

    return pretend


def test_the_sweep_waits_until_each_experiment_has_ended_and_tells_each_change_once(queue):
    waiting = {"few-1": "Queued", "few-2": "Queued", "other-1": "Running"}
    running = {"few-1": "Running", "few-2": "Queued"}
    over = {"few-1": "Success", "few-2": "Failed"}
    queue([waiting, running, {}, running, {"few-1": "Success", "few-2": "Running"}, over], has_worker=True)
    told = []
    assert run_queue("few", jobs=1, on_change=lambda *change: told.append(change)) == over
    assert told == [
        ("few-1", "Queued"),
        ("few-2", "Queued"),
        ("few-1", "Running"),
        ("few-1", "Success"),
        ("few-2", "Running"),
        ("few-2", "Failed"),
    ]


def test_a_queue_whose_worker_was_killed_is_not_waited_for_for_ever(queue):
    queue(repeat({"few-1": "Running"}), has_worker=False)
    with pytest.raises(RuntimeError, match=r"has no worker any more.*`dvc queue start` goes on"):
        run_queue("few", jobs=1, on_change=lambda *_: None)


def test_who_stops_waiting_is_told_how_to_see_and_to_end_what_goes_on(monkeypatch, tmp_path):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    copy_params(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sweep, "queue_grid", lambda *_, **__: None)
    monkeypatch.setattr(sweep, "run_queue", interrupt)
    answer = CliRunner().invoke(app, ["sweep", "epochs=1,2", "--name", "few"])
    told = answer.output + str(answer.exception)
    assert answer.exit_code == 130
    assert "`shopper-age ranking few` shows how far it is, `dvc queue stop --kill` ends it" in told


def test_outside_a_project_the_user_is_sent_to_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="go to the project's top folder"):
        queue_grid(["epochs=1,2"], "few", data_path=Path("data/faces"))
