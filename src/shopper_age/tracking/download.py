"""Registered models brought from the MLflow store onto this machine."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from shopper_age.tracking.mlflow_run import REFUSALS
from shopper_age.tracking.secrets import without_credentials
from shopper_age.tracking.store import adopt_copied_runs, load_mlflow, open_store, store_uri
from shopper_age.tracking.timeouts import error_text, with_timeout

if TYPE_CHECKING:
    from mlflow import MlflowClient

_REGISTERED = re.compile(r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<number>\d+))")

_OF_RUN = re.compile(r"runs:/(?P<run_id>[^/]+)/(?P<place>.+)")

_SQLITE = "sqlite:///"

# As `packaging.photo_rows` calls the artifact with the model and its decision.
_FILES = "model"


@contextmanager
def downloaded(address: str) -> Iterator[Path]:
    """A folder with the export and the decision of a promoted model, which is gone afterwards.

    Args:
        address: `models:/NAME@ALIAS`, `models:/NAME/VERSION` or `runs:/RUN/FOLDER`.

    Raises:
        ValueError: it is no such address, or there is no such model, or it is none that answers for photos.
        ConnectionError: the store or its files cannot be reached.
    """
    found = _REGISTERED.fullmatch(address) or _OF_RUN.fullmatch(address)
    if found is None:
        raise ValueError(
            f"{address} is no address of a model: expected models:/NAME@champion, models:/NAME/VERSION or "
            "runs:/RUN/model"
        )
    client = _client(address)
    try:
        source = _source(client, found.groupdict())
    except _MissingError as error:
        raise ValueError(f"{address} is not in the MLflow store at {_store()}: {error}") from None
    with tempfile.TemporaryDirectory() as folder:
        yield _fetch(source, Path(folder), address)


class _MissingError(Exception):
    """The store answered that it has no such thing."""


def _client(address: str) -> "MlflowClient":
    uri = store_uri()
    load_mlflow()
    if uri.startswith(_SQLITE) and not Path(uri.removeprefix(_SQLITE).partition("?")[0]).is_file():
        raise ConnectionError(  # MLflow would make an empty one
            f"there is no MLflow store at {_store()}: set MLFLOW_TRACKING_URI to the one with {address}"
        )
    try:
        return _asked(open_store, uri)
    except _MissingError as error:  # it is no address of a store
        raise ConnectionError(f"the MLflow store at {_store()} cannot be used: {error}") from None


def _source(client: "MlflowClient", address: dict[str, str | None]) -> str:
    """The MLflow folder of a model."""
    match address:
        case {"run_id": str(run_id), "place": str(place)}:
            return f"{_files_of_run(client, run_id)}/{place}"
        case {"name": str(name), "alias": str(alias)}:
            version = _asked(client.get_model_version_by_alias, name, alias)
        case {"name": str(name), "number": str(number)}:
            version = _asked(client.get_model_version, name, number)
    if version.run_id:
        _files_of_run(client, version.run_id)  # of a moved checkout: then its versions point there, too
    return str(_asked(client.get_model_version_download_uri, version.name, version.version))


def _files_of_run(client: "MlflowClient", run_id: str) -> str:
    run = _asked(client.get_run, run_id)
    experiment = _asked(client.get_experiment, run.info.experiment_id)
    adopt_copied_runs(experiment.name)
    return str(_asked(client.get_run, run_id).info.artifact_uri)


def _fetch(source: str, folder: Path, address: str) -> Path:
    """The files of the model with the MLflow folder `source`, in `folder`."""
    from mlflow.artifacts import download_artifacts

    def download(place: str) -> Path:
        try:
            return Path(
                download_artifacts(f"{source}/{place}", dst_path=str(folder), tracking_uri=store_uri())
            )
        except Exception as error:  # whatever a store of files may raise
            raise ConnectionError(
                f"the files of {address} cannot be read from {without_credentials(source)}: "
                f"{error_text(error)}"
            ) from error

    told = yaml.safe_load(download("MLmodel").read_text(encoding="utf-8"))
    flavor = told.get("flavors", {}).get("python_function", {})
    files = (flavor.get("artifacts") or {}).get(_FILES)
    if files is None:
        raise ValueError(
            f"{address} was registered by an earlier version of this project, without the decision that its "
            "answers follow from: promote that model again with `shopper-age promote`"
        )
    return download(files["path"])


def _asked(call: Any, *arguments: Any) -> Any:
    """The store's answer."""
    from mlflow.exceptions import MlflowException

    try:
        return with_timeout(call, *arguments)
    except MlflowException as error:
        if error.error_code in REFUSALS:
            raise _MissingError(error_text(error)) from None
        raise _unreachable(error) from error
    except Exception as error:  # whatever a database driver or the network may raise
        raise _unreachable(error) from error


def _unreachable(error: Exception) -> ConnectionError:
    return ConnectionError(f"the MLflow store at {_store()} cannot be used: {error_text(error)}")


def _store() -> str:
    return without_credentials(store_uri())
