"""Where this process runs and from what: checkout, commit, DVC experiment, library versions, hardware."""

import os
import platform
import subprocess
from getpass import getuser
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# Those that decide about weights and figures, and those that keep the record.
LIBRARIES = ("tensorflow", "keras", "numpy", "pillow", "dvc", "mlflow")


def project_root() -> Path:
    """The user's checkout, where whatever must outlive one run of the pipeline belongs.

    Inside `dvc exp run --temp` and `--queue` DVC_ROOT names the user's checkout, while the working folder
    and Git's top level are a copy that DVC throws away. Without DVC it is Git's top level, without Git the
    working folder.
    """
    return Path(os.environ.get("DVC_ROOT") or _git("rev-parse", "--show-toplevel") or Path.cwd())


def git_commit() -> str | None:
    """The commit that the code is based on; a DVC experiment gets its own commit only after it has run."""
    return os.environ.get("DVC_EXP_BASELINE_REV") or _git("rev-parse", "HEAD")


def dvc_md5(path: str | Path) -> str | None:
    """The hash by which dvc.lock knows a dependency or output of a finished stage; None where it does not."""
    import yaml

    lock = Path("dvc.lock")
    if not lock.is_file():
        return None
    stages = yaml.safe_load(lock.read_text(encoding="utf-8")).get("stages", {}).values()
    entries = [entry for stage in stages for entry in (*stage.get("deps", []), *stage.get("outs", []))]
    return next((entry.get("md5") for entry in entries if entry["path"] == str(path)), None)


def run_name() -> str:
    """The DVC experiment's name, or for a plain `dvc repro` the short commit: repro-1a2b3c4."""
    if name := os.environ.get("DVC_EXP_NAME"):
        return name
    commit = git_commit()
    return f"repro-{commit[:7]}" if commit else "repro"


def provenance() -> dict[str, str]:
    """Commit, DVC experiment and stage, versions of Python and LIBRARIES, CPU, cores, memory; where known."""
    import psutil

    facts = {
        "git_commit": git_commit(),
        "dvc_experiment": os.environ.get("DVC_EXP_NAME"),
        "dvc_stage": os.environ.get("DVC_STAGE"),
        "python": platform.python_version(),
        **{library: _installed(library) for library in LIBRARIES},
        "cpu": _cpu_model(),
        "cpu_cores": str(usable_cores()),
        "memory_gib": f"{psutil.virtual_memory().total / 2**30:.1f}",
    }
    return {name: value for name, value in facts.items() if value}


def user_name() -> str:
    try:
        return getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return "unknown"


def this_process() -> str:
    """Names this process for `has_died_here`: host, process id, start in seconds since 1970."""
    import psutil

    process = psutil.Process()
    return f"{platform.node()} {process.pid} {process.create_time():.0f}"


def has_died_here(process: str) -> bool:
    """Whether a process named by `this_process` ran on this machine and is no more."""
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


def _git(*arguments: str) -> str | None:
    try:
        answer = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()


def _installed(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def usable_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()
