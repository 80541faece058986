"""Cost of a command: seconds, and the peak of its memory.

The kernel counts in a child's peak what its parent held at the start, so a benchmark that holds photos would
find them in every figure. This file, run as a script, is a small parent in between.
"""

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Cost(NamedTuple):
    """Seconds on the clock and of all cores, and MiB of the largest process."""

    wall_s: float
    cpu_s: float
    peak_mib: float


def measure(command: Sequence[str | Path], *, folder: Path, environment: Mapping[str, str]) -> Cost:
    """The cost of a command run in a folder, its children included.

    Raises:
        RuntimeError: the command failed; the message ends with what it said.
    """
    launcher = [sys.executable, "-I", __file__, *command]
    done = subprocess.run(launcher, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        told = " ".join(map(str, command))
        raise RuntimeError(f"{told} ended with status {done.returncode}:\n{done.stderr[-4000:]}")
    return Cost(**json.loads(done.stdout))


def median_cost(costs: Sequence[Cost]) -> Cost:
    return Cost(*(statistics.median(values) for values in zip(*costs, strict=True)))


def _main() -> None:
    start = time.perf_counter()
    status = subprocess.run(sys.argv[1:], stdout=sys.stderr).returncode
    wall_s = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    json.dump(Cost(wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss / unit)._asdict(), sys.stdout)
    sys.exit(status)


if __name__ == "__main__":
    _main()
