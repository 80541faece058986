import json
import subprocess
from pathlib import Path

import pytest
from dvc.repo import Repo

from shopper_age.experiments.dvc import (
    ExperimentQueue,
    check_tracked,
    metrics_diff,
    open_queue,
    open_revision,
    queue_experiments,
    show_experiments,
)

METRICS = Path("reports/metrics.json")

PIPELINE = """
stages:
  train:
    cmd: python train.py
    params: [epochs]
"""


def git(*command: str) -> None:
    subprocess.run(["git", *command], check=True, capture_output=True)


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A project of one stage under Git and DVC, with one commit."""
    monkeypatch.chdir(tmp_path)
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "tester@localhost")
    git("init", "-q", "--initial-branch", "main")
    Repo.init().close()
    Path("dvc.yaml").write_text(PIPELINE, encoding="utf-8")
    Path("params.yaml").write_text("epochs: 5\n", encoding="utf-8")
    METRICS.parent.mkdir()
    METRICS.write_text(json.dumps({"mae": 6.0, "cs5": 0.5}), encoding="utf-8")
    git("add", ".")
    git("commit", "-qm", "start")
    return tmp_path


@pytest.mark.usefixtures("project")
def test_each_combination_waits_in_the_queue_and_is_among_the_experiments():
    queue_experiments("few", ["epochs=7,9"])
    with open_queue() as queue:
        assert queue.states() == {"few-1": "Queued", "few-2": "Queued"}
        assert not queue.has_worker()
    shown = {entry["name"]: entry for entry in show_experiments()}
    of_queue = [entry for entry in shown.values() if not entry.get("is_baseline")]
    assert {entry["executor"]["state"] for entry in of_queue} == {"queued"}
    assert "workspace" in shown
    epochs = [shown[name]["revs"][0]["data"]["params"]["params.yaml"]["data"] for name in ("few-1", "few-2")]
    assert epochs == [{"epochs": 7}, {"epochs": 9}]


@pytest.mark.usefixtures("project")
def test_settings_that_dvc_does_not_know_are_refused_in_its_words():
    with pytest.raises(ValueError, match=r"DVC refuses the grid: .*epoch"):
        queue_experiments("few", ["epoch=7,9"])


def test_a_queue_that_is_being_written_tells_nothing():
    class Busy:
        def status(self):
            raise json.JSONDecodeError("Expecting value", "", 0)

    assert ExperimentQueue(Busy()).states() == {}


def test_experiments_without_a_name_are_nobodys():
    class Queue:
        def status(self):
            return [{"name": None, "status": "Running"}, {"name": "few-1", "status": "Success"}]

    assert ExperimentQueue(Queue()).states() == {"few-1": "Success"}


@pytest.mark.usefixtures("project")
def test_the_metrics_that_differ_from_a_revision_are_a_table():
    METRICS.write_text(json.dumps({"mae": 5.5, "cs5": 0.5}), encoding="utf-8")
    rows = [row.split() for row in metrics_diff("HEAD", METRICS).splitlines() if row.startswith("| mae")]
    assert rows == [["|", "mae", "|", "6.0", "|", "5.5", "|", "-0.5", "|"]]
    assert "cs5" not in metrics_diff("HEAD", METRICS)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("revision", ["no-such", "--help", "x; touch evil", "$(touch evil)"])
def test_a_revision_is_a_name_and_never_an_option_or_a_command(revision):
    with pytest.raises(ValueError, match="DVC cannot compare the metrics with"):
        metrics_diff(revision, METRICS)
    assert not Path("evil").exists()


@pytest.mark.usefixtures("project")
def test_a_file_is_read_as_it_was_in_a_revision():
    METRICS.write_text("{}", encoding="utf-8")
    read = open_revision("main")
    assert json.loads(read(METRICS)) == {"mae": 6.0, "cs5": 0.5}
    with pytest.raises(FileNotFoundError, match=r"`main` has no reports/none\.json at hand"):
        read(Path("reports/none.json"))


@pytest.mark.usefixtures("project")
def test_an_unknown_revision_is_answered_with_those_there_are_a_few_at_a_time():
    for number in range(40):
        git("tag", f"v{number:02d}")
    with pytest.raises(
        ValueError, match=r"there is no `none` here; .*branches main; tags v00, .*v29 and 10 more"
    ):
        open_revision("none")


@pytest.mark.usefixtures("project")
def test_a_folder_is_tracked_when_dvc_has_it_and_git_its_file():
    Path("faces").mkdir()
    Path("faces", "a.jpg").touch()
    with pytest.raises(ValueError, match=r"run `dvc add faces` and `git add faces\.dvc` first"):
        check_tracked(Path("faces"))
    with Repo() as repo:
        repo.add("faces")
    with pytest.raises(ValueError, match=r"Git does not know faces\.dvc"):
        check_tracked(Path("faces"))
    git("add", "faces.dvc")
    check_tracked(Path("faces"))
    check_tracked("s3://bucket/faces")


def test_without_a_commit_there_is_nothing_to_look_up(tmp_path, monkeypatch):
    from dvc.repo import Repo

    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "--quiet"], check=True)
    with Repo.init():
        pass
    with pytest.raises(ValueError, match="no commit yet"):
        open_revision("main")
