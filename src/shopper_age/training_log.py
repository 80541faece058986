"""What is remembered of a training: its key, a row per epoch on disk and in MLflow, its figures."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from shopper_age.checkpoint import VALIDATION_MAE, Row, claimed
from shopper_age.files import write_csv, write_json, write_text
from shopper_age.hashing import content_key
from shopper_age.params import Params
from shopper_age.provenance import project_root
from shopper_age.tracking import Run, training_run

# The modules that decide which weights come out: editing one makes an interrupted training start afresh.
_CODE = (
    *("augmentation", "checkpoint", "fused_norm", "loading", "losses", "model"),
    *("photo_cache", "photo_store", "photos", "training", "weights"),
)
# Settings of other stages, and those that change nothing about the weights of given data.
_OTHER_SETTINGS = {"validate_data", "eda", "split", "evaluate", "tracking", "data_path"}
# Settings that decide which photos those data are.
_OF_THE_DATA = {"data_path", "validate_data", "split"}
# Names of an epoch's figures in MLflow, where `mae` is that of the test part.
_TRACKED = {"loss": "train_loss", "mae": "train_mae", "val_loss": "val_loss", "val_mae": "val_mae"}


def training_settings(params: Params) -> dict[str, Any]:
    """The settings that decide which weights come out of given data."""
    return params.model_dump(mode="json", exclude=_OTHER_SETTINGS)


def training_key(params: Params, *data: Path) -> str:
    """Equal for equal trainings: same settings, same `data` files, same initial weights, same code."""
    weights = [Path(params.weights)] if Path(params.weights).is_file() else []
    code = [Path(__file__).with_name(f"{name}.py") for name in _CODE]
    return content_key(training_settings(params), *data, *weights, *code)


@contextmanager
def resumable_run(params: Params, *data: Path, tags: Mapping[str, str]) -> Iterator[tuple[Path, Run]]:
    """The checkpoint folder and the MLflow run of this training; of the interrupted one, if there was one.

    The folder lies in the user's checkout, where neither DVC nor a temporary copy deletes it, and is removed
    when the block ends well.

    Raises:
        ValueError: another process trains the same at this moment.
    """
    with claimed(project_root() / ".checkpoints" / training_key(params, *data)) as folder:
        run_id = folder / "run_id"
        with training_run(
            params.tracking.experiment,
            params={**training_settings(params), **params.model_dump(mode="json", include=_OF_THE_DATA)},
            tags=tags,
            resume_id=run_id.read_text(encoding="utf-8") if run_id.is_file() else None,
            log_photos=params.tracking.log_photos,
        ) as run:
            write_text(run_id, run.id)
            yield folder, run
        shutil.rmtree(folder)


def epoch_log(
    run: Run, report: Path, *, n_photos: int, record: Mapping[str, Any]
) -> Callable[[list[Row]], None]:
    """A function of the history so far that brings the files of the report and the MLflow run up to date.

    The files are history.csv and metrics.json, which the same training writes again to the letter, and
    run.json, which tells where and how fast it ran and which MLflow run it is (null while no store answers).
    No stage depends on run.json.

    Args:
        n_photos: training photos per epoch.
        record: what run.json tells beside the speed.
    """
    n_logged = 0
    identity = {"mlflow_run": run.name, "mlflow_run_id": run.store_id}

    def log(history: list[Row]) -> None:
        nonlocal n_logged
        table = pd.DataFrame(history)
        write_csv(report / "history.csv", table.drop(columns="seconds").round(6))
        write_json(report / "metrics.json", training_figures(table))
        seconds = table["seconds"].sum()
        speed = {"seconds": round(seconds, 1), "images_per_second": round(n_photos * len(table) / seconds, 2)}
        write_json(report / "run.json", {**identity, **record, **speed})
        for n_epochs in range(n_logged + 1, len(history) + 1):
            run.log_metrics(_tracked(table.head(n_epochs), n_photos), step=n_epochs)
        run.describe(_headline(training_figures(table)))
        n_logged = len(history)

    return log


def training_figures(history: pd.DataFrame) -> dict[str, Any]:
    """The training at a glance: epochs run, the epoch with the lowest validation MAE, and MAE in years."""
    best = history.loc[history[VALIDATION_MAE].idxmin()]
    return {
        "epochs_run": len(history),
        "best_epoch": int(best["epoch"]),
        "train_mae": round(float(best["mae"]), 4),
        "val_mae": round(float(best[VALIDATION_MAE]), 4),
    }


def _tracked(history: pd.DataFrame, n_photos: int) -> dict[str, float]:
    """What MLflow gets of the last epoch, with the best validation MAE and the seconds so far."""
    row = history.iloc[-1]
    return {
        **{_TRACKED[name]: value for name, value in row.items() if name in _TRACKED},
        "best_val_mae": training_figures(history)["val_mae"],
        "seconds_per_epoch": row["seconds"],
        "training_seconds": history["seconds"].sum(),
        "images_per_second": n_photos / row["seconds"],
    }


def _headline(figures: Mapping[str, Any]) -> str:
    """What the run's page says of a model until its evaluation says more."""
    return (
        f"**Validation MAE {figures['val_mae']:.2f} years**, the best of {figures['epochs_run']} epochs in "
        f"epoch {figures['best_epoch']}. Not evaluated on the test part yet."
    )
