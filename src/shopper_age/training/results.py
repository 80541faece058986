"""The right to write the results of a training: one process at a time has it in a working folder."""

import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from shopper_age.runtime.files import write_text
from shopper_age.runtime.parent import Parent, is_started_by_dvc

_log = logging.getLogger(__name__)

# A training that has lost its DVC needs up to a batch to notice and to end.
_WAIT_SECONDS = 20.0


class NotWantedError(ValueError):
    """Nobody waits for this training any more, or another one writes results by now."""


class ResultsLock:
    """What a training asks before it writes.

    Args:
        holder_file: where the process that may write stands.
        holder: how this one stands there.
        parent: the process that waits for the training, if one does.
    """

    def __init__(self, holder_file: Path, holder: str, parent: Parent | None) -> None:
        self._holder_file = holder_file
        self._holder = holder
        self._parent = parent

    def check(self) -> None:
        """Returns while this process may write results.

        Raises:
            NotWantedError: DVC, which started it, is gone, or another training has taken over.
        """
        if self._parent is not None and self._parent.is_gone():
            raise NotWantedError(
                "DVC, which started this training, is gone: it stops and writes no results. Its last "
                "finished epoch is kept, `dvc repro` goes on from there"
            )
        holder = _holder(self._holder_file)
        if holder not in (None, self._holder):
            raise NotWantedError(
                f"another training (process {_pid(holder)}) writes the results of this folder by now: this "
                "one stops and writes none. Its last finished epoch is kept"
            )


@contextmanager
def results_lock(folder: Path) -> Iterator[ResultsLock]:
    """Holds the results of the working folder until the block ends, however its process ends.

    Args:
        folder: where the lock lies; made. It belongs to one working folder, a temporary copy has its own.

    Raises:
        ValueError: another training writes its results there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock, holder_file = FileLock(folder / "results.lock"), folder / "results.pid"
    try:
        lock.acquire(timeout=0.1)
    except Timeout:
        _log.info("train: waiting up to %.0f s for process %s to end", _WAIT_SECONDS, _who(holder_file))
        try:
            lock.acquire(timeout=_WAIT_SECONDS)
        except Timeout:
            raise ValueError(
                f"another training (process {_who(holder_file)}) is writing the results of {folder.parent}: "
                "wait for it or stop it, then run again"
            ) from None
    try:
        holder = f"{os.getpid()} {uuid.uuid4().hex}"  # the number alone may come again, in a container
        write_text(holder_file, holder)
        yield ResultsLock(holder_file, holder, Parent() if is_started_by_dvc() else None)
    finally:
        lock.release()


def _holder(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _pid(holder: str | None) -> str:
    return holder.split()[0] if holder else "unknown"


def _who(path: Path) -> str:
    return _pid(_holder(path))
