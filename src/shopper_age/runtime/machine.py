"""Hardware of this machine."""

import math
import os
import platform
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")  # Linux; as a container sees them, its own limits lie on top


def usable_cores(cgroups: Path = _CGROUPS) -> int:
    """The cores that this process may use: those it is bound to, or fewer where a container has a CPU quota.

    A quota such as `docker run --cpus 1.5` counts rounded up: 2.
    """
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(n_cores, _cpu_quota(cgroups))))


def _cpu_quota(cgroups: Path) -> float:
    """The cores' worth of time that the container may spend; infinite without a limit.

    Source: Linux kernel documentation, cgroup-v2.rst ("cpu.max") and sched-bwc.rst ("cpu.cfs_quota_us").
    """
    version_2 = cgroups / "cpu.max"
    version_1 = [cgroups / "cpu" / f"cpu.cfs_{name}_us" for name in ("quota", "period")]
    if version_2.is_file():
        quota, period = version_2.read_text(encoding="utf-8").split()
    elif all(path.is_file() for path in version_1):
        quota, period = (path.read_text(encoding="utf-8").strip() for path in version_1)
    else:
        return math.inf
    return math.inf if quota in ("max", "-1") else int(quota) / int(period)


def cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()
