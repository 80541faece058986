"""Results of an evaluation, read from the workspace, a Git revision or a DVC experiment."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from shopper_age.data.tables import FILE_NAME
from shopper_age.runtime.hashing import file_md5

WORKSPACE = "workspace"

PREDICTIONS = Path("reports/evaluate/predictions.csv")

METRICS = Path("reports/evaluate/metrics.json")

PARAMS = Path("params.yaml")

LOCK = Path("dvc.lock")

# Names that the error about an unknown one shows.
_MAX_NAMES = 30


@dataclass(frozen=True)
class Result:
    """One evaluation: every test photo's estimate, the figures of metrics.json, all settings of then."""

    name: str
    predictions: pd.DataFrame
    metrics: dict[str, Any]
    params: dict[str, Any]


def read_result(name: str) -> Result:
    """The result in the project's top folder that a name stands for.

    Args:
        name: `workspace` for the files as they lie there, a DVC experiment, or anything Git calls a revision.

    Raises:
        ValueError: there is no such name (the message lists those there are), or the folder is no DVC
            project under Git and the name not `workspace`.
        FileNotFoundError: nothing was evaluated there, or DVC's cache does not hold the estimates.
    """
    read = _read_workspace if name == WORKSPACE else _reader(name)
    return Result(
        name=name,
        predictions=pd.read_csv(StringIO(read(PREDICTIONS)), dtype={FILE_NAME: str}),
        metrics=json.loads(read(METRICS)),
        params=yaml.safe_load(read(PARAMS)),
    )


def check_evaluated(model_path: Path) -> None:
    """Makes sure that the workspace's figures and estimates are those of this very model, by dvc.lock.

    Raises:
        FileNotFoundError: there is no such model, or nothing was evaluated.
        ValueError: model or figures were changed since the last evaluation.
    """
    stages = yaml.safe_load(_read_workspace(LOCK)).get("stages", {})
    evaluation = stages.get("evaluate", {})
    entries = (*evaluation.get("deps", []), *evaluation.get("outs", []))
    known = {entry["path"]: entry.get("md5") for entry in entries}
    for path in (model_path, METRICS, PREDICTIONS):
        if not path.is_file():
            raise FileNotFoundError(f"{path} not found: run `dvc repro`, or `dvc checkout`")
        if file_md5(path) != known.get(path.as_posix()):
            raise ValueError(f"{path} is not what the last evaluation left or looked at: run `dvc repro`")


def _read_workspace(path: Path) -> str:
    if not path.is_file():
        raise FileNotFoundError(f"the workspace has no {path}: run `dvc repro` there, or `dvc checkout`")
    return path.read_text(encoding="utf-8")


def _reader(name: str) -> Callable[[Path], str]:
    """A function that reads a file of the revision, from Git or from DVC's cache or remote."""
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException, NotDvcRepoError
    from dvc.repo import Repo
    from dvc.scm import NoSCMError, RevError, SCMError, resolve_rev

    try:
        with Repo() as repo:
            files = DVCFileSystem(rev=resolve_rev(repo.scm, name))
    except RevError:
        raise ValueError(f"there is no `{name}` here; {_nameable()}") from None
    except (NotDvcRepoError, NoSCMError):
        raise ValueError(
            f"`{name}` cannot be looked up: this folder is no DVC project under Git; only `workspace` can be"
        ) from None

    def read(path: Path) -> str:
        try:
            return files.read_text(str(path), encoding="utf-8")
        except (OSError, DvcException, SCMError) as error:
            raise FileNotFoundError(
                f"`{name}` has no {path} at hand ({error}). If it was evaluated elsewhere, try "
                "`dvc fetch --all-commits` or `dvc exp pull`; else run the pipeline there"
            ) from error

    return read


def _nameable() -> str:
    """What could have been meant: experiments, branches and tags."""
    from dvc.repo import Repo

    with Repo() as repo:
        experiments = [name for found in repo.experiments.ls(all_commits=True).values() for name, _ in found]
        branches, tags = repo.scm.list_branches(), repo.scm.list_tags()
    kinds = {"experiments": experiments, "branches": branches, "tags": tags}
    known = "; ".join(f"{kind} {_listed(names)}" for kind, names in kinds.items() if names)
    return f"name `{WORKSPACE}`, a commit, or one of these: {known}"


def _listed(names: list[str]) -> str:
    shown = ", ".join(sorted(names)[:_MAX_NAMES])
    return f"{shown} and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else shown
