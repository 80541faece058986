"""MLflow's private side: its tables and the tags of its pages, which it neither documents nor promises.

All here was made for the version MADE_FOR and looked at there. Where another version differs, the user is
warned and the work goes on; tests/tracking/test_mlflow_internals.py fails and names what changed.
"""

import json
import logging
import sqlite3
import time
from contextlib import closing
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from shopper_age.tracking.metric_names import mlflow_name
from shopper_age.tracking.timeouts import error_text

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor


MADE_FOR = "3.17.2"

# Every column in which MLflow notes the absolute place of files.
PLACES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)

VIEW = "Models by validation MAE"

# An address with viewStateShareKey=models opens the view (`make ui`).
VIEW_TAG = "mlflow.sharedViewState.models"

# In an address, what opens the pages for trained models in a browser that has never been there.
WORKFLOW = "workflowType=machine_learning"

# MLflow's tag for the text on top of a page.
NOTE = "mlflow.note.content"

KIND_TAG = "mlflow.experimentKind"

# MLflow's pages hide the tags that begin with "mlflow.": these are for the project to find its runs by.
_HIDDEN = "mlflow.shopper_age."

RUN_KEY, PARENT_KEY, EVALUATION_KEY, PROCESS = (
    f"{_HIDDEN}{name}" for name in ("run_key", "parent_run_key", "evaluation_key", "process")
)

CHAMPION_TAG = "champion"

_BEST_FIRST = f"metrics.`{mlflow_name('best_val_mae')}`"

# MLflow shows metrics, then settings, then tags: with more of them the mark of the champion is out of sight.
_COLUMNS = (
    f"tags.`{CHAMPION_TAG}`",
    _BEST_FIRST,
    *(f"metrics.`{mlflow_name(name)}`" for name in ("mae", "cs5")),
    *("params.`epochs`", "params.`learning_rate`", "params.`loss`"),
    *("attributes.`Created`", "attributes.`Duration`"),
)

logger = logging.getLogger(__name__)


def relocate_artifacts(database: Path, experiment: str, files: str) -> None:
    """Makes the runs of a checkout that was moved or copied point to the files beside them.

    MLflow writes absolute places into its tables and has no call to change them: left alone, a copied
    checkout would log into the folder of the original.

    Args:
        database: the SQLite file of the store, made if there is none.
        experiment: the experiment whose place tells where the files were before.
        files: the address of the folder of the files now.

    Raises:
        sqlite3.Error: the file is no database or cannot be opened. MLflow would retry for minutes.
    """
    with closing(sqlite3.connect(database)) as connection, connection:
        columns = {table: _columns(connection, table) for table, _ in PLACES}
        if not columns["experiments"]:  # a new store
            return
        lacking = [f"{table}.{column}" for table, column in PLACES if column not in columns[table]]
        if lacking:
            _warn_once(
                f"{database} is not as MLflow {MADE_FOR} makes it: it lacks {', '.join(lacking)}. "
                "If this checkout was moved or copied, its runs still name the files where they were before."
            )
            return
        select = "SELECT artifact_location FROM experiments WHERE name = ?"
        (before,) = connection.execute(select, [experiment]).fetchone() or (files,)
        if before == files:
            return
        for table, column in PLACES:
            connection.execute(
                f"UPDATE {table} SET {column} = :files || substr({column}, :cut) "
                f"WHERE substr({column} || '/', 1, :cut) = :before || '/'",
                {"files": files, "before": before, "cut": len(before) + 1},
            )


def is_incomplete(database: Path) -> bool:
    """Whether a SQLite store was made by an older MLflow: it has experiments, but not every table of PLACES.

    Raises:
        sqlite3.Error: as `relocate_artifacts`.
    """
    with closing(sqlite3.connect(database)) as connection:
        lacking = [table for table, _ in PLACES if not _columns(connection, table)]
        return bool(lacking) and "experiments" not in lacking


def experiment_page(experiment_id: str) -> str:
    """The part of an address behind the store's that opens an experiment's runs in the view VIEW."""
    return f"#/experiments/{experiment_id}/runs?{WORKFLOW}&viewStateShareKey={VIEW_TAG.rpartition('.')[2]}"


def run_page(experiment_id: str, run_id: str) -> str:
    """The part of an address behind the store's that opens a run."""
    return f"#/experiments/{experiment_id}/runs/{run_id}"


def set_page(client: "MlflowClient", experiment: "Experiment") -> None:
    """Gives the experiment's page a view of the columns that matter; what people set there stays.

    MLflow keeps the columns that somebody chose in that person's browser and has no default to set; a saved
    view, which it keeps in a tag, is the nearest to one. Which pages a fresh browser opens, those for trained
    models or those for prompts and traces, the kind does not decide: addresses with WORKFLOW do.
    """
    from mlflow.exceptions import MlflowException

    for key, value in ((KIND_TAG, "custom_model_development"), (VIEW_TAG, _view())):
        if key not in experiment.tags or (key == VIEW_TAG and _is_outdated(experiment.tags[key])):
            try:
                client.set_experiment_tag(experiment.experiment_id, key, value)
            except MlflowException as error:
                if error.error_code != "INVALID_PARAMETER_VALUE":
                    raise
                _warn_once(f"MLflow {version('mlflow')} does not take the tag {key}: {error_text(error)}.")


def _view() -> str:
    state = {"selectedColumns": _COLUMNS, "orderByKey": _BEST_FIRST, "orderByAsc": True}
    now = int(time.time() * 1000)
    return json.dumps({"name": VIEW, "createdAt": now, "updatedAt": now, "state": json.dumps(state)})


def _is_outdated(view: str) -> bool:
    """Whether a view is as an earlier version of this module made it: nobody has saved it anew since."""
    try:
        found = json.loads(view)
        is_ours = found["name"] == VIEW and found["createdAt"] == found["updatedAt"]
        return is_ours and json.loads(found["state"]) != json.loads(json.loads(_view())["state"])
    except (ValueError, KeyError, TypeError):  # somebody else's
        return False


def leave_out_disk_and_network(monitor: "SystemMetricsMonitor") -> None:
    """Keeps the monitors of CPU, memory and GPU alone.

    Three figures of one disk and two of a network that a training does not use would stand before the rest.
    """
    from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
    from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor

    monitor.monitors = [one for one in monitor.monitors if not isinstance(one, DiskMonitor | NetworkMonitor)]


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    """The columns of a table; none where there is no such table."""
    return {name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", [table])}


@cache
def _warn_once(problem: str) -> None:
    """Warns once in a process, which connects to its store several times."""
    logger.warning(problem)
