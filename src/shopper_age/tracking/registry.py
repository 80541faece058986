"""The MLflow model registry: versions of the model and its champion."""

import logging
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shopper_age.tracking.mlflow_internals import CHAMPION_TAG
from shopper_age.tracking.mlflow_run import ORIGIN, REFUSALS
from shopper_age.tracking.provenance import with_origin
from shopper_age.tracking.pyfunc import PyfuncParts, save_pyfunc
from shopper_age.tracking.secrets import without_credentials
from shopper_age.tracking.store import connect, load_mlflow, store_uri
from shopper_age.tracking.timeouts import error_text

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion as StoredVersion


CHAMPION = "champion"

# Where a run keeps its registered model, and the estimates that a later model is compared with, and its card.
MODEL_FOLDER = "model"

ESTIMATES_FOLDER = "registry"

CARD = "MODEL_CARD.md"

# Tags of a version: the model file, and what else its answers follow from.
_MODEL, _CONTENT = "model_md5", "content"


logger = logging.getLogger(__name__)


class RegistryError(Exception):
    """The store did not do what was asked; the champion is as it was."""


@dataclass(frozen=True)
class ModelVersion:
    """A version: its registered model, its number, the md5 of its model file, the run that trained it."""

    model: str
    number: str
    model_md5: str | None
    run_id: str


@contextmanager
def _as_registry_error() -> Iterator[None]:
    try:
        yield
    except (ValueError, RegistryError):
        raise
    except Exception as error:  # whatever MLflow, a database driver or the network may raise
        raise RegistryError(
            f"MLflow at {without_credentials(store_uri())}: {error_text(error)}. The champion is as it was"
        ) from error


