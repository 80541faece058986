"""The MLflow store: its address and its experiment."""

import logging
import os
import socket
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from shopper_age.runtime.checkout import project_root
from shopper_age.tracking.metric_names import EPOCHS, TEST
from shopper_age.tracking.mlflow_internals import (
    CHAMPION_TAG,
    NOTE,
    VIEW,
    is_incomplete,
    relocate_artifacts,
    set_page,
)
from shopper_age.tracking.offline import hidden_folder
from shopper_age.tracking.secrets import without_credentials
from shopper_age.tracking.timeouts import error_text

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment


_DESCRIPTION = (
    f"A run is a trained model, named like its DVC experiment. **Views → {VIEW}** has the columns that "
    f"matter.\n\nMetrics under `{EPOCHS}/` have a value per epoch, those under `{TEST}/` and `{TEST}_…/` "
    "are of the test part. A model that was evaluated again otherwise has a child run for that. The run with "
    f"the tag `{CHAMPION_TAG}` is the champion's."
)

# That of versions that did not put metrics into sections.
_OLD_DESCRIPTION = (
    f"A run is a trained model, named like its DVC experiment. **Views → {VIEW}** has the columns that "
    "matter.\n\n`train_mae`, `val_mae` and `best_val_mae` have a value per epoch; `mae`, `bias`, `cs5`, … "
    "are those of the test part. A model that was evaluated again otherwise has a child run for that."
)


# Where a database listens whose address names no port.
_DATABASE_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}

_CONNECTION_TIMEOUT_S = 10


class StoreError(Exception):
    """The store is there, but a person has to bring it in order first; the message says how."""


def load_mlflow() -> None:
    """Imports MLflow, which takes seconds, told to report no usage and to give up on a dead server soon."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    os.environ.setdefault(
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false"
    )  # it counts files, of which few are large
    if without_credentials(store_uri()) != store_uri():
        # MLflow prints the address of each run that ends, the password included.
        os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    import mlflow  # noqa: F401

    # They tell at length what reaches the user as one warning.
    for chatty in ("mlflow.store.db.utils", "mlflow.system_metrics", "urllib3.connectionpool"):
        logging.getLogger(chatty).setLevel(logging.CRITICAL)


def store_uri() -> str:
    """MLFLOW_TRACKING_URI where it is set, else the SQLite file in the project's root."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{project_root() / 'mlflow.db'}"


def is_server() -> bool:
    """Whether the store is behind a server, which has pages and a place for files of its own."""
    return store_uri().startswith(("http://", "https://", "databricks", "uc:"))


def adopt_copied_runs(experiment: str) -> None:
    """Makes the runs of a moved or copied checkout point to the files beside them, before a run does so.

    Only where the store is the SQLite file in the project's root, and is there.
    """
    database = project_root() / "mlflow.db"
    if not os.environ.get("MLFLOW_TRACKING_URI") and database.is_file() and not is_incomplete(database):
        relocate_artifacts(database, experiment, (project_root() / "mlartifacts").as_uri())


def offline_folder() -> Path:
    """The folder of the offline logs; it keeps the name under which earlier versions left theirs there."""
    return project_root() / ".tracking" / "spool"


def connect(experiment: str) -> tuple["MlflowClient", str]:
    """A client of the store and the id of the experiment, both made where they do not exist yet.

    Raises StoreError where a person has to act, and whatever MLflow, the database driver or the network raise
    when there is no usable store.
    """
    uri, root = store_uri(), project_root()
    address = without_credentials(uri)
    # A server chooses the place of its files. Otherwise MLflow would take a folder below the working folder,
    # which DVC throws away after an experiment in a temporary copy.
    files = None if is_server() else (root / "mlartifacts").as_uri()
    # Two processes that make the same tables at the same time break each other.
    with nullcontext() if is_server() else FileLock(hidden_folder(root / ".tracking") / "store.lock"):
        if files and not os.environ.get("MLFLOW_TRACKING_URI"):
            database = root / "mlflow.db"
            if is_incomplete(database):  # by an older MLflow: opened, it gets the tables that it lacks
                open_store(uri)
            relocate_artifacts(database, experiment, files)
        client = open_store(uri)
        found = client.get_experiment_by_name(experiment) or _create_experiment(client, experiment, files)
        if found.lifecycle_stage != "active":
            raise StoreError(
                f"the experiment {experiment} was deleted there. `MLFLOW_TRACKING_URI={address} mlflow "
                f"experiments restore -x {found.experiment_id}` brings it back; another name under "
                "tracking.experiment in params.yaml starts a new one"
            )
        if found.tags.get(NOTE) in (None, _OLD_DESCRIPTION):  # what people wrote there stays
            client.set_experiment_tag(found.experiment_id, NOTE, _DESCRIPTION)
        set_page(client, found)
        return client, found.experiment_id


def open_store(uri: str) -> "MlflowClient":
    """A client of the store, whose tables are made where it has none.

    Raises StoreError where they are those of another version of MLflow, and whatever MLflow and the database
    driver raise when there is no usable store.
    """
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    _check_database_answers(uri)
    try:
        return MlflowClient(uri)
    except MlflowException as error:
        if "out-of-date database schema" not in str(error):
            raise
        found = error_text(error).partition(". ")[0]
        raise StoreError(
            f"its tables are those of another version of MLflow ({found}). If they are older, keep a copy "
            f"of the database and run `mlflow db upgrade {without_credentials(uri)}`; if they are newer, "
            "install that version"
        ) from error


def _check_database_answers(uri: str) -> None:
    """Raises OSError where nothing answers; MLflow would try such a database for minutes."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(uri)
    except (ArgumentError, ValueError):  # a folder, or several hosts
        return
    port = url.port or _DATABASE_PORTS.get(uri.partition("://")[0].partition("+")[0])
    if url.host and port and not is_server():
        socket.create_connection((url.host, port), _CONNECTION_TIMEOUT_S).close()


def _create_experiment(client: "MlflowClient", experiment: str, files: str | None) -> "Experiment":
    """The experiment, made now, by this process or by another that was faster."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_experiment(client.create_experiment(experiment, artifact_location=files))
    except MlflowException:
        if found := client.get_experiment_by_name(experiment):
            return found
        raise
