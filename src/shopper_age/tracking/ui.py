"""MLflow's pages on this machine, or the address of the server that shows them."""

import json
import os
import runpy
import socket
import sys
import threading
import time
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import urlopen

from shopper_age.tracking.mlflow_internals import WORKFLOW, experiment_page
from shopper_age.tracking.secrets import without_credentials
from shopper_age.tracking.store import adopt_copied_runs, load_mlflow, open_store, store_uri
from shopper_age.tracking.timeouts import error_text, with_timeout

# This machine alone: MLflow asks nobody for a password.
_HOST = "127.0.0.1"

_POLL_SECONDS = 0.5

_SETTINGS = {
    # Eight processes for jobs that these pages never start.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # To look at a folder of runs, which MLflow has not logged to since it prefers databases, harms nobody.
    "MLFLOW_ALLOW_FILE_STORE": "true",
    # A library of MLflow's is told off for how it calls another.
    "PYTHONWARNINGS": "ignore::UserWarning:mlflow.server.fastapi_app",
}


def server_page(experiment: str) -> str:
    """The address of the experiment's runs on the server that MLFLOW_TRACKING_URI names.

    Raises:
        ConnectionError: it does not answer, or it is no MLflow server; the message has its address.
    """
    load_mlflow()
    from mlflow import MlflowClient

    uri = store_uri()
    address = without_credentials(uri)
    if not uri.startswith(("http://", "https://")):
        raise ConnectionError(
            f"the store is at {address}, whose own pages show the runs: nothing was started"
        )
    try:
        found = with_timeout(MlflowClient(uri).get_experiment_by_name, experiment)
    except Exception as error:  # whatever MLflow or the network may raise
        raise ConnectionError(
            f"the store is at {address}, which cannot be used: {error_text(error)}. Nothing was started"
        ) from error
    return page_address(address, found.experiment_id if found else None)


def serve(experiment: str, *, port: int) -> None:
    """Serves the pages of the store of this checkout until it is interrupted; says where when they answer.

    Raises:
        OSError: the port is taken, or the store cannot be used.
    """
    check_port(port)
    os.environ.update(_SETTINGS)
    try:
        adopt_copied_runs(experiment)
        load_mlflow()
        with_timeout(open_store, store_uri())  # MLflow tries a database that is not there for minutes
    except Exception as error:  # whatever MLflow or a database driver may raise; MLflow would print its stack
        address = without_credentials(store_uri())
        raise OSError(f"the store at {address} cannot be used: {error_text(error)}") from error
    os.environ["MLFLOW_BACKEND_STORE_URI"] = store_uri()  # not on the command line, which every user can read
    threading.Thread(target=_announce, args=(experiment, port), daemon=True).start()
    # This very process becomes MLflow's, with one more below it that answers.
    options = ["--host", _HOST, "--port", str(port), "--workers", "1"]
    # A line per click would soon hide the address.
    sys.argv = ["mlflow", "server", *options, "--uvicorn-opts", "--no-access-log"]
    runpy.run_module("mlflow", run_name="__main__")


def check_port(port: int) -> None:
    """Raises OSError where something listens at the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise OSError(
                f"port {port} is taken: is `make ui` running already? "
                f"`shopper-age ui --port {port + 1}` takes another"
            ) from error


def page_address(store: str, experiment_id: str | None) -> str:
    """The address of the runs of an experiment, or of the list of experiments where it has none yet."""
    page = experiment_page(experiment_id) if experiment_id else f"#/experiments?{WORKFLOW}"
    return f"{store.rstrip('/')}/{page}"


def _announce(experiment: str, port: int) -> None:
    address = f"http://localhost:{port}"
    while not _answers(port):
        time.sleep(_POLL_SECONDS)
    print(
        f"The models, the best first: {page_address(address, _experiment_id(experiment, port))}", flush=True
    )


def _answers(port: int) -> bool:
    try:
        with urlopen(f"http://{_HOST}:{port}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _experiment_id(name: str, port: int) -> str | None:
    path = f"api/2.0/mlflow/experiments/get-by-name?experiment_name={quote(name)}"
    try:
        with urlopen(f"http://{_HOST}:{port}/{path}", timeout=30) as answer:
            return str(json.load(answer)["experiment"]["experiment_id"])
    except HTTPError:  # nothing was trained yet
        return None
