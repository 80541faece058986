"""The model as a LiteRT (TensorFlow Lite) file, for phones and small boards."""

import json
import warnings
import zipfile
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from shopper_age.export.graph import INPUT, check_inputs, inference_graph, metadata
from shopper_age.inference.engines import LITERT_METADATA, litert_runner, read_litert_metadata
from shopper_age.runtime.files import replacing

# What gets 8-bit integers, by ResNet50's names of layers: the convolutional part alone. The views before it
# and the head after it stay in float32.
_QUANTIZED = ("CONV_2D", "ADD", "MAX_POOL_2D", "PAD")
_CONVOLUTIONAL_PART = r".*/(conv\d|pool1_).*"


def export_litert(model: keras.Model, path: Path, *, n_views: int, model_md5: str) -> None:
    """Writes the model for LiteRT with float32 weights; inputs, outputs and arguments as of `export_onnx`.

    Raises:
        ModuleNotFoundError: ai-edge-litert is not installed.
        RuntimeError: the export has other inputs than the photo.
    """
    import tensorflow as tf

    graph = inference_graph(model, n_views)
    with replacing(path) as unfinished:
        graph.export(
            unfinished,
            format="litert",
            verbose=False,
            # not TensorFlow's own operations, which no till has
            target_spec={"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]},
        )
        _tell(unfinished, metadata(n_views, model_md5))
        check_inputs(list(litert_runner(unfinished).get_input_details()))


def quantize(source: Path, target: Path, photos: NDArray[np.uint8]) -> None:
    """Writes the LiteRT file `source` with 8-bit integers to `target`, whole or not at all.

    Keras's own export cannot: its integers reach up to the age, where a difference becomes zero and divides.

    Args:
        source: from `export_litert`.
        photos: of `int8.calibration_rows`, uint8 of shape (n, side, side, 3).

    Raises:
        ModuleNotFoundError: ai-edge-quantizer is not installed.
    """
    from ai_edge_quantizer import qtyping, quantizer

    work = quantizer.Quantizer(str(source))
    for name in _QUANTIZED:
        work.add_static_config(
            regex=_CONVOLUTIONAL_PART,
            operation_name=qtyping.TFLOperationName[name],
            activation_num_bits=8,
            weight_num_bits=8,
        )
    # its tables, bars and warnings about debugging
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ranges = work.calibrate({"serving_default": [{INPUT: photo[np.newaxis]} for photo in photos]})
        done = work.quantize(ranges)
    with replacing(target) as unfinished:
        unfinished.write_bytes(done.quantized_model)
        _tell(unfinished, read_litert_metadata(source))


def _tell(path: Path, told: dict[str, str]) -> None:
    """Packs metadata behind the model, as TensorFlow Lite packs labels; what runs it does not see them."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(LITERT_METADATA, json.dumps(told))
