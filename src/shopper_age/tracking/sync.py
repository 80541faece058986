"""Sync of offline logs: what was kept on disk, sent to the MLflow store."""

import logging
from typing import NamedTuple

from shopper_age.runtime.progress import with_progress
from shopper_age.tracking.mlflow_run import MlflowRun, RefusedError
from shopper_age.tracking.offline import OfflineLog, offline_logs
from shopper_age.tracking.operations import Operation, RunRequest
from shopper_age.tracking.store import load_mlflow, offline_folder
from shopper_age.tracking.timeouts import error_text, with_timeout

logger = logging.getLogger(__name__)


class SyncReport(NamedTuple):
    """Names of the runs that reached the store, and a sentence for each that did not."""

    runs: list[str]
    failures: list[str]


def sync_offline_logs(store: str | None = None) -> SyncReport:
    """Sends the logs that were kept on disk to the present store, oldest first, and removes what arrived.

    The log of a run that still goes on is left alone.

    Args:
        store: sends only the logs that were meant for the store of this address.
    """
    load_mlflow()
    report = SyncReport([], [])
    for log in offline_logs(offline_folder()):
        with log.locked() as is_ours:
            if not is_ours:
                continue
            try:
                name = _send(log, store)
            except (
                Exception
            ) as error:  # whatever MLflow, a database driver, the network or the disk may raise
                report.failures.append(f"The log in {log.folder} was not accepted: {error_text(error)}.")
            else:
                report.runs.extend([name] if name else [])
    return report


def _send(log: OfflineLog, store: str | None) -> str | None:
    """The name of the run that the log was added to, or None where there is nothing to send to this store."""
    content = log.read()
    if content is None:  # a kill or a full disk came before its first line
        log.remove()
        return None
    request, operations = content
    if store not in (None, request.store):
        return None
    _replay(request, operations)
    log.remove()
    return request.name


def _replay(request: RunRequest, operations: list[Operation]) -> None:
    run = with_timeout(MlflowRun, request)
    for operation in with_progress(operations, f"sending {request.name}", len(operations), "entries"):
        try:
            with_timeout(run.apply, operation)
        except RefusedError as error:
            logger.warning(f"MLflow does not take {operation['kind']} of {request.name}: {error}.")
    if not operations or operations[-1]["kind"] != "finish":  # a kill came before
        time = operations[-1]["time"] if operations else request.time
        with_timeout(run.apply, {"kind": "finish", "status": "FAILED", "time": time})
