"""A Python of its own that computes on JAX and cannot import TensorFlow."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

# Where `make env` installs requirements-jax.txt.
_FOLDER = Path(sys.prefix, "jax")

_BLOCK_TENSORFLOW = """
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "tensorflow":
            raise ModuleNotFoundError(f"No module named {name!r}: a test blocks it", name=name)

sys.meta_path.insert(0, Block())
"""


def jax_environment(folder: Path, *, python_path: str) -> dict[str, str]:
    """The environment of a process on JAX without TensorFlow; skips the test where there is no JAX.

    Args:
        folder: of the test, for the module that Python imports at its start.
        python_path: what else PYTHONPATH holds.
    """
    if find_spec("jax") is None and not _FOLDER.is_dir():
        pytest.skip(f"no JAX: `pip install --target {_FOLDER} -r requirements-jax.txt` installs it")
    (folder / "sitecustomize.py").write_text(_BLOCK_TENSORFLOW, encoding="utf-8")
    paths = [str(folder), python_path, *([str(_FOLDER)] if _FOLDER.is_dir() else [])]
    return {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": os.pathsep.join(paths)}
