"""The model registry: which trained models were proposed for use, and which one is the champion."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from shopper_age.comparison import BETTER, PREDICTED_AGE, Comparison, compare, describe
from shopper_age.faces import FILE_NAME, REAL_AGE
from shopper_age.files import write_csv
from shopper_age.hashing import file_md5
from shopper_age.results import Result
from shopper_age.tracking.store import connect, load_mlflow, store_uri
from shopper_age.tracking.stored_run import REFUSALS
from shopper_age.tracking.waiting import reason, without_password

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
# Age in years and seed of the drawn face that stands as the example of an input.
_EXAMPLE = 30, 0


class RegistryError(Exception):
    """The store did not do what was asked; the champion is as it was."""


class Promotion(NamedTuple):
    """The version that the model became, whether it is the champion now, and why (not) in plain words."""

    version: str
    is_champion: bool
    sentence: str


def promote(result: Result, model_path: str | Path, *, experiment: str) -> Promotion:
    """Registers a model, and makes it the champion if it meets the requirement and beats the present one.

    It beats the champion when the 95 % interval of the paired difference of their MAE, on the test photos of
    both, lies below 0. The alias is moved last, so whatever fails before leaves the champion as it was. A
    model that was registered before keeps its version, which gets the present figures.

    Args:
        result: the evaluation of this very model.
        model_path: the model file.
        experiment: the MLflow experiment with the model's run.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the store has no run of this model.
        RegistryError: the store cannot be used, or lacks the champion's estimates.
    """
    model_md5 = file_md5(model_path)
    with _told_plainly():
        load_mlflow()
        client, experiment_id = connect(experiment)
        run = _run_of(client, experiment_id, model_md5)
        champion = _champion(client)
        if champion is not None and champion.tags.get("model_md5") == model_md5:
            sentence = (
                f"Version {champion.version} of {REGISTERED_MODEL}, this very model, is the champion already."
            )
            return Promotion(str(champion.version), True, sentence)
        comparison = _compared(client, champion, result.predictions)
        registered = _register(client, run, result, Path(model_path), model_md5)
        is_better, why = _judge(result, registered, champion, comparison)
        outcome = "is the champion now" if is_better else "is registered, but does not become the champion"
        sentence = f"Version {registered.version} of {REGISTERED_MODEL} {outcome}: {why}"
        client.update_model_version(REGISTERED_MODEL, registered.version, description=sentence)
        if is_better:
            client.set_registered_model_alias(REGISTERED_MODEL, CHAMPION, registered.version)
        return Promotion(str(registered.version), is_better, sentence)


def _judge(
    result: Result, registered: "ModelVersion", champion: "ModelVersion | None", comparison: Comparison | str
) -> tuple[bool, str]:
    """Whether the version becomes the champion, and why (not)."""
    mae = f"a test MAE of {result.metrics['mae']:.2f} years"
    if not result.metrics["meets_requirement"]:
        return False, f"it misses the requirement with {mae}."
    if champion is None:
        return True, f"it meets the requirement with {mae}, and there was none before."
    if isinstance(comparison, str):
        return False, f"it cannot be compared with version {champion.version}, the champion: {comparison}."
    names = f"version {champion.version}", f"version {registered.version}"
    return comparison.verdict == BETTER, describe(comparison, *names)


def _compared(
    client: "MlflowClient", champion: "ModelVersion | None", predictions: pd.DataFrame
) -> Comparison | str:
    """The champion against these estimates, or why they cannot be compared."""
    if champion is None:
        return "there is no champion"
    from mlflow.exceptions import MlflowException

    try:
        with tempfile.TemporaryDirectory() as folder:
            place = f"{PREDICTIONS_FOLDER}/{PREDICTIONS_FILE}"
            path = client.download_artifacts(str(champion.run_id), place, folder)
            before = pd.read_csv(path, dtype={FILE_NAME: str})
    except (MlflowException, OSError) as error:
        raise RegistryError(
            f"the estimates of version {champion.version}, the champion, cannot be read from its run, so "
            f"nothing can be compared with it ({reason(error)}). The champion is as it was"
        ) from error
    try:
        return compare(before, predictions)
    except ValueError as error:
        return str(error)


def _register(
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
    """Adds the model to its run, with signature, a drawn face as input example and pinned requirements.

    Unlike `log_model` that neither sets a finished run running again nor copies its first epoch's figures.
    """
    import keras
    import mlflow.tensorflow
    from mlflow.models import Model, infer_signature

    model = keras.models.load_model(model_path, compile=False)
    example = _drawn_face(model)
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


def _drawn_face(model: "keras.Model") -> np.ndarray:
    """A drawn face as the model takes photos: shape (1, height, width, 3), RGB, 0–255."""
    from shopper_age.demo import draw_face

    age_years, seed = _EXAMPLE
    height, width = model.input_shape[1:3]
    face = draw_face(age_years, np.random.default_rng(seed)).convert("RGB").resize((width, height))
    return np.asarray(face, dtype="float32")[None]


def _run_of(client: "MlflowClient", experiment_id: str, model_md5: str) -> "Run":
    newest = ["attributes.start_time DESC"]
    condition = f"tags.model_md5 = '{model_md5}'"
    runs = client.search_runs([experiment_id], condition, max_results=1, order_by=newest)
    if not runs:
        raise ValueError(
            f"MLflow at {without_password(store_uri())} has no run of this model: send its log with "
            "`make send-log`, or make a run with `dvc repro --force --single-item evaluate`"
        )
    return runs[0]


def _champion(client: "MlflowClient") -> "ModelVersion | None":
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(REGISTERED_MODEL, CHAMPION)
    except MlflowException as error:
        if error.error_code in REFUSALS:
            return None
        raise


@contextmanager
def _told_plainly() -> Iterator[None]:
    try:
        yield
    except (ValueError, RegistryError):
        raise
    except Exception as error:  # whatever MLflow, a database driver or the network may raise
        raise RegistryError(
            f"MLflow at {without_password(store_uri())}: {reason(error)}. The champion is as it was"
        ) from error
