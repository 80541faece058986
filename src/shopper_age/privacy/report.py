"""Report of `shopper-age forget`: what knew the photos, and what to do next."""

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from shopper_age import paths
from shopper_age.experiments.dvc import cache_folder, has_remote
from shopper_age.markdown import render
from shopper_age.privacy.photos import KnownPhoto
from shopper_age.privacy.traces import Traces, find_traces
from shopper_age.runtime.checkout import git
from shopper_age.runtime.messages import shorten, shorten_list
from shopper_age.tracking.search import KnownRun, find_runs
from shopper_age.tracking.store import is_server, store_uri

_PACKAGE = "shopper_age.privacy"


@dataclass(frozen=True)
class Knowledge:
    """Who knew some photos: traces, MLflow's runs or why it could not be asked, and where DVC keeps files."""

    photos: Sequence[KnownPhoto]
    data_path: Path
    traces: Traces
    runs: Sequence[KnownRun]
    mlflow_error: str
    cache_folder: Path | None


def find_knowledge(photos: Sequence[KnownPhoto], data_path: Path) -> Knowledge:
    """Who knew the photos, which must still be there."""
    folder = cache_folder()
    traces = find_traces(photos, data_path, folder)
    runs: Sequence[KnownRun] = ()
    problem = ""
    if traces.models or traces.data_md5s:
        try:
            runs = find_runs(traces.models.keys(), traces.data_md5s)
        except ConnectionError as error:
            problem = str(error)
    return Knowledge(photos, data_path, traces, runs, problem, folder)


def render_traces(knowledge: Knowledge) -> str:
    """What will be removed, and what knew it, for a terminal."""
    return render(_PACKAGE, "traces.md.j2", **_values(knowledge)).strip()


def render_next_steps(knowledge: Knowledge) -> str:
    """The commands that delete what is left, for a terminal."""
    return render(
        _PACKAGE,
        "next_steps.md.j2",
        **_values(knowledge),
        is_tracked=Path(f"{knowledge.data_path}.dvc").is_file(),
        has_export=any(paths.MODEL.parent.rglob("*.onnx")),
        is_under_git=git("rev-parse", "HEAD") is not None,
        has_remote=has_remote(),
        store=None if os.environ.get("MLFLOW_TRACKING_URI") else shlex.quote(store_uri()),
        folder=shlex.quote(str(knowledge.data_path)),
        leftovers=[shlex.quote(str(place)) for place in knowledge.traces.folders],
        is_server=is_server(),
    ).strip()


def _values(knowledge: Knowledge) -> dict[str, Any]:
    traces = knowledge.traces
    return {
        "photos": [replace(photo, file_name=shorten(photo.file_name, 200)) for photo in knowledge.photos],
        "data_path": knowledge.data_path,
        "traces": traces,
        "runs": knowledge.runs,
        "mlflow_error": knowledge.mlflow_error,
        "cache_folder": knowledge.cache_folder,
        "models": {md5: shorten_list(revisions) for md5, revisions in traces.models.items()},
        "copies": shorten_list(traces.copies),
        "not_at_hand": shorten_list(traces.not_at_hand),
    }
