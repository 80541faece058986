"""Runs in MLflow that have to do with given models or data, and their registered versions."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from shopper_age.tracking.store import load_mlflow, open_store, store_uri
from shopper_age.tracking.timeouts import error_text, with_timeout


@dataclass(frozen=True)
class KnownRun:
    """A run, deleted or not, and the versions that were registered from it."""

    id: str
    name: str
    versions: tuple[tuple[str, str], ...]  # name of the registered model, and its version


def find_runs(model_md5s: Collection[str], data_md5s: Collection[str]) -> list[KnownRun]:
    """The runs of these model files or data folders, in every experiment; an absent store is not made.

    Raises:
        ConnectionError: the store does not answer, or a person has to bring it in order first.
    """
    database = store_uri().removeprefix("sqlite:///")
    if database != store_uri() and not Path(database).is_file():
        return []
    try:
        load_mlflow()
        return with_timeout(_find, model_md5s, data_md5s)
    except Exception as error:  # MLflow, database drivers and the network have no common base
        raise ConnectionError(error_text(error)) from error


def _find(model_md5s: Collection[str], data_md5s: Collection[str]) -> list[KnownRun]:
    from mlflow.entities import ViewType

    client = open_store(store_uri())
    experiments = [found.experiment_id for found in client.search_experiments(view_type=ViewType.ALL)]
    found: dict[str, str] = {}
    for tag, values in (("model_md5", model_md5s), ("data_md5", data_md5s)):
        for value in values:
            page = None
            while True:
                runs = client.search_runs(
                    experiments, f"tags.{tag} = '{value}'", run_view_type=ViewType.ALL, page_token=page
                )
                found |= {run.info.run_id: run.info.run_name or "" for run in runs}
                if not (page := runs.token):
                    break
    return [
        KnownRun(
            run_id,
            name,
            tuple(
                (version.name, str(version.version))
                for version in client.search_model_versions(f"run_id = '{run_id}'")
            ),
        )
        for run_id, name in found.items()
    ]