class ModelRegistry:
    """The registered model in the store of this checkout, made of the runs of one experiment.

    It is called like the experiment, so that projects that share a server keep their champions apart.

    Every method raises RegistryError where the store cannot be used.
    """

    @_as_registry_error()
    def __init__(self, experiment: str) -> None:
        load_mlflow()
        self._client, self._experiment_id = connect(experiment)
        self.name = registered_name(experiment)

    @_as_registry_error()
    def run_of(self, model_md5: str) -> str:
        """The id of the newest run of this model file.

        Raises:
            ValueError: the store has none.
        """
        newest = ["attributes.start_time DESC"]
        condition = f"tags.model_md5 = '{model_md5}'"
        runs = self._client.search_runs([self._experiment_id], condition, max_results=1, order_by=newest)
        if not runs:
            raise ValueError(
                f"MLflow at {without_credentials(store_uri())} has no run of this model: send its log with "
                "`make send-log`, or make a run with `dvc repro --force --single-item evaluate`"
            )
        return runs[0].info.run_id

    @_as_registry_error()
    def champion(self) -> ModelVersion | None:
        from mlflow.exceptions import MlflowException

        try:
            return _version(self._client.get_model_version_by_alias(self.name, CHAMPION))
        except MlflowException as error:
            if error.error_code in REFUSALS:
                return None
            raise

    @_as_registry_error()
    def download_estimates(self, version: ModelVersion, name: str, folder: Path) -> Path:
        """A copy in `folder` of the file `name` that `register` kept with this version."""
        place = f"{ESTIMATES_FOLDER}/{name}"
        return Path(self._client.download_artifacts(version.run_id, place, str(folder)))

    @_as_registry_error()
    def register(
        self,
        run_id: str,
        parts: PyfuncParts,
        *,
        model_md5: str,
        tags: Mapping[str, str],
        estimates: Path,
        description: str = "",
    ) -> ModelVersion:
        """The version of this model: a new one, or the one that it has, with these tags alone and estimates.

        The same model file with another decision, or in another form, becomes a version of its own: what was
        registered never changes.

        Args:
            run_id: the run that trained the model.
            parts: what MLflow makes the registered model of.
            model_md5: the md5 of the model file.
            tags: of the version; where the run came from is added.
            estimates: a file that the run keeps for `download_estimates`.
            description: what the registered model's page says where nobody has written anything yet.
        """
        run = self._client.get_run(run_id)
        self._client.log_artifact(run_id, str(estimates), ESTIMATES_FOLDER)
        origin = {name: run.data.tags[name] for name in ORIGIN if name in run.data.tags}
        tags = {**tags, **origin, _MODEL: model_md5, _CONTENT: parts.digest}
        condition = f"name = '{self.name}' and tags.{_MODEL} = '{model_md5}'"
        of_model = self._client.search_model_versions(condition)
        for known in of_model:
            if known.tags.get(_CONTENT) == parts.digest:
                self._set_tags(known, tags)
                self._describe_model(description)
                return _version(known)
        self._create_registered_model()
        self._describe_model(description)
        place = f"{MODEL_FOLDER}-{parts.digest}" if of_model else MODEL_FOLDER
        self._upload(run, parts, place)
        source = f"{run.info.artifact_uri}/{place}"
        return _version(self._client.create_model_version(self.name, source, run_id=run_id, tags=tags))

    def _set_tags(self, version: "StoredVersion", tags: Mapping[str, str]) -> None:
        """Gives a version these tags and no others."""
        for name, value in tags.items():
            self._client.set_model_version_tag(self.name, version.version, name, value)
        for name in version.tags.keys() - tags.keys():
            self._client.delete_model_version_tag(self.name, version.version, name)

    @_as_registry_error()
    def keep_card(self, version: ModelVersion, card: str) -> None:
        """Keeps a model card, in Markdown, with the version's run; its last rows name version and run."""
        run = self._client.get_run(version.run_id)
        facts = {
            "commit": run.data.tags.get("git_commit"),
            "MLflow run": f"{run.info.run_name} ({version.run_id})",
            "registered as": f"{self.name}, version {version.number}",
        }
        self._client.log_text(version.run_id, with_origin(card, facts), f"{ESTIMATES_FOLDER}/{CARD}")

    @_as_registry_error()
    def describe(self, version: ModelVersion, text: str) -> None:
        """Sets the text on the version's page."""
        self._client.update_model_version(version.model, version.number, description=text)

    @_as_registry_error()
    def set_champion(self, version: ModelVersion) -> None:
        """Moves the alias `champion` to this version, and its mark in the list of runs."""
        self._client.set_registered_model_alias(version.model, CHAMPION, version.number)
        self.mark_champion(version)

    def mark_champion(self, version: ModelVersion) -> None:
        """Gives this version's run the tag by which the list of runs shows the champion, and no other run.

        Where that fails, it is a warning: the alias decides who is the champion.
        """
        try:
            marked = f"tags.`{CHAMPION_TAG}` LIKE '%'"
            for run in self._client.search_runs([self._experiment_id], marked):
                if run.info.run_id != version.run_id:
                    self._client.delete_tag(run.info.run_id, CHAMPION_TAG)
            self._client.set_tag(version.run_id, CHAMPION_TAG, f"version {version.number}")
        except Exception as error:  # whatever MLflow, a database driver or the network may raise
            logger.warning(
                f"The list of runs does not show version {version.number} as the champion: "
                f"{error_text(error)}. The next `shopper-age promote` tries again."
            )

    def _describe_model(self, text: str) -> None:
        """What people wrote on the page stays."""
        if text and not self._client.get_registered_model(self.name).description:
            self._client.update_registered_model(self.name, description=text)

    def _create_registered_model(self) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.get_registered_model(self.name)
        except MlflowException as error:
            if error.error_code not in REFUSALS:
                raise
            self._client.create_registered_model(self.name)

    def _upload(self, run: "Run", parts: PyfuncParts, place: str) -> None:
        """Adds the model to its run's files.

        Unlike `log_model` that neither sets a finished run running again nor copies the metrics of its first
        epoch.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, place)
            save_pyfunc(parts, path, run_id=run.info.run_id)
            self._client.log_artifacts(run.info.run_id, str(path), place)


def registered_name(experiment: str) -> str:
    """The registered model's name: the experiment's, without the letters that MLflow allows in that alone."""
    return re.sub(r"[/:'\"\s]+", "-", experiment).strip("-") or "model"


def _version(stored: "StoredVersion") -> ModelVersion:
    return ModelVersion(
        str(stored.name), str(stored.version), stored.tags.get("model_md5"), str(stored.run_id)
    )
