"""Trainings and evaluations that are logged, and what the MLflow store of a project holds of them."""

from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from shopper_age.tracking import RunLogger, evaluation_run, training_run

TRAIN_UNTIL_KILLED = """
import os, signal
from shopper_age.tracking import training_run
with training_run("ages", params={"epochs": 3}) as run:
    print(run.id, flush=True)
    run.log_metrics({"val_mae": 9.0}, step=0)
    run.log_metrics({"val_mae": 8.0}, step=1)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def client(root: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{root / 'mlflow.db'}")


def runs(root: Path, experiment: str = "ages") -> list[Run]:
    """The runs in the store, oldest first."""
    found = client(root).get_experiment_by_name(experiment)
    return list(reversed(client(root).search_runs([found.experiment_id]))) if found else []


def points(root: Path, run: Run, metric: str) -> list[tuple[int, float]]:
    history = client(root).get_metric_history(run.info.run_id, metric)
    return [(point.step, point.value) for point in history]


def artifacts(root: Path, run: Run, folder: str | None = None) -> list[str]:
    return [file.path for file in client(root).list_artifacts(run.info.run_id, folder)]


def train(model: Path | None = None, **settings: Any) -> RunLogger:
    with training_run("ages", params={"epochs": 2}, **settings) as run:
        run.log_metrics({"val_mae": 9.0}, step=0)
        run.log_metrics({"val_mae": 8.0}, step=1)
        if model:
            run.set_model(model)
    return run


def evaluate(model: Path, key: str, mae: float, **settings: Any) -> RunLogger:
    with evaluation_run("ages", model_path=model, evaluation_key=key, **settings) as run:
        run.log_metrics({"test_mae": mae})
    return run


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the package has warned of since the test began or cleared `caplog`."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("shopper_age.") and record.levelname == "WARNING"
    ]
