"""A run in MLflow: found or made, and the operations on it."""

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shopper_age.tracking.metric_names import mlflow_name, rounded
from shopper_age.tracking.mlflow_internals import (
    EVALUATION_KEY,
    NOTE,
    PARENT_KEY,
    PROCESS,
    RUN_KEY,
    leave_out_disk_and_network,
    run_page,
)
from shopper_age.tracking.operations import RUN_PAGE, EvaluationOf, Operation, RunRequest, now
from shopper_age.tracking.provenance import is_dead_process
from shopper_age.tracking.store import connect, store_uri
from shopper_age.tracking.timeouts import error_text

if TYPE_CHECKING:
    from mlflow.entities import Run


# Told again, as evaluation_git_commit for one, by an evaluation from elsewhere that adds to a training's run.
ORIGIN = ("git_commit", "dvc_experiment")

# Settings of an evaluation begin with it, all others are the training's.
OF_EVALUATION = "evaluate."

# MLflow refuses a longer hash of a dataset.
MAX_DIGEST = 36

# What MLflow answers to a name or value it does not take, and for a run that was deleted meanwhile.
REFUSALS = ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST")


class RefusedError(Exception):
    """An operation that no store will take: sending it later is of no use."""


class MlflowRun:
    """The run in MLflow that a request asks for.

    Every method raises what MLflow, a database driver or the network raise.
    """

    def __init__(self, request: RunRequest) -> None:
        self._client, self._experiment_id = connect(request.experiment)
        self._request = request
        self._owns_status = True
        self._monitor: Any = None
        evaluation = request.evaluation
        run = self._open_training() if evaluation is None else self._open_evaluation(evaluation)
        self.id: str = run.info.run_id
        self._params: dict[str, str] = dict(run.data.params)
        self._points: dict[str, dict[int, float]] = {}

    def watch_hardware(self) -> None:
        """Logs load and memory of CPU and GPU every ten seconds, from a thread, until the run ends."""
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        self._monitor = SystemMetricsMonitor(self.id, resume_logging=True, tracking_uri=store_uri())
        leave_out_disk_and_network(self._monitor)
        self._monitor.start()

    def fail_dead_runs(self) -> None:
        """Marks the experiment's runs as failed whose process on this machine was killed before it could."""
        for run in self._client.search_runs([self._experiment_id], "attributes.status = 'RUNNING'"):
            if is_dead_process(run.data.tags.get(PROCESS, "")):
                self._client.set_tag(run.info.run_id, "error", "its process was killed")
                self._client.set_terminated(run.info.run_id, "FAILED")

    def apply(self, operation: Operation) -> None:
        """Carries out one operation; a second time it changes nothing.

        Raises:
            RefusedError: the store works, but does not take this, now or later.
        """
        from mlflow.exceptions import MlflowException

        try:
            self._carry_out(operation)
        except MlflowException as error:
            if error.error_code in REFUSALS:
                raise RefusedError(error_text(error)) from error
            raise

    def _carry_out(self, operation: Operation) -> None:
        match operation:
            case {"kind": "params", "params": params}:
                self._log_params(params)
            case {"kind": "metrics", "metrics": metrics, "step": step, "time": time}:
                self._log_metrics(metrics, step, time)
            case {"kind": "tags", "tags": tags}:
                self._set_tags(self.id, tags)
            case {"kind": "description", "text": text}:
                page = run_page(self._experiment_id, self.id)
                self._set_tags(self.id, {NOTE: text.replace(RUN_PAGE, page)})
            case {"kind": "artifact", "path": path, "folder": folder}:
                self._client.log_artifact(self.id, path, folder or None)
            case {"kind": "dataset", **dataset}:
                self._log_dataset(dataset)
            case {"kind": "finish", "status": status, "time": time}:
                self._finish(status, time)
            case _:
                raise RefusedError(f"an operation of an unknown kind: {operation!r}")

    def _open_training(self) -> "Run":
        key = {RUN_KEY: self._request.key}
        run = self._find(key)
        if run is None:
            run = self._create({**key, **self._place_below_parent()})
            self._adopt(run.info.run_id)
            return run
        if (run.info.end_time or 0) > self._request.time:
            # A log that is sent late does not undo what came after it.
            self._owns_status = False
            return run
        # The run is that of the experiment which completes it: DVC has none of the interrupted one.
        tags = self._request.tags
        self._client.update_run(run.info.run_id, status="RUNNING", name=self._request.name)
        self._set_tags(run.info.run_id, tags)
        for stale in {"error", "dvc_experiment"} & run.data.tags.keys() - tags.keys():
            self._client.delete_tag(run.info.run_id, stale)
        return run

    def _place_below_parent(self) -> dict[str, str]:
        """Tags that name the parent, if the run has one: its key, and MLflow's id where that is known."""
        if self._request.parent is None:
            return {}
        parent = self._find({RUN_KEY: self._request.parent})
        known = {"mlflow.parentRunId": parent.info.run_id} if parent else {}
        return {PARENT_KEY: self._request.parent, **known}

    def _adopt(self, run_id: str) -> None:
        """Parts of this training may have been sent before it was: their logs end earlier."""
        condition = f"tags.`{PARENT_KEY}` = '{self._request.key}'"
        for part in self._client.search_runs([self._experiment_id], condition):
            self._client.set_tag(part.info.run_id, "mlflow.parentRunId", run_id)

    def _open_evaluation(self, evaluation: EvaluationOf) -> "Run":
        model, key = {"model_md5": evaluation.model_md5}, evaluation.key
        run = self._find(model)
        if run is None:
            return self._create({**model, EVALUATION_KEY: key, "trained_elsewhere": "true"})
        if run.data.tags.get(EVALUATION_KEY, key) != key:
            child = {"mlflow.parentRunId": run.info.run_id, EVALUATION_KEY: key}
            return self._find(child) or self._create_child(run, child)
        # How the training ended is not for its evaluation to change.
        self._owns_status = "trained_elsewhere" in run.data.tags
        tags, trained = self._request.tags, run.data.tags
        other = {tag: tags[tag] for tag in ORIGIN if tag in tags and tags[tag] != trained.get(tag)}
        self._set_tags(
            run.info.run_id, {EVALUATION_KEY: key, **{f"evaluation_{tag}": tags[tag] for tag in other}}
        )
        for stale in {f"evaluation_{tag}" for tag in ORIGIN if tag not in other} & trained.keys():
            self._client.delete_tag(run.info.run_id, stale)
        return run

    def _find(self, tags: Mapping[str, str]) -> "Run | None":
        condition = " and ".join(f"tags.`{tag}` = '{value}'" for tag, value in tags.items())
        newest = ["attributes.start_time DESC"]
        runs = self._client.search_runs([self._experiment_id], condition, max_results=1, order_by=newest)
        return runs[0] if runs else None

    def _create(self, tags: Mapping[str, str]) -> "Run":
        return self._client.create_run(
            self._experiment_id,
            start_time=self._request.time,
            tags={**self._request.tags, **tags},
            run_name=self._request.name,
        )

    def _create_child(self, parent: "Run", tags: Mapping[str, str]) -> "Run":
        """A run with what its row in a list is compared by: how its model was trained, and its error."""
        from mlflow.entities import Metric, Param

        run_id = self._create(tags).info.run_id
        training = {k: v for k, v in parent.data.params.items() if not k.startswith(OF_EVALUATION)}
        best = mlflow_name("best_val_mae")
        points = [Metric(best, parent.data.metrics[best], now(), 0)] if best in parent.data.metrics else []
        self._client.log_batch(run_id, params=[Param(*param) for param in training.items()], metrics=points)
        return self._client.get_run(run_id)

    def _log_params(self, params: Mapping[str, str]) -> None:
        from mlflow.entities import Param

        params = {_allowed(key): value for key, value in params.items()}
        new = {key: value for key, value in params.items() if key not in self._params}
        self._client.log_batch(self.id, params=[Param(key, value) for key, value in new.items()])
        self._params |= new
        # A parameter of MLflow never changes; what a resumed run was told otherwise becomes a tag.
        changed = {f"later.{key}": value for key, value in params.items() if self._params[key] != value}
        self._set_tags(self.id, changed)

    def _log_metrics(self, metrics: Mapping[str, float], step: int | None, time: int) -> None:
        from mlflow.entities import Metric

        of_epoch = step is not None
        named = {mlflow_name(key, of_epoch=of_epoch): rounded(value) for key, value in metrics.items()}
        metrics = {_allowed(key): value for key, value in named.items()}
        new = {key: value for key, value in metrics.items() if not self._has(key, value, step)}
        points = [Metric(key, value, time, step or 0) for key, value in new.items()]
        self._client.log_batch(self.id, metrics=points)
        for key, value in new.items():
            self._points[key][step or 0] = value

    def _has(self, key: str, value: float, step: int | None) -> bool:
        """Whether the store has the epoch, which a kill may have repeated, or, without a step, this value."""
        if key not in self._points:
            history = sorted(self._client.get_metric_history(self.id, key), key=lambda point: point.timestamp)
            self._points[key] = {point.step: point.value for point in history}
        points = self._points[key]
        return points.get(0) == value if step is None else step in points

    def _set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        from mlflow.entities import RunTag

        self._client.log_batch(run_id, tags=[RunTag(_allowed(key), value) for key, value in tags.items()])

    def _log_dataset(self, dataset: Operation) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        entry = Dataset(
            name=dataset["name"],
            digest=dataset["digest"][:MAX_DIGEST],
            source_type="local",
            source=json.dumps({"uri": dataset["source"]}),
            profile=json.dumps({"num_rows": dataset["n_rows"]}),
        )
        use = InputTag("mlflow.data.context", dataset["context"])
        self._client.log_inputs(self.id, datasets=[DatasetInput(entry, [use])])

    def _finish(self, status: str, time: int) -> None:
        if self._monitor is not None:
            self._monitor.finish()
        if self._owns_status:
            self._client.set_terminated(self.id, status, end_time=time)


def _allowed(key: str) -> str:
    """The key with an underscore for each character that MLflow refuses."""
    return re.sub(r"[^\w\-./ :]", "_", key)
