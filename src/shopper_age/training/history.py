"""History of a training: metrics of each epoch, on disk and in MLflow."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from shopper_age.paths import shows_people
from shopper_age.runtime.files import write_csv, write_json
from shopper_age.tracking import RunLogger
from shopper_age.tracking.provenance import provenance
from shopper_age.training.selection import VALIDATION_MAE, Row, best_epoch

# Names of an epoch's metrics in MLflow, where `mae` is that of the test part.
_TRACKED = {"loss": "train_loss", "mae": "train_mae", "val_loss": "val_loss", "val_mae": "val_mae"}


def epoch_log(
    run: RunLogger, report: Path, *, n_photos: int, record: Mapping[str, Any]
) -> Callable[[list[Row]], None]:
    """A function of the history so far that brings the files of the report and the MLflow run up to date.

    The files are history.csv and metrics.json, equal for equal trainings to the last letter, and
    run.json, which tells where and how fast it ran and which MLflow run it is (null while no store answers).
    No stage depends on run.json.

    Args:
        n_photos: training photos per epoch.
        record: what run.json tells beside speed, commit, versions and machine.
    """
    log_to_run = run_log(run, n_photos=n_photos)
    origin = {"mlflow_run": run.name, "mlflow_run_id": run.store_id, **provenance(), **record}

    def log(history: list[Row]) -> None:
        table = pd.DataFrame(history)
        write_csv(report / "history.csv", history_table(history))
        write_json(report / "metrics.json", training_metrics(table))
        speed = {
            "seconds": round(table["seconds"].sum(), 1),
            "images_per_second": round(images_per_second(table["seconds"], n_photos), 2),
        }
        write_json(report / "run.json", {**origin, **speed})
        log_to_run(history)

    return log


def run_log(run: RunLogger, *, n_photos: int) -> Callable[[list[Row]], None]:
    """A function of the history so far that brings the MLflow run up to date."""
    n_logged = 0

    def log(history: list[Row]) -> None:
        nonlocal n_logged
        table = pd.DataFrame(history)
        for n_epochs in range(n_logged + 1, len(history) + 1):
            run.log_metrics(_tracked(table.head(n_epochs), n_photos), step=n_epochs)
        run.log_metrics(
            {"training_seconds": table["seconds"].sum()}
        )  # over the epochs it is but a straight line
        run.describe(_headline(training_metrics(table)))
        n_logged = len(history)

    return log


def log_results(run: RunLogger, model_path: Path, report: Path) -> None:
    """Logs what a finished training leaves: the model file's hash, its history and its augmented photos."""
    run.set_model(model_path)
    run.log_artifact(report / "history.csv", "train")
    run.log_artifact(report / "augmentation.png", "train", shows_people=shows_people("augmentation.png"))


def training_metrics(history: pd.DataFrame) -> dict[str, Any]:
    """Epochs run, the epoch with the lowest validation MAE, and its MAE on both parts, in years.

    An MAE that is infinite or NaN, as a training may pass through, is None.
    """
    best = history.iloc[best_epoch(history.to_dict("records")) - 1]
    return {
        "epochs_run": len(history),
        "best_epoch": int(best["epoch"]),
        "train_mae": _number(best["mae"]),
        "val_mae": _number(best[VALIDATION_MAE]),
    }


def _number(value: float) -> float | None:
    return round(float(value), 4) if math.isfinite(value) else None


def history_table(history: list[Row]) -> pd.DataFrame:
    """The history without times, equal for equal trainings.

    Infinite values are left out, as NaN is: what reads the table takes them for missing.
    """
    table = pd.DataFrame(history).drop(columns="seconds")
    return table.replace([math.inf, -math.inf], math.nan).round(6)


def _tracked(history: pd.DataFrame, n_photos: int) -> dict[str, float]:
    """Metrics of the last epoch for MLflow, with the best validation MAE so far."""
    row = history.iloc[-1]
    metrics = {
        **{_TRACKED[name]: value for name, value in row.items() if name in _TRACKED},
        "best_val_mae": training_metrics(history)["val_mae"],
        "seconds_per_epoch": row["seconds"],
        "images_per_second": images_per_second(history["seconds"], n_photos),
    }
    return {name: value for name, value in metrics.items() if value is not None and math.isfinite(value)}


def images_per_second(seconds: Sequence[float], n_photos: int) -> float:
    """Training photos per second in the middle one of the epochs, the first left out where there are others.

    The first one also compiles the network and fills the cache. 10, 4 and 5 s for 100 photos give 22.5.

    Args:
        seconds: of each epoch, its validation included.
    """
    later = np.asarray(seconds, dtype=float)[1:]
    rates = n_photos / (later if later.size else np.asarray(seconds, dtype=float))
    return float(np.median(rates))


def _headline(metrics: Mapping[str, Any]) -> str:
    """What the run's page says of a model until its evaluation says more."""
    if metrics["val_mae"] is None:
        return "The validation MAE is no number so far. Not evaluated on the test part yet."
    return (
        f"**Validation MAE {metrics['val_mae']:.2f} years**, the best of {metrics['epochs_run']} epochs in "
        f"epoch {metrics['best_epoch']}. Not evaluated on the test part yet."
    )
