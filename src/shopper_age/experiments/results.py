"""Results of an evaluation, read from the workspace, a Git revision or a DVC experiment."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from shopper_age import paths
from shopper_age.data.tables import estimates_of
from shopper_age.experiments.dvc import WORKSPACE, open_revision
from shopper_age.runtime.checkout import read_dvc_lock
from shopper_age.runtime.csv_tables import ENCODING
from shopper_age.runtime.hashing import file_md5


@dataclass(frozen=True)
class Result:
    """One evaluation: every test photo's estimate, the content of metrics.json, all settings of then.

    The settings are as they stand in params.yaml, unchecked: those of an earlier commit may have others.
    """

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
    read = _read_workspace if name == WORKSPACE else open_revision(name)
    return Result(
        name=name,
        predictions=estimates_of(read(paths.PREDICTIONS)),
        metrics=json.loads(read(paths.METRICS)),
        params=yaml.safe_load(read(paths.PARAMS)),
    )


def check_evaluated(model_path: Path) -> None:
    """Makes sure, by dvc.lock, that the workspace's metrics, estimates and decision are of this very model.

    Raises:
        FileNotFoundError: there is no such model, or nothing was evaluated.
        ValueError: model, metrics or decision were changed since the last evaluation.
    """
    known = read_dvc_lock("evaluate")
    for path in (model_path, paths.METRICS, paths.PREDICTIONS, paths.DECISION):
        if not path.is_file():
            raise FileNotFoundError(f"{path} not found: run `dvc repro`, or `dvc checkout`")
        if file_md5(path) != known.get(path.as_posix()):
            raise ValueError(f"{path} is not what the last evaluation left or looked at: run `dvc repro`")


def _read_workspace(path: Path) -> str:
    if not path.is_file():
        raise FileNotFoundError(f"the workspace has no {path}: run `dvc repro` there, or `dvc checkout`")
    return path.read_bytes().decode(**ENCODING)  # with the line breaks that it has
