"""The model in OpenVINO's format: an .xml file with the graph, and a .bin file with the weights beside it."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from shopper_age.export import int8
from shopper_age.export.graph import check_inputs, inference_graph, metadata
from shopper_age.inference.engines import OPENVINO_METADATA


def export_openvino(model: keras.Model, path: Path, *, n_views: int, model_md5: str) -> None:
    """Writes the model for OpenVINO with float32 weights; inputs, outputs and arguments as of `export_onnx`.

    Raises:
        ModuleNotFoundError: OpenVINO is not installed.
        RuntimeError: the export has other inputs than the photo.
    """
    import openvino

    graph = inference_graph(model, n_views)
    with TemporaryDirectory() as folder:
        unfinished = Path(folder) / path.name
        graph.export(str(unfinished), format="openvino", verbose=False)
        _save(openvino.Core().read_model(unfinished), path, metadata(n_views, model_md5))


def quantize(source: Path, target: Path, photos: NDArray[np.uint8]) -> None:
    """Writes the ONNX file `source` for OpenVINO with 8-bit integers, by `int8.quantize`.

    OpenVINO reads the file that ONNX Runtime runs, so that both have the same ranges and head.
    """
    import onnx
    import openvino

    told = {entry.key: entry.value for entry in onnx.load(source, load_external_data=False).metadata_props}
    with TemporaryDirectory() as folder:
        quantized = Path(folder) / source.name
        int8.quantize(source, quantized, photos)
        _save(openvino.Core().read_model(quantized), target, told)


def _save(content: Any, path: Path, told: dict[str, str]) -> None:
    import openvino

    check_inputs([entry.get_any_name() for entry in content.inputs])
    for name, value in told.items():
        content.set_rt_info(value, [OPENVINO_METADATA, name])
    openvino.save_model(content, path, compress_to_fp16=False)
