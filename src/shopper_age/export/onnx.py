"""The model as an ONNX file."""

import logging
import warnings
from pathlib import Path

import keras

from shopper_age.export.graph import check_inputs, inference_graph, metadata
from shopper_age.runtime.files import replacing

OPSET = 17


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
    graph = inference_graph(model, n_views)
    with replacing(path) as unfinished:
        exported = unfinished.with_suffix(".keras.onnx")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of tf2onnx, about NumPy
                graph.export(exported, format="onnx", opset_version=OPSET, verbose=False)
            content = onnx.load(exported)
        finally:
            exported.unlink(missing_ok=True)
        check_inputs([entry.name for entry in content.graph.input])
        onnx.helper.set_model_props(content, metadata(n_views, model_md5))
        onnx.save(content, unfinished)


def _silence_converter() -> None:
    for name in ("tf2onnx", "tf2onnx.optimizer", "absl"):
        logging.getLogger(name).setLevel(logging.ERROR)
