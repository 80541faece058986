"""From face photos with known ages to an age model: the functions that notebooks and stages call.

Each name is imported when it is first touched, so that `import shopper_age` costs nothing and the
stages that need no network start without TensorFlow.
"""

import os
from importlib import import_module
from typing import Any

from shopper_age.runtime.tensorflow_log import without_startup_lines

# TensorFlow reads this when it is imported. It uses oneDNN of its own accord on processors with AVX512-VNNI
# alone; on one with AVX2 a training step of ResNet50 takes 2.3 times the time without it.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

_HOME = {
    "load_train": "data.loading",
    "load_test": "data.loading",
    "create_model": "model.network",
    "load_model": "model.archive",
    "train_model": "training.trainer",
}

__all__ = ["create_model", "load_model", "load_test", "load_train", "train_model"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'shopper_age' has no attribute {name!r}")
    with without_startup_lines():
        module = import_module(f"shopper_age.{_HOME[name]}")
    return getattr(module, name)
