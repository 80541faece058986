"""Promotion of a model to the MLflow model registry, and to its champion."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from shopper_age.data.tables import FILE_NAME
from shopper_age.experiments.comparison import BETTER, Comparison, compare, describe
from shopper_age.experiments.results import Result
from shopper_age.runtime.hashing import file_md5
from shopper_age.tracking.registry import (
    CHAMPION,
    PREDICTIONS_FILE,
    PREDICTIONS_FOLDER,
    REGISTERED_MODEL,
    RegistryError,
    champion_version,
    register,
    run_of,
)
from shopper_age.tracking.store import connect, load_mlflow, store_uri
from shopper_age.tracking.timeouts import reason, without_password

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion


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
        run = run_of(client, experiment_id, model_md5)
        champion = champion_version(client)
        if champion is not None and champion.tags.get("model_md5") == model_md5:
            sentence = (
                f"Version {champion.version} of {REGISTERED_MODEL}, this very model, is the champion already."
            )
            return Promotion(str(champion.version), True, sentence)
        comparison = _compared(client, champion, result.predictions)
        registered = register(client, run, result, Path(model_path), model_md5)
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
