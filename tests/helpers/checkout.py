"""Checkouts of the project as a user has them, fresh or after a run of the pipeline."""

import json
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Self

import pandas as pd
from project import ROOT, ProjectCopy
from python_start import small_network

from shopper_age.demo.faces import draw_faces
from shopper_age.runtime.files import write_csv

IDENTITY = {
    f"GIT_{who}_{what}": "tester@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
}
SMALL = (
    "image_size=32",
    "weights=random",
    "epochs=1",
    "batch_size=16",
    "evaluate.tta=1",
    "split.validation_share=0.2",
    "loss=label_distribution",
)


class Checkout(ProjectCopy):
    """A fresh clone of the project under Git and DVC."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.run("git", "init", "--quiet")
        self.commit("a fresh clone")

    @classmethod
    def at(cls, folder: Path) -> Self:
        """The checkout that lies in a folder already."""
        checkout = cls.__new__(cls)
        checkout._settle(folder)
        return checkout

    def _settle(self, folder: Path) -> None:
        super()._settle(folder)
        self.environment |= IDENTITY

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)

    def make(self, target: str, fails: bool = False) -> str:
        """Runs a target of the Makefile with the Python at hand instead of an environment of its own."""
        makefile = str(ROOT / "Makefile")
        return self.run("make", "--file", makefile, "--old-file", ".venv/.complete", target, fails=fails)

    def clone(self, folder: Path) -> "Checkout":
        """What a colleague gets from Git: no data, no results, an empty cache, the same surroundings."""
        self.run("git", "clone", "--quiet", str(self.folder), str(folder))
        clone = self.at(folder)
        python_path = self.environment["PYTHONPATH"].replace(str(self.folder), str(folder))
        clone.environment = {**self.environment, "PYTHONPATH": python_path}
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


class FinishedCheckout(Checkout):
    """A checkout in which the pipeline has run once, as the DVC experiment `first`.

    Its photos are 60 drawn faces and a broken one.

    Attributes:
        output: what DVC and the stages said.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        labels = draw_faces(self.faces, n=60, seed=1)
        (self.faces / "final_files" / "broken.jpg").write_bytes(b"no picture")
        broken = pd.DataFrame([{"file_name": "broken.jpg", "real_age": 30}])
        write_csv(self.faces / "labels.csv", pd.concat([labels, broken]), guarded=False)
        self.run("dvc", "add", "data/faces")
        self.run("git", "add", "data/faces.dvc")
        self.run("git", "commit", "--quiet", "--message", "photos")
        settings = [argument for setting in SMALL for argument in ("--set-param", setting)]
        output = self.run("dvc", "exp", "run", "--name", "first", *settings)
        self._output_file.write_text(output, encoding="utf-8")

    def is_finished(self) -> bool:
        return self._output_file.is_file()

    @property
    def output(self) -> str:
        return self._output_file.read_text(encoding="utf-8")

    @property
    def _output_file(self) -> Path:
        return self.folder.with_suffix(".txt")  # beside the checkout, where it is no file of it

    def duplicate(self, folder: Path) -> Self:
        """A copy with data, results, caches and runs, which a test may change; it trains a small network."""
        shutil.copytree(self.folder, folder, symlinks=True)
        copy = self.at(folder)
        copy.environment = small_network(copy.environment)
        copy._output_file.write_text(self.output, encoding="utf-8")
        return copy


def stages_run(told: str) -> set[str]:
    """The stages that DVC says it ran."""
    return {line.split("'")[1] for line in told.splitlines() if line.startswith("Running stage")}
