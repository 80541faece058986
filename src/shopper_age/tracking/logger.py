"""The logger of a run: never raises, falls back to the offline log."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from shopper_age.params import dotted
from shopper_age.runtime.hashing import file_md5
from shopper_age.tracking.mlflow_run import MlflowRun, RefusedError
from shopper_age.tracking.offline import OfflineLog
from shopper_age.tracking.operations import Operation, RunRequest, new_operation
from shopper_age.tracking.secrets import without_password, without_secrets
from shopper_age.tracking.store import connect, load_mlflow, offline_folder
from shopper_age.tracking.sync import sync_offline_logs
from shopper_age.tracking.timeouts import error_text, with_timeout

logger = logging.getLogger(__name__)

HOW_TO_SYNC = "The next run that reaches the store sends the log, `make send-log` does so at once."


class RunLogger:
    """Logs a run. Nothing that happens to the store makes its methods raise.

    Args:
        request: the run that is wanted.
        log_photos: whether artifacts that show people are uploaded.
        watches_hardware: whether load and memory of this machine are logged, as where it trains.
    """

    def __init__(self, request: RunRequest, *, log_photos: bool, watches_hardware: bool = True) -> None:
        self._request = request
        self._watches_hardware = watches_hardware
        self._log_photos = log_photos
        self._run: MlflowRun | None = None
        self._offline: OfflineLog | None = None
        self._sink: Callable[[Operation], None]
        try:
            self._run = self._open()
            self._sink = partial(with_timeout, self._run.apply)
        except Exception as error:
            self._sink = self._fall_back(error)

    @property
    def id(self) -> str:
        """What `training_run(resume_id=...)` takes to go on with this run, be it in a store yet or not."""
        return self._request.key

    @property
    def store_id(self) -> str | None:
        """MLflow's id of the run, or None where no store answered."""
        return self._run.id if self._run else None

    @property
    def name(self) -> str:
        """The name it bears in MLflow: the DVC experiment's, or what `run_name` makes of the commit."""
        return self._request.name

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Logs settings, nested ones as `train.label_sigma`. The first value of a setting stays."""
        self._log("params", params={name: str(value) for name, value in dotted(params).items()})

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Logs numbers: those of an epoch (`step`, from 0) once, those without a step anew if they differ.

        MLflow shows them under the names that `metric_names.mlflow_name` gives them.
        """
        self._log("metrics", metrics={key: float(value) for key, value in metrics.items()}, step=step)

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        self._log("tags", tags={key: str(value) for key, value in tags.items()})

    def set_model(self, model_path: str | Path) -> None:
        """Says which model file came out, so that `evaluation_run` finds this run."""
        self.set_tags({"model_md5": file_md5(model_path)})

    def describe(self, markdown: str) -> None:
        """Sets the text on top of the run's page; in links RUN_PAGE is that page."""
        self._log("description", text=markdown)

    def log_artifact(self, path: str | Path, folder: str = "", *, shows_people: bool = False) -> None:
        """Uploads a file, or a folder with all in it; one that shows people only where photos may be logged.

        Where there is nothing at `path`, as when somebody cleaned up meanwhile, that is a warning: it ends no
        training.
        """
        path = Path(path).absolute()
        if not path.exists():
            logger.warning("%s cannot be logged to MLflow: there is no such file.", path)
            return
        if self._log_photos or not shows_people:
            self._log("artifact", path=str(path), folder=folder)

    def log_dataset(self, name: str, *, digest: str, source: str | Path, n_rows: int, context: str) -> None:
        """Notes which data went in: its hash (up to 36 characters), place, size, use, such as "training"."""
        self._log("dataset", name=name, digest=digest, source=str(source), n_rows=n_rows, context=context)

    def finish(self, status: str) -> None:
        """Ends the run as FINISHED or FAILED."""
        self._log("finish", status=status)
        if self._offline is not None:
            self._offline.close()

    def _open(self) -> MlflowRun:
        load_mlflow()
        with_timeout(connect, self._request.experiment)
        # First of all, or the run of a model whose training waits to be sent would not be found.
        for failure in sync_offline_logs(self._request.store).failures:
            logger.warning(failure)
        run = with_timeout(MlflowRun, self._request)
        with_timeout(run.fail_dead_runs)
        if self._request.evaluation is None and self._watches_hardware:
            with_timeout(run.watch_hardware)
        return run

    def _log(self, kind: str, **fields: Any) -> None:
        # A file's place is needed as it is, and is not kept.
        known = {name: value if name == "path" else without_secrets(value) for name, value in fields.items()}
        self._write(new_operation(kind, **known))

    def _write(self, operation: Operation) -> None:
        try:
            self._sink(operation)
        except RefusedError as error:
            why = without_password(str(error))
            logger.warning(f"MLflow at {self._request.store} does not take {operation['kind']}: {why}.")
        except Exception as error:  # whatever MLflow, a database driver, the network or the disk may raise
            self._sink = self._fall_back(error)
            self._write(operation)

    def _fall_back(self, error: Exception) -> Callable[[Operation], None]:
        """After the store the offline log, after a disk that takes none nothing; the user is told."""
        if self._offline is None:
            unusable = f"MLflow at {self._request.store} cannot be used: {error_text(error)}."
            try:
                self._offline = OfflineLog.begin(offline_folder(), self._request)
            except OSError as disk_error:
                logger.warning(unusable)
                error = disk_error
            else:
                logger.warning(
                    f"{unusable} The work goes on, its log is kept in {self._offline.folder}. {HOW_TO_SYNC}"
                )
                return self._offline.write
        logger.warning(f"What this run logs from here on is lost, but not its work: {error_text(error)}.")
        return discard


def discard(operation: Operation) -> None:
    """Takes an operation that neither store nor disk would."""
