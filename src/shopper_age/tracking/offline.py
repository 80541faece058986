"""Offline log: operations kept on disk until the MLflow store can be reached."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from shopper_age.tracking.operations import Operation, RunRequest


class OfflineLog:
    """A folder with the operations of one run, a JSON line each, and copies of the files they name.

    The first line is the request for the run. An operation that names a file has a `path`. The lock tells a
    log whose process still writes from one that a kill left behind.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lines = folder / "operations.jsonl"
        self._lock = FileLock(folder / "lock")

    @classmethod
    def begin(cls, under: Path, request: RunRequest) -> "OfflineLog":
        """A new log in the folder `under`, locked by this process until `close`."""
        log = cls(hidden_folder(under) / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{request.key[:8]}")
        log.folder.mkdir()
        log._lock.acquire()
        log.write(request.to_operation())
        return log

    def write(self, operation: Operation) -> None:
        """Appends the operation; its file is copied, since the next run of a stage rewrites its outputs."""
        if "path" in operation:
            source = Path(operation["path"])
            operation = {**operation, "path": f"files/{self._n_files()}/{source.name}"}
            copy = self.folder / operation["path"]
            copy.parent.mkdir(parents=True)
            if source.is_dir():
                shutil.copytree(source, copy)
            else:
                shutil.copyfile(source, copy)
        with self._lines.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(operation) + "\n")

    def read(self) -> tuple[RunRequest, list[Operation]] | None:
        """The request and the operations in their order, paths absolute; None where not even the request is.

        A last line that a kill or a full disk cut short is left out.
        """
        operations = list(self._complete_lines())
        return (RunRequest.from_operation(operations[0]), operations[1:]) if operations else None

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Whether this process has the log to itself: not while its run goes on or another sends it."""
        try:
            self._lock.acquire(timeout=0)
        except (Timeout, FileNotFoundError):  # somebody else has it, or has sent and removed it
            yield False
            return
        try:
            yield self._lines.is_file()
        finally:
            self._lock.release()

    def close(self) -> None:
        self._lock.release()

    def remove(self) -> None:
        shutil.rmtree(self.folder)

    def _complete_lines(self) -> Iterator[Operation]:
        for line in self._lines.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n"):
                operation = json.loads(line)
                if "path" in operation:
                    operation["path"] = str(self.folder / operation["path"])
                yield operation

    def _n_files(self) -> int:
        return len(list(self.folder.glob("files/*")))


def hidden_folder(path: Path) -> Path:
    """The folder, made if need be, which Git does not see."""
    path.mkdir(parents=True, exist_ok=True)
    (path / ".gitignore").write_text("*\n", encoding="utf-8")
    return path


def offline_logs(under: Path) -> list[OfflineLog]:
    """All logs in the folder `under`, oldest first."""
    return [OfflineLog(folder) for folder in sorted(under.glob("*Z-*")) if folder.is_dir()]
