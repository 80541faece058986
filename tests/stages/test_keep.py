"""`make keep-commit` and `make keep-experiment`: a result of the machine with the GPU reaches the others."""

import os
import subprocess
from pathlib import Path

import pytest
from project import ROOT

from shopper_age.runtime.files import write_text

IDENTITY = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", *IDENTITY, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def _make(folder: Path, target: str, **environment: str) -> None:
    command = ["make", "--file", ROOT / "Makefile", "--old-file", ".venv/.complete", target]
    subprocess.run(
        command, cwd=folder, check=True, capture_output=True, env={**_environment(), **environment}
    )


def _environment() -> dict[str, str]:
    return {
        key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "GITHUB_", "MAKE"))
    }


@pytest.fixture
def checkout(git_checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of the branch train/larger with results, and its bare origin."""
    origin = tmp_path_factory.mktemp("origin")
    _git(origin, "init", "--bare", "--quiet")
    _git(git_checkout, "remote", "add", "origin", str(origin))
    _git(git_checkout, "checkout", "--quiet", "-b", "train/larger")
    for name in ("dvc.lock", "params.yaml", "reports/evaluate/metrics.json", "notes of mine.txt"):
        write_text(git_checkout / name, "new")
    return git_checkout


@pytest.mark.parametrize("is_detached", [False, True])
def test_a_commit_holds_results_and_settings_alone_and_lands_on_the_branch(checkout, is_detached):
    environment = {}
    if is_detached:
        _git(checkout, "checkout", "--quiet", "--detach")
        environment["GITHUB_REF"] = "refs/heads/train/larger"
    _make(checkout, "keep-commit", NAME="train-7-1", **environment)
    pushed = _git(checkout, "ls-remote", "origin", "refs/heads/train/larger").split()[0]
    assert pushed == _git(checkout, "rev-parse", "HEAD")
    assert _git(checkout, "show", "--no-patch", "--format=%s") == "Train train-7-1"
    assert _git(checkout, "show", "--name-only", "--format=").splitlines() == [
        "dvc.lock",
        "params.yaml",
        "reports/evaluate/metrics.json",
    ]


def test_an_experiment_is_sent_under_its_name(checkout):
    command = checkout / ".venv" / "bin" / "dvc"
    write_text(command, '#!/usr/bin/env bash\nprintf "%s\\n" "$@" > arguments\n')
    command.chmod(0o755)
    _make(checkout, "keep-experiment", NAME="train-7-1; touch x")
    assert (checkout / "arguments").read_text().splitlines() == [
        "exp",
        "push",
        "origin",
        "train-7-1; touch x",
    ]
    _make(checkout, "experiment", NAME="train-7-1", SETTINGS="epochs=2")
    arguments = (checkout / "arguments").read_text().splitlines()
    assert arguments == ["exp", "run", "--name", "train-7-1", "--set-param", "epochs=2"]
    _make(checkout, "experiment", SETTINGS="", NAME="")
    assert (checkout / "arguments").read_text().splitlines() == ["exp", "run"]
