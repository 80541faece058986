"""The MLflow store: its address and its experiment."""

import json
import logging
import os
import sqlite3
import time
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from shopper_age.runtime.checkout import project_root
from shopper_age.tracking.offline import hidden_folder

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment


_VIEW = "Models by validation MAE"

_COLUMNS = (
    *("attributes.`Created`", "attributes.`Duration`"),
    *("metrics.`best_val_mae`", "metrics.`mae`", "metrics.`cs5`", "metrics.`images_per_second`"),
    *("params.`epochs`", "params.`learning_rate`", "params.`loss`", "params.`image_size`"),
    "tags.`git_commit`",
)

_DESCRIPTION = (
    f"A run is a trained model, named like its DVC experiment. **Views → {_VIEW}** has the columns that "
    "matter.\n\n`train_mae`, `val_mae` and `best_val_mae` have a value per epoch; `mae`, `bias`, `cs5`, … "
    "are those of the test part. A model that was evaluated again otherwise has a child run for that."
)


def load_mlflow() -> None:
    """Imports MLflow, which takes seconds, told to report no usage and to give up on a dead server soon."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    import mlflow  # noqa: F401

    # They tell at length what reaches the user as one warning.
    for chatty in ("mlflow.store.db.utils", "mlflow.system_metrics", "urllib3.connectionpool"):
        logging.getLogger(chatty).setLevel(logging.CRITICAL)


def store_uri() -> str:
    """MLFLOW_TRACKING_URI where it is set, else the SQLite file in the project's root."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{project_root() / 'mlflow.db'}"


def offline_folder() -> Path:
    """The folder of the offline logs; it keeps the name under which earlier versions left theirs there."""
    return project_root() / ".tracking" / "spool"


def connect(experiment: str) -> tuple["MlflowClient", str]:
    """A client of the store and the id of the experiment, both made where they do not exist yet.

    Raises whatever MLflow, the database driver or the network raise when there is no usable store.
    """
    from mlflow import MlflowClient

    uri, root = store_uri(), project_root()
    is_server = uri.startswith(("http://", "https://", "databricks"))
    # A server chooses the place of its files. Otherwise MLflow would take a folder below the working folder,
    # which DVC throws away after an experiment in a temporary copy.
    files = None if is_server else (root / "mlartifacts").as_uri()
    # Two processes that make the same tables at the same time break each other.
    with nullcontext() if is_server else FileLock(hidden_folder(root / ".tracking") / "store.lock"):
        if files and not os.environ.get("MLFLOW_TRACKING_URI"):
            _relocate_artifacts(root / "mlflow.db", experiment, files)
        client = MlflowClient(uri)
        found = client.get_experiment_by_name(experiment) or _create_experiment(client, experiment, files)
        for key, value in page_tags().items():
            if key not in found.tags:  # what people wrote there stays
                client.set_experiment_tag(found.experiment_id, key, value)
        return client, found.experiment_id


def _create_experiment(client: "MlflowClient", experiment: str, files: str | None) -> "Experiment":
    """The experiment, made now, by this process or by another that was faster."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_experiment(client.create_experiment(experiment, artifact_location=files))
    except MlflowException:
        if found := client.get_experiment_by_name(experiment):
            return found
        raise


def _relocate_artifacts(database: Path, experiment: str, files: str) -> None:
    """Makes the runs of a checkout that was moved or copied point to the files beside them.

    MLflow writes absolute places into its tables and has no call to change them: left alone, a copied
    checkout would log into the folder of the original.

    Raises:
        sqlite3.Error: the file is no database or cannot be opened. MLflow would retry for minutes.
    """
    with closing(sqlite3.connect(database)) as connection, connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchone():
            return
        select = "SELECT artifact_location FROM experiments WHERE name = ?"
        (before,) = connection.execute(select, [experiment]).fetchone() or (files,)
        if before == files:
            return
        for table, column in (
            ("experiments", "artifact_location"),
            ("runs", "artifact_uri"),
            ("logged_models", "artifact_location"),
            ("model_versions", "storage_location"),
        ):
            connection.execute(
                f"UPDATE {table} SET {column} = :files || substr({column}, :cut) "
                f"WHERE substr({column} || '/', 1, :cut) = :before || '/'",
                {"files": files, "before": before, "cut": len(before) + 1},
            )


def page_tags() -> dict[str, str]:
    """Tags of the experiment that MLflow's UI reads.

    MLflow keeps the columns that somebody chose in that person's browser and has no default to set; a saved
    view, which MLflow keeps in a tag, is the nearest to one. The kind opens the pages for trained models
    rather than those for prompts and traces.
    """
    state = {"selectedColumns": _COLUMNS, "orderByKey": "metrics.`best_val_mae`", "orderByAsc": True}
    now = int(time.time() * 1000)
    view = {"name": _VIEW, "createdAt": now, "updatedAt": now, "state": json.dumps(state)}
    return {
        "mlflow.note.content": _DESCRIPTION,
        "mlflow.experimentKind": "custom_model_development",
        "mlflow.sharedViewState.models": json.dumps(view),
    }
