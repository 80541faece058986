"""The model as an ONNX file: photos in, estimates out, with preprocessing and views inside."""

import logging
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from shopper_age.inference.engines import MODEL_MD5, N_VIEWS
from shopper_age.inference.views import with_views
from shopper_age.model.conversion import in_float32
from shopper_age.runtime.files import replacing

OPSET = 17

INPUT = "photo"


def export_onnx(model: keras.Model, path: Path, *, n_views: int, model_md5: str) -> None:
    """Writes the model as an ONNX file with float32 weights, whole or not at all.

    The file takes `photo`, uint8 RGB of shape (n, side, side, 3), and returns `age`, float32 of shape (n, 1)
    in years, and of a model with a distribution `age_distribution`, (n, 101).

    Args:
        model: from `create_model`, or loaded from its file; of any precision.
        n_views: views that the file averages, as in `inference.estimation.estimate`.
        model_md5: of the .keras file, which the file names in its metadata.

    Raises:
        ModuleNotFoundError: onnx or tf2onnx is not installed.
        RuntimeError: the export has other inputs than the photo.
    """
    import onnx

    _silence_converter()
    graph = _inference_graph(model, n_views)
    with replacing(path) as unfinished:
        exported = unfinished.with_suffix(".onnx")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of tf2onnx, about NumPy
            graph.export(exported, format="onnx", opset_version=OPSET, verbose=False)
        content = onnx.load(exported)
        exported.unlink()
        names = [entry.name for entry in content.graph.input]
        if names != [INPUT]:  # a constant that the converter took for an input
            raise RuntimeError(f"the exported graph has the inputs {names}, not the photo alone")
        _round_sizes_up(content)
        onnx.helper.set_model_props(content, {MODEL_MD5: model_md5, N_VIEWS: str(n_views)})
        onnx.save(content, unfinished)


def _inference_graph(model: keras.Model, n_views: int) -> keras.Model:
    """The model with its views, taking uint8 photos, in float32."""
    network = in_float32(model)
    # else the export may trace batch normalisation as in training
    network.trainable = False
    photos = keras.Input(model.input_shape[1:], dtype="uint8", name=INPUT)
    graph = keras.Model(photos, with_views(network, n_views, stacked=True)(ops.cast(photos, "float32")))
    graph(np.zeros((1, *model.input_shape[1:]), np.uint8))  # Keras exports only what has been called
    return graph


def _round_sizes_up(content: Any) -> None:
    """Keeps resized photos at their size: 58 pixels times the float below 64 / 58 would make 63."""
    import onnx

    scales = {node.input[2] for node in content.graph.node if node.op_type == "Resize"}
    for tensor in content.graph.initializer:
        if tensor.name in scales:
            values = onnx.numpy_helper.to_array(tensor)
            rounded = np.where(values == 1, values, values * (1 + 1e-6)).astype(values.dtype)
            tensor.CopyFrom(onnx.numpy_helper.from_array(rounded, tensor.name))


def _silence_converter() -> None:
    for name in ("tf2onnx", "tf2onnx.optimizer", "absl"):
        logging.getLogger(name).setLevel(logging.ERROR)
