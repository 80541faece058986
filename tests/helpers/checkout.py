"""A checkout of the project as a user has it, in which tests run commands."""

import copy
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pandas as pd
from params_file import copy_params
from project import ROOT

CHECKED_OUT = (
    ".dvc",
    "data",
    "models",
    "stages",
    "src",
    ".dvcignore",
    ".gitignore",
    "dvc.yaml",
)
# What work in the project, `make demo` for one, leaves among them, which a fresh clone does not have.
LEFT_OUT = shutil.ignore_patterns(
    *("faces", "demo", "splits.csv", "*.keras", "dvc.lock"),
    *("tmp", "cache", "config.local", "__pycache__", "*.egg-info"),
)
SMALL = (
    "image_size=32",
    "weights=random",
    "epochs=1",
    "batch_size=16",
    "evaluate.tta=1",
    "split.validation_share=0.2",
    "loss=label_distribution",
)


class Checkout:
    """A fresh copy of the project under Git and DVC."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in CHECKED_OUT:
            copy_ = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
            copy_(ROOT / name, folder / name, **({"ignore": LEFT_OUT} if copy_ is shutil.copytree else {}))
        copy_params(folder)
        self.environment = {
            **{
                key: value
                for key, value in os.environ.items()
                if not key.startswith(("DVC_", "MLFLOW_", "GIT_", "AWS_"))
            },
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(folder / "src"),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            **{
                f"GIT_{who}_{what}": "tester@localhost"
                for who in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            },
        }
        self.run("git", "init", "--quiet")
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", "a fresh clone")

    def run(self, *command: str, fails: bool = False) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert (done.returncode != 0) == fails, done.stdout
        return done.stdout

    def make(self, target: str, fails: bool = False) -> str:
        """Runs a target of the Makefile with the Python at hand instead of an environment of its own."""
        makefile = str(ROOT / "Makefile")
        return self.run("make", "--file", makefile, "--old-file", ".venv/.complete", target, fails=fails)

    def clone(self, folder: Path) -> "Checkout":
        """What a colleague gets from Git: no data, no results, an empty cache, the same surroundings."""
        self.run("git", "clone", "--quiet", str(self.folder), str(folder))
        clone = copy.copy(self)
        clone.folder = folder
        clone.environment = {**self.environment, "PYTHONPATH": str(folder / "src")}
        return clone

    def json(self, path: str) -> dict:
        return json.loads((self.folder / path).read_text(encoding="utf-8"))

    def runs(self) -> pd.DataFrame:
        """The MLflow runs of the checkout, the oldest first."""
        code = (
            "import mlflow; mlflow.set_tracking_uri('sqlite:///mlflow.db'); "
            "runs = mlflow.search_runs(experiment_names=['age-resnet50'], order_by=['start_time ASC']); "
            "print(runs.to_json(orient='records'))"
        )
        answer = self.run(sys.executable, "-W", "ignore", "-c", code)
        return pd.DataFrame(json.loads(answer.strip().splitlines()[-1]))

    def steps(self, run_id: str, metric: str) -> list[int]:
        """The steps for which MLflow holds a value of the metric, in the order in which they were logged."""
        query = "SELECT step FROM metrics WHERE run_uuid = ? AND key = ? ORDER BY timestamp, step"
        with closing(sqlite3.connect(self.folder / "mlflow.db")) as database:
            return [step for (step,) in database.execute(query, [run_id, metric])]
