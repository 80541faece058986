"""Processes of tests with a Python that is changed at its start: a small network, or no TensorFlow."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

_FOLDER = Path(__file__).parents[1] / "python_start"

# Where `make env` installs requirements-jax.txt.
_JAX = Path(sys.prefix, "jax")


def small_network(environment: dict[str, str]) -> dict[str, str]:
    """The environment of a process whose trainings are not about the network.

    Tracing ResNet50 takes longer than some epochs on a few drawn faces.
    """
    return _changed(environment, "small_network")


def on_jax(environment: dict[str, str]) -> dict[str, str]:
    """The environment of a process on JAX without TensorFlow; skips the test where there is no JAX."""
    if find_spec("jax") is None:
        if not _JAX.is_dir():
            pytest.skip(f"no JAX: `pip install --target {_JAX} -r requirements-jax.txt` installs it")
        environment = {**environment, "PYTHONPATH": os.pathsep.join([environment["PYTHONPATH"], str(_JAX)])}
    return {**_changed(environment, "without_tensorflow"), "KERAS_BACKEND": "jax"}


def _changed(environment: dict[str, str], change: str) -> dict[str, str]:
    paths = [
        str(_FOLDER),
        *(path for path in environment["PYTHONPATH"].split(os.pathsep) if path != str(_FOLDER)),
    ]
    changes = f"{environment.get('TEST_PYTHON', '')} {change}".strip()
    return {**environment, "PYTHONPATH": os.pathsep.join(paths), "TEST_PYTHON": changes}
