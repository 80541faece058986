"""The MLflow model registry: versions of the model and its champion."""

import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shopper_age.data.tables import FILE_NAME, REAL_AGE
from shopper_age.experiments.comparison import PREDICTED_AGE
from shopper_age.experiments.results import Result
from shopper_age.runtime.files import write_csv
from shopper_age.tracking.mlflow_run import REFUSALS
from shopper_age.tracking.store import store_uri
from shopper_age.tracking.timeouts import without_password

if TYPE_CHECKING:
    import keras
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion


REGISTERED_MODEL = "age-resnet50"

CHAMPION = "champion"

# Where a run keeps its registered model, and the estimates that a later model is compared with.
MODEL_FOLDER = "model"

PREDICTIONS_FOLDER = "registry"

PREDICTIONS_FILE = "predictions.csv"

# What loading the model and asking it takes.
REQUIREMENTS = ("mlflow", "tensorflow", "keras", "numpy")

# What the example of an input shows, 0–255 in each channel: nobody.
_GREY = 128.0


class RegistryError(Exception):
    """The store did not do what was asked; the champion is as it was."""


def register(
    client: "MlflowClient", run: "Run", result: Result, model_path: Path, model_md5: str
) -> "ModelVersion":
    """The version of this model, new unless there is one, with its present figures and estimates."""
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory() as folder:
        estimates = Path(folder, PREDICTIONS_FILE)
        write_csv(estimates, result.predictions[[FILE_NAME, REAL_AGE, PREDICTED_AGE]])
        client.log_artifact(run.info.run_id, str(estimates), PREDICTIONS_FOLDER)
    tags = {name: str(value) for name, value in result.metrics.items()}
    tags |= {name: run.data.tags[name] for name in ("git_commit", "dvc_experiment") if name in run.data.tags}
    tags["model_md5"] = model_md5
    condition = f"name = '{REGISTERED_MODEL}' and tags.model_md5 = '{model_md5}'"
    if known := client.search_model_versions(condition):
        for name, value in tags.items():
            client.set_model_version_tag(REGISTERED_MODEL, known[0].version, name, value)
        return known[0]
    try:
        client.get_registered_model(REGISTERED_MODEL)
    except MlflowException as error:
        if error.error_code not in REFUSALS:
            raise
        client.create_registered_model(REGISTERED_MODEL)
    _upload(client, run, model_path)
    return client.create_model_version(
        REGISTERED_MODEL, f"{run.info.artifact_uri}/{MODEL_FOLDER}", run_id=run.info.run_id, tags=tags
    )


def _upload(client: "MlflowClient", run: "Run", model_path: Path) -> None:
    """Adds the model to its run, with signature, a grey photo as input example and pinned requirements.

    Unlike `log_model` that neither sets a finished run running again nor copies its first epoch's figures.
    """
    import keras
    import mlflow.tensorflow
    from mlflow.models import Model, infer_signature

    model = keras.models.load_model(model_path, compile=False)
    example = _grey_photo(model)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, MODEL_FOLDER)
        # mlflow.keras fails on an input example, and looking for the requirements would take half a minute.
        mlflow.tensorflow.save_model(
            model,
            str(path),
            mlflow_model=Model(artifact_path=MODEL_FOLDER, run_id=run.info.run_id),
            signature=infer_signature(example, model.predict(example, verbose=0)),
            input_example=example,
            pip_requirements=[f"{library}=={version(library)}" for library in REQUIREMENTS],
        )
        client.log_artifacts(run.info.run_id, str(path), MODEL_FOLDER)


def _grey_photo(model: "keras.Model") -> np.ndarray:
    """A photo as the model takes it, shape (1, height, width, 3), RGB, 0–255: plain grey."""
    return np.full((1, *model.input_shape[1:]), _GREY, dtype="float32")


def run_of(client: "MlflowClient", experiment_id: str, model_md5: str) -> "Run":
    newest = ["attributes.start_time DESC"]
    condition = f"tags.model_md5 = '{model_md5}'"
    runs = client.search_runs([experiment_id], condition, max_results=1, order_by=newest)
    if not runs:
        raise ValueError(
            f"MLflow at {without_password(store_uri())} has no run of this model: send its log with "
            "`make send-log`, or make a run with `dvc repro --force --single-item evaluate`"
        )
    return runs[0]


def champion_version(client: "MlflowClient") -> "ModelVersion | None":
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(REGISTERED_MODEL, CHAMPION)
    except MlflowException as error:
        if error.error_code in REFUSALS:
            return None
        raise
