"""The project in a temporary folder, where its stages can run without touching anyone's results."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from child_cost import Cost, measure, median_cost

ROOT = Path(__file__).parents[1]
_COPIED = ("stages", "src", ".dvcignore", "dvc.yaml")
_SMALL = {"data_path": "data/faces", "image_size": 32, "epochs": 1, "weights": "random"}


class ProjectCopy:
    """A copy of the project in a folder of its own, with small settings and without data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faces = folder / "data" / "faces"
        for name in _COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            copy(ROOT / name, folder / name)
        params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")) | _SMALL
        params["validate_data"]["max_bad_share"] = 1.0
        (folder / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
        foreign = ("DVC_", "MLFLOW_", "GIT_", "SHOPPER_AGE_")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(foreign)},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(folder / "src"),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }

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
        """The median cost of `dvc repro` when all is done; empty files stand in for results not made yet."""
        from dvc.repo import Repo

        self._dvc("init", "--no-scm", "--quiet")
        self._dvc("config", "core.analytics", "false")
        self._dvc("config", "core.site_cache_dir", str(self.folder / ".dvc" / "site"))
        with Repo(str(self.folder)) as repo:
            results = [Path(out.fs_path) for out in repo.index.outs]
        for path in results:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        self._dvc("commit", "--force", "--quiet")
        if "up to date" not in (told := self._dvc("repro")):
            raise RuntimeError(f"`dvc repro` found something to do:\n{told}")
        return median_cost([self.cost("dvc", "repro") for _ in range(repeats)])

    def _dvc(self, *arguments: str) -> str:
        command = ["dvc", *arguments]
        options = {"cwd": self.folder, "env": self.environment, "text": True, "check": True}
        return str(subprocess.run(command, stdout=subprocess.PIPE, **options).stdout)
