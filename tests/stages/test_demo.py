"""`make demo`: a project of its own in demo/, which changes no file that people commit."""

import os
import subprocess
from pathlib import Path

import pytest
from checkout import Checkout
from project import ROOT

from shopper_age.params import dotted, load_params

RECORDER = '#!/bin/sh\necho "$(basename "$PWD"): $(basename "$0") $*" >> "$RECORD"\n'


def _make_demo(folder: Path, record: Path) -> str:
    """Runs the target with commands that only write down where they are called and how."""
    commands = folder / ".venv" / "bin"
    commands.mkdir(parents=True, exist_ok=True)
    for name in ("dvc", "shopper-age"):
        (commands / name).write_text(RECORDER)
        (commands / name).chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "MAKE"))}
    made = subprocess.run(
        ["make", "--file", ROOT / "Makefile", "--old-file", ".venv/.complete", "demo"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env={**environment, "RECORD": str(record)},
    )
    return made.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Checkout(tmp_path / "project").folder


def _status(folder: Path) -> str:
    command = ["git", "status", "--porcelain", "--untracked-files=all"]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def test_the_demo_changes_no_file_that_people_commit_and_says_how_to_go_on(project, tmp_path):
    before = _status(project)
    told = _make_demo(project, tmp_path / "record")
    assert _status(project) == before
    assert "demo/reports/evaluate/report.md" in told
    assert "data/faces/labels.csv" in told
    calls = (tmp_path / "record").read_text().splitlines()
    assert calls[-2:] == ["demo: dvc repro", "demo: shopper-age result"]
    assert all(call.startswith("demo: ") for call in calls)
    assert "demo: dvc config plots.html_template plots/page.html" in calls
    assert (project / "demo" / ".dvc" / "plots" / "page.html").is_file()


def test_the_demo_differs_from_the_projects_settings_where_it_must_be_quick(project, tmp_path):
    _make_demo(project, tmp_path / "record")
    demo, own = (
        dotted(load_params(folder / "params.yaml").model_dump()) for folder in (project / "demo", project)
    )
    assert {name: str(value) for name, value in demo.items() if value != own[name]} == {
        "data_path": "data/demo",
        "image_size": "64",
        "batch_size": "16",
        "epochs": "14",
        "learning_rate": "0.001",
        "weights": "random",
    }
