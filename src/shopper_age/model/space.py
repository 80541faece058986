"""Space on the disk for weights: looked at before HDF5 writes, which a full disk breaks for good."""

import math
import shutil
from pathlib import Path

import keras

_BYTES = 4  # of a number: float32
_FOR_THE_REST = 2**20  # names and structure of the file


def check_space(model: keras.Model, path: Path, *, n_copies: int = 1) -> None:
    """Returns when the folder of `path` has the space for the weights, and the optimiser, of a model.

    When the disk gets full while HDF5 writes, its library keeps what it could not write, and ends the process
    with a segmentation fault when that exits.

    Args:
        path: the file to be written; its folder exists.
        n_copies: files of that size that lie there at the same time.

    Raises:
        OSError: there is too little.
    """
    optimizer = getattr(model, "optimizer", None)
    variables = [*model.variables, *(optimizer.variables if optimizer is not None else ())]

    needed = n_copies * sum(_BYTES * math.prod(variable.shape) for variable in variables)
    free = shutil.disk_usage(path.parent).free
    if free < needed + _FOR_THE_REST:
        raise OSError(
            f"{path} cannot be written: {path.parent} has {free / 2**20:,.0f} MiB left, it needs "
            f"{(needed + _FOR_THE_REST) / 2**20:,.0f}: make space, then run again"
        )
