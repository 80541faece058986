"""A copy of the project in a folder of its own, where commands run without touching anyone's results."""

import os
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[1]
_COPIED = (".dvc", "data", "models", "stages", "src", ".dvcignore", ".gitignore", "dvc.yaml")
# What work in the project, `make demo` for one, leaves among them, which a fresh clone does not have.
_LEFT_OUT = (
    *(".dvc/cache", ".dvc/config.local", ".dvc/tmp", "models/*.keras", "models/folds"),
    *("data/.demo-*", "data/demo", "data/dvc.lock", "data/faces", "data/faces.dvc", "data/splits/splits.csv"),
    *("*/__pycache__", "*.egg-info"),
)
_FOREIGN = ("AWS_", "DVC_", "GIT_", "MLFLOW_")


class ProjectCopy:
    """What a fresh clone holds of the pipeline, without data, and the environment to run commands in it.

    Attributes:
        folder: where it lies.
        faces: its folder of photos, not made yet.
        environment: that of this process, without settings of its own for DVC, Git, MLflow and S3.
    """

    def __init__(self, folder: Path, **params: object) -> None:
        """`params` are changes of params.yaml, as `copy_params` takes them."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in _COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=_left_out)
            else:
                shutil.copyfile(ROOT / name, folder / name)
        copy_params(folder, **params)
        self._settle(folder)

    def _settle(self, folder: Path) -> None:
        self.folder = folder
        self.faces = folder / "data" / "faces"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(folder / "src"),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }

    def run(self, *command: str, fails: bool = False) -> str:
        """What a command says when it is run in the folder.

        Raises:
            RuntimeError: it failed, or with `fails` it did not; the message is what it said.
        """
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if (done.returncode != 0) != fails:
            raise RuntimeError(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stdout}")
        return done.stdout

    def commit_without_results(self) -> None:
        """Makes DVC believe that every stage has run: an empty file stands in for each result."""
        from dvc.repo import Repo

        with Repo(str(self.folder)) as repo:
            results = [Path(out.fs_path) for out in repo.index.outs]
        for path in results:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        self.run("dvc", "commit", "--force", "--quiet")


def _left_out(folder: str, names: list[str]) -> set[str]:
    place = Path(folder).relative_to(ROOT)
    return {name for name in names if any(fnmatch(str(place / name), pattern) for pattern in _LEFT_OUT)}


def copy_params(folder: Path, **changes: object) -> None:
    """Copies params.yaml with some values changed; `data_path`, which the demo changes, is data/faces.

    Args:
        changes: by the name of a setting, on top or in a section, that stands in the file only once.
    """
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    for name, value in {"data_path": "data/faces", **changes}.items():
        text, n = re.subn(rf"(?m)^( *{name}): .*", rf"\1: {value}", text)
        if n != 1:
            raise ValueError(f"params.yaml has {n} settings named {name}; name one that is there once.")
    (folder / "params.yaml").write_text(text, encoding="utf-8")
