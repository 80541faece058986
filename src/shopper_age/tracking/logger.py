"""The logger of a run: never raises, falls back to the offline log."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from shopper_age.runtime.hashing import file_md5
from shopper_age.tracking.mlflow_run import RefusedError, StoredRun
from shopper_age.tracking.offline import Operation, Spool, new_operation
from shopper_age.tracking.store import connect, load_mlflow, spool_folder
from shopper_age.tracking.sync import send
from shopper_age.tracking.timeouts import bounded, reason, warn

HOW_TO_SEND = "The next run that reaches the store sends the log, `make send-log` does so at once."


class Run:
    """A run being logged. Nothing that happens to the store makes its methods raise."""

    def __init__(self, opening: Operation, *, log_photos: bool) -> None:
        self._opening = opening
        self._log_photos = log_photos
        self._stored: StoredRun | None = None
        self._spool: Spool | None = None
        self._sink: Callable[[Operation], None]
        try:
            self._stored = self._open()
            self._sink = partial(bounded, self._stored.apply)
        except Exception as error:
            self._sink = self._next_sink(error)

    @property
    def id(self) -> str:
        """What `training_run(resume_id=...)` takes to go on with this run, be it in a store yet or not."""
        return self._opening["key"]

    @property
    def store_id(self) -> str | None:
        """MLflow's id of the run, or None where no store answered."""
        return self._stored.id if self._stored else None

    @property
    def name(self) -> str:
        """The name it bears in MLflow: the DVC experiment's, or what `run_name` makes of the commit."""
        return self._opening["name"]

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Logs settings, nested ones as `train.label_sigma`. The first value of a setting stays."""
        self._log("params", params=_flat(params))

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Logs figures: those of an epoch (`step`, from 0) once, those without a step anew if they differ."""
        self._log("metrics", metrics={key: float(value) for key, value in metrics.items()}, step=step)

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        self._log("tags", tags={key: str(value) for key, value in tags.items()})

    def set_model(self, model_path: str | Path) -> None:
        """Says which model file came out, so that `evaluation_run` finds this run."""
        self.set_tags({"model_md5": file_md5(model_path)})

    def describe(self, markdown: str) -> None:
        """Sets the text on top of the run's page."""
        self.set_tags({"mlflow.note.content": markdown})

    def log_artifact(self, path: str | Path, folder: str = "", *, shows_people: bool = False) -> None:
        """Uploads a file, or a folder with all in it; one that shows people only where photos may be logged.

        Raises:
            FileNotFoundError: there is nothing at `path`.
        """
        path = Path(path).absolute()
        if not path.exists():
            raise FileNotFoundError(f"{path} cannot be logged: there is no such file.")
        if self._log_photos or not shows_people:
            self._log("artifact", path=str(path), folder=folder)

    def log_dataset(self, name: str, *, digest: str, source: str | Path, n_rows: int, context: str) -> None:
        """Notes which data went in: its hash (up to 36 characters), place, size, use, such as "training"."""
        self._log("dataset", name=name, digest=digest, source=str(source), n_rows=n_rows, context=context)

    def finish(self, status: str) -> None:
        """Ends the run as FINISHED or FAILED."""
        self._log("finish", status=status)
        if self._spool is not None:
            self._spool.close()

    def _open(self) -> StoredRun:
        load_mlflow()
        bounded(connect, self._opening["experiment"])
        # First of all, or the run of a model whose training waits to be sent would not be found.
        for failure in send(self._opening["store"]).failures:
            warn(failure)
        stored = bounded(StoredRun, self._opening)
        bounded(stored.fail_dead_runs)
        if "model_md5" not in self._opening:
            bounded(stored.watch_hardware)
        return stored

    def _log(self, kind: str, **fields: Any) -> None:
        self._write(new_operation(kind, **fields))

    def _write(self, operation: Operation) -> None:
        try:
            self._sink(operation)
        except RefusedError as error:
            warn(f"MLflow at {self._opening['store']} does not take {operation['kind']}: {error}.")
        except Exception as error:  # whatever MLflow, a database driver, the network or the disk may raise
            self._sink = self._next_sink(error)
            self._write(operation)

    def _next_sink(self, error: Exception) -> Callable[[Operation], None]:
        """After the store the spool, after a spool that cannot be written nothing; the user is told."""
        if self._spool is None:
            store = self._opening["store"]
            try:
                self._spool = Spool.begin(spool_folder(), self._opening)
            except OSError as disk_error:
                warn(f"MLflow at {store} cannot be used: {reason(error)}.")
                error = disk_error
            else:
                warn(
                    f"MLflow at {store} cannot be used: {reason(error)}. "
                    f"The work goes on, its log is kept in {self._spool.folder}. {HOW_TO_SEND}"
                )
                return self._spool.write
        warn(f"What this run logs from here on is lost, but not its work: {reason(error)}.")
        return _nowhere


def _nowhere(operation: Operation) -> None:
    """Takes an operation that neither store nor disk would."""


def _flat(params: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings as one level of dotted names and text."""
    flat: dict[str, str] = {}
    for key, value in params.items():
        flat |= (
            _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": str(value)}
        )
    return flat
