"""Ranking of the DVC experiments of a checkout."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shopper_age import paths
from shopper_age.experiments.dvc import show_experiments
from shopper_age.params import dotted

DONE, FAILED, QUEUED = "success", "failed", "queued"


@dataclass(frozen=True)
class Experiment:
    """One experiment: its settings by dotted name, and its metrics, NaN where it has none (yet).

    state: `success`, `failed`, `running` or `queued`, as DVC calls them.
    val_mae: the best validation MAE, years.
    mae: the MAE on the test part, years.
    images_per_second: training photos per second, in the middle one of the epochs after the first.
    split: hash of splits.csv, which says what photos it learnt from and was measured on; None if not known.
    """

    name: str
    state: str
    params: Mapping[str, Any]
    val_mae: float = math.nan
    mae: float = math.nan
    images_per_second: float = math.nan
    split: str | None = None


def read_experiments() -> list[Experiment]:
    """The experiments of the present commit, those in the queue and the failed ones included.

    The results of the workspace and of the commit itself stand among them, where they have any.

    Raises:
        ValueError: DVC cannot list them, for instance because this folder is no project under Git.
    """
    entries = show_experiments()
    found = [(_experiment(entry), bool(entry.get("is_baseline"))) for entry in entries]
    return [one for one, is_baseline in found if not is_baseline or not math.isnan(one.val_mae)]


def on_other_photos(experiments: Sequence[Experiment]) -> set[str]:
    """Names of those that learnt from or were measured on other photos than most: errors do not compare."""
    splits = Counter(experiment.split for experiment in experiments if experiment.split)
    if not splits:
        return set()
    (usual, _), *_ = splits.most_common(1)
    return {experiment.name for experiment in experiments if experiment.split not in (usual, None)}


def ranked(experiments: Iterable[Experiment]) -> list[Experiment]:
    """By validation MAE, the best first; then what has none yet; then what failed."""

    def place(experiment: Experiment) -> tuple[bool, bool, float, str]:
        val_mae = experiment.val_mae
        return experiment.state == FAILED, math.isnan(val_mae), val_mae, experiment.name

    return sorted(experiments, key=place)


def varied_params(experiments: Sequence[Experiment]) -> list[str]:
    """The settings in which the experiments differ."""
    names = dict.fromkeys(name for experiment in experiments for name in experiment.params)
    return [name for name in names if len({str(e.params.get(name)) for e in experiments}) > 1]


def _experiment(entry: Mapping[str, Any]) -> Experiment:
    """From an entry under `experiments` in what `dvc exp show --json` prints."""
    revision = entry["revs"][0]
    state = (entry.get("executor") or {}).get("state", DONE)
    data = revision["data"] or {}
    # A queued or failed experiment shows the metrics that lay in the workspace when it was queued.
    metrics = (data.get("metrics") or {}) if state not in (FAILED, QUEUED) else {}
    settings = ((data.get("params") or {}).get(str(paths.PARAMS)) or {}).get("data") or {}
    return Experiment(
        name=entry.get("name") or revision["rev"][:7],
        state=state,
        params=dotted(settings),
        val_mae=_metric(metrics, paths.TRAINING_METRICS, "val_mae"),
        mae=_metric(metrics, paths.METRICS, "mae"),
        images_per_second=_metric(metrics, paths.TRAINING_RECORD, "images_per_second"),
        split=((data.get("outs") or {}).get(paths.SPLITS.as_posix()) or {}).get("hash"),
    )


def _metric(metrics: Mapping[str, Any], path: Path, name: str) -> float:
    """The number of that name in a file of metrics, NaN where it has none."""
    return float(((metrics.get(path.as_posix()) or {}).get("data") or {}).get(name, math.nan))
