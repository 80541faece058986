"""Checks of what people hand to `train_model`, before anything is trained."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from shopper_age.model.heads import AGE
from shopper_age.runtime.arguments import check_whole
from shopper_age.runtime.messages import shorten

_HOW_TO_CALL = (
    "`train_model(model, train_data, test_data)` takes what `load_train` and `load_test` return, or pairs of "
    "arrays: `train_model(model, (photos, ages), (test_photos, test_ages))`"
)

# Source: keras/src/layers/input_spec.py, assert_input_compatibility.
_OTHER_SHAPE = re.compile(r"expected (?:axis .*|shape=\(([^)]*)\)), found shape=\(([^)]*)\)")


def check_model(model: Any) -> None:
    """Returns where `train_model` can train the model.

    Raises:
        TypeError: it is no model of Keras.
        ValueError: it does not answer with ages, or is not compiled.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(f"model must be what `create_model` returns, received {_kind(model)}")
    if AGE not in getattr(model, "output_names", []):
        raise ValueError(
            f"model has no output named `{AGE}` (it is a {type(model).__name__} named {model.name!r}): "
            "take one from `create_model`, or name the last layer of yours so in a functional keras.Model"
        )
    if getattr(model, "optimizer", None) is None or getattr(model, "loss", None) is None:
        raise ValueError(
            "model is not compiled, as `load_model` returns it: `model.compile(optimizer, loss=...)` "
            "first, or start from its weights with `create_model(input_shape, weights=PATH)`"
        )


def check_data(model: keras.Model, train_data: Any, test_data: Any) -> None:
    """Returns where both are data with ages, as far as that can be seen without reading them.

    Raises:
        TypeError: they are no data, or photos without ages.
        ValueError: photos and ages do not fit each other or the model.
    """
    if train_data is None:
        raise TypeError(f"train_data is None. {_HOW_TO_CALL}")
    for name, data in (("train_data", train_data), ("test_data", test_data)):
        if data is not None:
            _check_part(name, data, model.input_shape)


def as_arrays(data: Any) -> Any:
    """Photos and ages that are lists, in a pair, as the arrays that Keras wants; anything else as it is."""
    if isinstance(data, tuple | list) and len(data) == 2:
        return tuple(np.asarray(part) if isinstance(part, tuple | list) else part for part in data)
    return data


def check_numbers(
    *, epochs: Any, batch_size: Any, steps_per_epoch: Any = None, validation_steps: Any = None
) -> None:
    """Returns where all are whole numbers from 1 on; all but `epochs` may be None.

    Raises:
        ValueError: one is none.
    """
    check_whole("epochs", epochs, at_least=1)
    optional = {
        "batch_size": batch_size,
        "steps_per_epoch": steps_per_epoch,
        "validation_steps": validation_steps,
    }
    for name, value in optional.items():
        if value is not None:
            check_whole(name, value, at_least=1)


@contextmanager
def sizes_told(model: keras.Model) -> Iterator[None]:
    """Keras's complaint about batches of another shape leaves the block as a sentence on both sizes."""
    try:
        yield
    except ValueError as error:
        shapes = _OTHER_SHAPE.search(str(error))
        if shapes is None:
            raise
        raise ValueError(_other_size(model.input_shape, f"({shapes[2]})")) from None


def _check_part(name: str, data: Any, input_shape: tuple[Any, ...]) -> None:
    if isinstance(data, str | bytes | int | float | dict):
        raise TypeError(f"{name} is {_kind(data)}. {_HOW_TO_CALL}")
    if hasattr(data, "shape"):
        raise TypeError(f"{name} is one array, of shape {tuple(data.shape)}. {_HOW_TO_CALL}")
    if not isinstance(data, tuple | list):
        return
    if len(data) != 2 or not all(hasattr(part, "__len__") for part in data):
        raise TypeError(f"{name} is {_kind(data)} of {len(data)}. {_HOW_TO_CALL}")
    photos, ages = data
    if len(photos) != len(ages) or not len(photos):
        raise ValueError(
            f"{name} has {len(photos):,} photos and {len(ages):,} ages: one age for each, at least one"
        )
    shape = tuple(getattr(photos, "shape", np.shape(photos)))
    if len(shape) != 4 or any(b not in (None, a) for a, b in zip(shape[1:], input_shape[1:], strict=True)):
        raise ValueError(f"{name}: {_other_size(input_shape, str(shape))}")
    years = np.asarray(ages)
    if years.shape not in {(len(photos),), (len(photos), 1)} or years.dtype.kind not in "iuf":
        raise ValueError(
            f"{name}: ages must be numbers, years, of shape ({len(photos)},); received {years.dtype} of "
            f"shape {years.shape}"
        )
    if n_bad := int((~np.isfinite(years)).sum()):
        raise ValueError(f"{name}: {n_bad:,} of {len(years):,} ages are infinite or NaN")


def _other_size(input_shape: tuple[Any, ...], found: str) -> str:
    height, width = input_shape[1:3]
    return (
        f"the model takes photos of {height} x {width} pixels in 3 colours, shape (n, {height}, {width}, 3); "
        f"the data have shape {found}: give `load_train` and `load_test` image_size={height}, or make the "
        "model for the data's size, as in `create_model((224, 224, 3))`"
    )


def _kind(value: Any) -> str:
    return f"a {type(value).__name__} ({shorten(repr(value), 60)})"
