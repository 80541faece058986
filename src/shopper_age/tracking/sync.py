"""Sending of offline logs to the MLflow store."""

from typing import NamedTuple

from shopper_age.tracking.mlflow_run import RefusedError, StoredRun
from shopper_age.tracking.offline import Operation, spools
from shopper_age.tracking.store import load_mlflow, spool_folder
from shopper_age.tracking.timeouts import bounded, reason, warn


class Sent(NamedTuple):
    """Names of the runs that reached the store, and a sentence for each that did not."""

    runs: list[str]
    failures: list[str]


def send_spool() -> Sent:
    """Sends every log that was kept on disk to the present store, oldest first.

    The log of a run that still goes on is left alone.
    """
    load_mlflow()
    return send()


def send(store: str | None = None) -> Sent:
    """Sends the logs that were meant for `store`, or all; what arrived is removed from the disk."""
    sent = Sent([], [])
    for spool in spools(spool_folder()):
        with spool.claimed() as is_ours:
            opening, *operations = list(spool.read()) if is_ours else [{}]
            if not opening or store not in (None, opening["store"]):
                continue
            try:
                _replay(opening, operations)
            except Exception as error:  # whatever MLflow, a database driver or the network may raise
                sent.failures.append(f"The log in {spool.folder} was not accepted: {reason(error)}.")
            else:
                sent.runs.append(opening["name"])
                spool.remove()
    return sent


def _replay(opening: Operation, operations: list[Operation]) -> None:
    stored = bounded(StoredRun, opening)
    for operation in operations:
        try:
            bounded(stored.apply, operation)
        except RefusedError as error:
            warn(f"MLflow does not take {operation['kind']} of {opening['name']}: {error}.")
    last = operations[-1] if operations else opening
    if last["kind"] != "finish":  # a kill came before
        bounded(stored.apply, {"kind": "finish", "status": "FAILED", "time": last["time"]})
