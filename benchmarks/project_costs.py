"""Costs of the stages and of `dvc repro` in a copy of the project."""

import sys
from pathlib import Path

from process_cost import Cost, measure, median_cost
from project import ProjectCopy

_SMALL = {"image_size": 32, "epochs": 1, "weights": "random", "max_bad_share": 1.0}


class MeasuredProject(ProjectCopy):
    """A copy of the project with small settings, in which stages are measured."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, **_SMALL)
        self.environment["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder / 'mlflow.db'}"

    def cost(self, *command: str | Path) -> Cost:
        return measure(command, folder=self.folder, environment=self.environment)

    def stage_cost(self, stage: str, repeats: int = 1) -> Cost:
        """The median cost of a stage."""
        return median_cost([self.cost(sys.executable, f"stages/{stage}.py") for _ in range(repeats)])

    def start_cost(self, stage: str, repeats: int) -> Cost:
        """The median start-up: the stage's imports without its work."""
        code = f"import runpy; runpy.run_path('stages/{stage}.py')"
        return median_cost([self.cost(sys.executable, "-c", code) for _ in range(repeats)])

    def noop_cost(self, repeats: int) -> Cost:
        """The median cost of `dvc repro` when all is done.

        Raises:
            RuntimeError: it found something to do.
        """
        self.run("dvc", "config", "--local", "core.no_scm", "true")
        self.run("dvc", "config", "--local", "core.site_cache_dir", str(self.folder / ".dvc" / "site"))
        self.commit_without_results()
        if "up to date" not in (told := self.run("dvc", "repro")):
            raise RuntimeError(f"`dvc repro` found something to do:\n{told}")
        return median_cost([self.cost("dvc", "repro") for _ in range(repeats)])
