"""A project with results to compare."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml
from estimates_table import table

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
    metrics = {
        **{"mae": ERROR[name], "meets_requirement": ERROR[name] < 6},
        **{"n_test": TRUE.size, "baseline_mae": 17.5, "bias": 0.0, "cs5": float(ERROR[name] <= 5)},
    }
    (report / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    settings = {"epochs": epochs, "evaluate": {"age_groups": [0, 18, 40], "legal_age": 18}}
    (folder / "params.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")


@pytest.fixture(scope="session")
def evaluated_project(tmp_path_factory) -> Path:
    """A project with two evaluated commits, v1 and v2, the experiment brave-one and a changed workspace."""
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
