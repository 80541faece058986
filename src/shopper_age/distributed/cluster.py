"""The Ray cluster that work runs on: a running one, or one of this machine's own that ends with the work."""

import logging
import os
import socket
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from shopper_age.runtime.interruption import termination_raises
from shopper_age.runtime.machine import usable_cores
from shopper_age.runtime.messages import shorten

# Address of a running cluster, as Ray itself reads it.
ADDRESS = "RAY_ADDRESS"

REQUIREMENTS = "requirements-scale.txt"

# Of a local cluster, between whose processes names and counts pass. Ray would take a third of the memory.
_OBJECT_STORE_BYTES = 128 * 2**20

_CONNECTION_TIMEOUT_S = 10

# Read by Ray when it is imported: no statistics for its makers, no bars and hints between our lines. What it
# logs stays in its own folder.
_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


class RayMissingError(ModuleNotFoundError, ValueError):
    """Ray is not installed: a setting asks for what this environment has not."""


@contextmanager
def cluster(n_cpus: int, *, environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """Ray, for the time of the block: the cluster at RAY_ADDRESS, or a local one, stopped at the end.

    Args:
        n_cpus: how many the work asks for; a local cluster has at least these, whatever the machine has.
        environment: variables of the processes that work.

    Raises:
        RayMissingError: as `import_ray`.
        ConnectionError: nothing answers at RAY_ADDRESS, or not this version of Ray.
    """
    ray = import_ray()
    address = os.environ.get(ADDRESS)
    if address:
        _check_reachable(address)
        own: dict[str, Any] = {}
    else:
        own = {
            "num_cpus": max(n_cpus, usable_cores()),
            "object_store_memory": _OBJECT_STORE_BYTES,
            "include_dashboard": False,
        }
    if environment:
        own["runtime_env"] = {"env_vars": dict(environment)}
    try:
        with _errors_unprinted(), warnings.catch_warnings():
            # JAX warns of every process that is started after it; Ray's share nothing with this one
            warnings.filterwarnings("ignore", message=r"os\.fork\(\) was called", category=RuntimeWarning)
            # "local": Ray would join a cluster that somebody else started on this machine
            ray.init(address=address or "local", logging_level=logging.ERROR, log_to_driver=False, **own)
    except (ConnectionError, RuntimeError) as error:  # RuntimeError: of another version of Ray or Python
        raise ConnectionError(f"no Ray cluster at {address or 'this machine'}: {_reason(error)}") from error
    try:
        with termination_raises():  # Ray's own handler of SIGTERM aborts with a stack
            yield
    finally:
        ray.shutdown()


def import_ray() -> Any:
    """Ray, told to be quiet.

    Raises:
        RayMissingError: it is not installed; the message names the file to install.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as error:
        raise RayMissingError(
            f"several workers need Ray ({error.name} is missing): pip install -r {REQUIREMENTS}"
        ) from error
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return ray


def _reason(error: Exception) -> str:
    """What Ray says, and what led to it, such as a missing token."""
    if error.__cause__ is None:
        return str(error)
    *_, last = str(error.__cause__).strip().splitlines() or [""]
    return f"{error} ({shorten(last, 300)})"


def _check_reachable(address: str) -> None:
    """Ray itself would wait for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():  # "auto" and the like
        return
    try:
        socket.create_connection((host, int(port)), _CONNECTION_TIMEOUT_S).close()
    except OSError as error:
        raise ConnectionError(
            f"nothing answers at {ADDRESS}={address} ({error}): start the cluster, or unset {ADDRESS} to "
            "work on this machine"
        ) from error


@contextmanager
def _errors_unprinted() -> Iterator[None]:
    """Nothing on standard error, where Ray's native code tells that it was told to be quiet."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
