"""From face photos with known ages to an age model: the functions that notebooks and stages call.

Each name is imported when it is first touched, so that `import shopper_age` costs nothing and the
stages that need no network start without TensorFlow.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "load_train": "loading",
    "load_test": "loading",
    "create_model": "model",
    "train_model": "training",
}

__all__ = ["create_model", "load_test", "load_train", "train_model"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'shopper_age' has no attribute {name!r}")
    return getattr(import_module(f"shopper_age.{_HOME[name]}"), name)
