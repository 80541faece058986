"""Offline log: operations kept on disk until the MLflow store can be reached."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

Operation = dict[str, Any]


def new_operation(kind: str, **fields: Any) -> Operation:
    """An operation of this moment: its `time` is in milliseconds since 1970, as MLflow counts."""
    return {"kind": kind, "time": int(time.time() * 1000), **fields}


class Spool:
    """A folder with the operations of one run, a JSON line each, and copies of the files they name.

    The first line opens the run. An operation that names a file has a `path`. The lock tells a spool whose
    process still writes from one that a kill left behind.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lines = folder / "operations.jsonl"
        self._lock = FileLock(folder / "lock")

    @classmethod
    def begin(cls, under: Path, opening: Operation) -> "Spool":
        """A new spool in the folder `under`, claimed by this process until `close`."""
        spool = cls(hidden_folder(under) / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{opening['key'][:8]}")
        spool.folder.mkdir()
        spool._lock.acquire()
        spool.write(opening)
        return spool

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

    def read(self) -> Iterator[Operation]:
        """The operations in their order, paths absolute. A last line that a kill cut short is left out."""
        for line in self._lines.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n"):
                operation = json.loads(line)
                if "path" in operation:
                    operation["path"] = str(self.folder / operation["path"])
                yield operation

    @contextmanager
    def claimed(self) -> Iterator[bool]:
        """Whether this process has the spool to itself: not while its run goes on or another sends it."""
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

    def _n_files(self) -> int:
        return len(list(self.folder.glob("files/*")))


def hidden_folder(path: Path) -> Path:
    """The folder, made if need be, which Git does not see."""
    path.mkdir(parents=True, exist_ok=True)
    (path / ".gitignore").write_text("*\n", encoding="utf-8")
    return path


def spools(under: Path) -> list[Spool]:
    """All spools in the folder `under`, oldest first."""
    return [Spool(folder) for folder in sorted(under.glob("*Z-*")) if folder.is_dir()]
