"""The formats of exports: how each is written, and where it lies."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shopper_age.export import int8, litert, onnx, openvino


@dataclass(frozen=True)
class Format:
    """A format of exports."""

    suffix: str
    # (model, path, n_views=, model_md5=), as `export_onnx`
    write: Callable[..., None]
    # (float32 file, path, calibration photos), as `int8.quantize`
    quantize: Callable[[Path, Path, NDArray[np.uint8]], None]
    # of whose float32 files `quantize` makes its own
    quantizes: str
    # modules of the libraries that convert and run it, and that make 8-bit integers of it
    needs: tuple[str, ...]
    needs_int8: tuple[str, ...] = ()


_ONNX = ("onnx", "tf2onnx", "onnxruntime")

FORMATS = {
    "onnx": Format(".onnx", onnx.export_onnx, int8.quantize, "onnx", _ONNX),
    "openvino": Format(".xml", openvino.export_openvino, openvino.quantize, "onnx", ("openvino",), _ONNX),
    "litert": Format(
        ".tflite",
        litert.export_litert,
        litert.quantize,
        "litert",
        ("ai_edge_litert",),
        ("ai_edge_quantizer",),
    ),
}


def check_installed(name: str, *, is_int8: bool = False) -> None:
    """Raises ModuleNotFoundError where a library of a format is missing, with what to do."""
    wanted = FORMATS[name].needs + (FORMATS[name].needs_int8 if is_int8 else ())
    if missing := [module for module in wanted if importlib.util.find_spec(module) is None]:
        raise ModuleNotFoundError(
            f"this export needs {', '.join(missing)}, not installed here: "
            "pip install -r requirements.txt -r requirements-export.txt"
        )


def export_path(model_path: Path, name: str, *, is_int8: bool = False) -> Path:
    """Where a model's export lies: ONNX beside it, any other in a folder of its own, with a decision.

    Raises:
        ValueError: there is no such format.
    """
    if name not in FORMATS:
        raise ValueError(f"there is no format {name}: choose {', '.join(FORMATS)}")
    parts = ([] if name == "onnx" else [name]) + (["int8"] if is_int8 else [])
    folder = model_path.parent / "_".join(parts) if parts else model_path.parent
    return folder / f"{model_path.stem}{FORMATS[name].suffix}"
