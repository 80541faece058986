import subprocess
from pathlib import Path

import pytest
from dvc.repo import Repo
from settings import copy_params
from typer.testing import CliRunner

from shopper_age.cli import app
from shopper_age.sweep import belongs, grid_params, new_name, queue_grid


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


def test_only_the_experiments_of_a_sweep_belong_to_it():
    assert belongs("sweep-1125-223105", "sweep-1125-223105")
    assert belongs("sweep-1125-223105-12", "sweep-1125-223105")
    assert not belongs("sweep-1125-223105-b", "sweep-1125-223105")
    assert not belongs("other-1", "sweep")
    assert not belongs(None, "sweep")


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


def test_without_experiments_there_is_no_ranking(monkeypatch):
    monkeypatch.setattr("shopper_age.ranking.read_experiments", list)
    answer = CliRunner().invoke(app, ["ranking", "sweep-1"])
    assert answer.exit_code == 1
    assert "there is no experiment of sweep-1 on this commit" in answer.output + str(answer.exception)
