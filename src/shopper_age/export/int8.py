"""An exported model with 8-bit weights and activations: a quarter of the size, several times as fast."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shopper_age.export.graph import INPUT
from shopper_age.runtime.files import replacing

# Photos that the ranges of the activations are measured on.
N_CALIBRATION = 128

_BATCH = 16


def calibration_rows(ages: ArrayLike, n: int = N_CALIBRATION) -> NDArray[np.intp]:
    """Which of the photos with these ages, shape (m,), to measure ranges on: spread evenly over all ages.

    A network that was measured on young faces alone cuts every older one off at the largest age it saw.
    The youngest and the oldest are among them; all, where there are no more than `n`.
    """
    ages = np.asarray(ages, dtype=float)
    order = np.argsort(ages, kind="stable")
    if ages.size <= n:
        return order
    wanted = np.linspace(ages.min(), ages.max(), n)
    chosen: list[int] = []
    free = np.ones(ages.size, bool)
    for age in wanted:
        distance = np.where(free, np.abs(ages - age), np.inf)
        nearest = int(distance.argmin())
        free[nearest] = False
        chosen.append(nearest)
    return np.sort(np.array(chosen, dtype=np.intp))


def quantize(source: Path, target: Path, photos: NDArray[np.uint8]) -> None:
    """Writes the ONNX file `source` with 8-bit integers to `target`, whole or not at all.

    The last layers, from the pooled features on, stay in float32.

    Args:
        source: from `export_onnx`.
        photos: of `calibration_rows`, uint8 of shape (n, side, side, 3).
    """
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with replacing(target) as unfinished:
        prepared = unfinished.with_suffix(".prepared.onnx")
        try:
            quant_pre_process(source, prepared, skip_symbolic_shape=True)
            in_float = _after_pooling(onnx.load(prepared).graph)
            quantize_static(
                prepared,
                unfinished,
                _Photos(photos),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["Conv", "Add", "MaxPool", "Relu", "GlobalAveragePool"],
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
                nodes_to_exclude=in_float,
            )
        finally:
            prepared.unlink(missing_ok=True)
        content = onnx.load(unfinished)
        told = {entry.key: entry.value for entry in onnx.load(source).metadata_props}
        onnx.helper.set_model_props(content, told)
        onnx.save(content, unfinished)


def _after_pooling(graph: Any) -> list[str]:
    """Names of the nodes that work on pooled features: the head, and the mean over the views."""
    reached = {output for node in graph.node if node.op_type == "GlobalAveragePool" for output in node.output}
    names = []
    for node in graph.node:  # in the order in which they are computed
        if reached.intersection(node.input):
            reached.update(node.output)
            names.append(node.name)
    return names


class _Photos:
    """The photos in batches, as ONNX Runtime's calibration takes them."""

    def __init__(self, photos: NDArray[np.uint8]) -> None:
        self._batches: Iterator[NDArray[np.uint8]] = iter(
            photos[start : start + _BATCH] for start in range(0, len(photos), _BATCH)
        )

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        batch = next(self._batches, None)
        return None if batch is None else {INPUT: batch}
