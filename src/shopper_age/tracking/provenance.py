"""Provenance of a run: commit, DVC experiment, library versions, hardware."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from getpass import getuser
from importlib.metadata import PackageNotFoundError, version

from shopper_age.markdown import cell
from shopper_age.runtime.checkout import git
from shopper_age.runtime.machine import cpu_model, usable_cores

# Those that decide about weights and metrics, and those that keep the record.
LIBRARIES = ("tensorflow", "keras", "numpy", "pillow", "dvc", "mlflow")


def git_commit() -> str | None:
    """The commit that the code is based on; a DVC experiment gets its own commit only after it has run."""
    return os.environ.get("DVC_EXP_BASELINE_REV") or git("rev-parse", "HEAD")


def run_name() -> str:
    """The DVC experiment's name, or for a plain `dvc repro` the short commit: repro-1a2b3c4."""
    if name := os.environ.get("DVC_EXP_NAME"):
        return name
    commit = git_commit()
    return f"repro-{commit[:7]}" if commit else "repro"


def provenance() -> dict[str, str]:
    """Commit, DVC experiment, versions of Python and LIBRARIES, CPU, cores, memory; where known."""
    import psutil

    facts = {
        "git_commit": git_commit(),
        "dvc_experiment": os.environ.get("DVC_EXP_NAME"),
        "python": platform.python_version(),
        **{library: _installed(library) for library in LIBRARIES},
        "cpu": cpu_model(),
        "cpu_cores": str(usable_cores()),
        "memory_gib": f"{psutil.virtual_memory().total / 2**30:.1f}",
    }
    return {name: value for name, value in facts.items() if value}


def with_origin(report: str, facts: Mapping[str, str | None]) -> str:
    """A report that ends with a table of two columns, with more rows: the day and each of these facts.

    It is for MLflow's copy alone. A fact that is None is said to be unknown.
    """
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    rows = [f"| {name} | {cell(fact or 'not known')} |" for name, fact in {"day": today, **facts}.items()]
    return "\n".join([report.rstrip("\n"), *rows]) + "\n"


def user_name() -> str:
    try:
        return getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return "unknown"


def process_id() -> str:
    """Names this process for `is_dead_process`: host, process id, start in seconds since 1970."""
    import psutil

    process = psutil.Process()
    return f"{platform.node()} {process.pid} {process.create_time():.0f}"


def is_dead_process(process: str) -> bool:
    """Whether a process named by `process_id` ran on this machine and is no more."""
    import psutil

    match process.rsplit(" ", 2):
        case [node, pid, start] if node == platform.node():
            try:
                # A process id is used again in time, so the start must fit, too; clocks are set by seconds.
                return abs(psutil.Process(int(pid)).create_time() - float(start)) > 5
            except psutil.NoSuchProcess:
                return True
        case _:
            return False


def _installed(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
