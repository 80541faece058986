"""Engines that compute estimates: Keras, or the library that runs an export."""

import json
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from shopper_age.inference.decision import Decision, DecisionError
from shopper_age.inference.estimates import Estimates
from shopper_age.runtime.hashing import file_md5

AGE, AGE_DISTRIBUTION = "age", "age_distribution"

# Metadata of an exported file: the hash of the .keras file it was made of, and the views that it averages.
MODEL_MD5, N_VIEWS = "model_md5", "n_views"

# Where they stand in OpenVINO's .xml file, and the file of them that is packed behind a .tflite file.
OPENVINO_METADATA, LITERT_METADATA = "shopper_age", "shopper_age.json"


class Engine(Protocol):
    """Estimates ages with a model; the averaging of views is inside."""

    def estimate(self, photos: NDArray[np.uint8]) -> Estimates:
        """The estimates of photos, RGB, uint8 of shape (n, image_size, image_size, 3)."""
        ...


class OnnxEngine:
    """An exported model on ONNX Runtime.

    Args:
        path: of the .onnx file.
        decision: that it must fit.
        n_threads: of ONNX Runtime; 0: one per core.

    Raises:
        DecisionError: the file was made of another model, or averages other views.
    """

    def __init__(self, path: Path, decision: Decision, *, n_threads: int = 0) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = n_threads
        options.log_severity_level = 3
        with _opening(path):
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        _check_export(path, self._session.get_modelmeta().custom_metadata_map, decision)
        (self._input,) = (entry.name for entry in self._session.get_inputs())
        self._outputs = [entry.name for entry in self._session.get_outputs()]

    def estimate(self, photos: NDArray[np.uint8]) -> Estimates:
        found = dict(zip(self._outputs, self._session.run(None, {self._input: photos}), strict=True))
        return _as_estimates(found)


class OpenVinoEngine:
    """An exported model on OpenVINO, for one thread at a time; arguments and errors as of `OnnxEngine`.

    Raises:
        ModuleNotFoundError: OpenVINO is not installed.
    """

    def __init__(self, path: Path, decision: Decision, *, n_threads: int = 0) -> None:
        import openvino

        core = openvino.Core()
        with _opening(path):
            content = core.read_model(path)
            told = {
                name: str(content.get_rt_info([OPENVINO_METADATA, name]).value)
                for name in (MODEL_MD5, N_VIEWS)
                if content.has_rt_info([OPENVINO_METADATA, name])
            }
            _check_export(path, told, decision)
            # else it computes in bfloat16 where the processor can, and ages depend on the processor
            options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
            if n_threads:
                options["INFERENCE_NUM_THREADS"] = n_threads
            self._request = core.compile_model(content, "CPU", options).create_infer_request()

    def estimate(self, photos: NDArray[np.uint8]) -> Estimates:
        found = self._request.infer([photos], share_inputs=True)
        return _as_estimates({output.get_any_name(): values for output, values in found.items()})


class LiteRtEngine:
    """An exported model on LiteRT, for one thread at a time; arguments and errors as of `OnnxEngine`.

    Raises:
        ModuleNotFoundError: ai-edge-litert is not installed.
    """

    def __init__(self, path: Path, decision: Decision, *, n_threads: int = 0) -> None:
        with _opening(path):
            _check_export(path, read_litert_metadata(path), decision)
            self._runner = litert_runner(path, n_threads=n_threads)
        (self._input,) = self._runner.get_input_details()

    def estimate(self, photos: NDArray[np.uint8]) -> Estimates:
        return _as_estimates(self._runner(**{self._input: photos}))


def litert_runner(path: Path, *, n_threads: int = 0) -> Any:
    """The function of a .tflite file: arrays by name in and out, for any number of photos."""
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter(str(path), num_threads=n_threads or os.cpu_count()).get_signature_runner()


def read_litert_metadata(path: Path) -> dict[str, str]:
    """What a .tflite file says of itself."""
    with zipfile.ZipFile(path) as archive:
        return dict(json.loads(archive.read(LITERT_METADATA)))


class KerasEngine:
    """The model's own file, with Keras.

    Raises:
        DecisionError: the decision was made with another model.
    """

    def __init__(self, path: Path, decision: Decision) -> None:
        from shopper_age import load_model
        from shopper_age.inference.views import with_views

        decision.check_model(file_md5(path), where=str(path))
        # once: Keras traces every new model anew, which takes longer than the estimate, and keeps the trace
        self._model = with_views(load_model(path), decision.n_views)

    def estimate(self, photos: NDArray[np.uint8]) -> Estimates:
        return _as_estimates(self._model.predict(photos, verbose=0))


# What runs an exported file, by its suffix.
_ENGINES: dict[str, Callable[..., Engine]] = {
    ".onnx": OnnxEngine,
    ".xml": OpenVinoEngine,
    ".tflite": LiteRtEngine,
}


def open_export(path: Path, decision: Decision, *, n_threads: int = 0) -> Engine:
    """The engine of an exported file: .onnx, .xml (OpenVINO) or .tflite (LiteRT).

    Raises:
        DecisionError: the file cannot be read, or does not fit the decision.
        ModuleNotFoundError: the library that runs it is not installed.
    """
    try:
        return _ENGINES[path.suffix](path, decision, n_threads=n_threads)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{path} runs on {error.name}, not installed here: requirements-till.txt or "
            "requirements-export.txt names its version"
        ) from error


def load_engine(folder: Path, decision: Decision, *, n_threads: int = 0) -> Engine:
    """The engine of the exported model in a folder, or of the Keras model where there is none.

    Raises:
        DecisionError: the folder holds no model, several, or one that does not fit.
        ModuleNotFoundError: the library that runs it is not installed.
    """
    # hidden ones are what an interrupted export left
    files = sorted(path for path in folder.glob("*") if not path.name.startswith("."))
    if exported := [path for path in files if path.suffix in _ENGINES]:
        return open_export(_only(exported), decision, n_threads=n_threads)
    if saved := [path for path in files if path.suffix == ".keras"]:
        return KerasEngine(_only(saved), decision)
    raise DecisionError(
        f"{folder} holds no model ({', '.join(_ENGINES)} or .keras): run `dvc repro` or `dvc pull`"
    )


@contextmanager
def _opening(path: Path) -> Iterator[None]:
    try:
        yield
    except (ModuleNotFoundError, DecisionError):
        raise
    except Exception as error:  # what the libraries raise on a broken file has no common base
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DecisionError(f"{path} cannot be read ({reason}): export it again") from error


def _check_export(path: Path, told: Mapping[str, str], decision: Decision) -> None:
    decision.check_model(told.get(MODEL_MD5, ""), where=str(path))
    if told.get(N_VIEWS) != str(decision.n_views):
        raise DecisionError(
            f"{path} averages {told.get(N_VIEWS)} views, its thresholds were settled with "
            f"{decision.n_views}: export it again"
        )


def _as_estimates(output: Mapping[str, NDArray[np.floating]]) -> Estimates:
    distribution = output.get(AGE_DISTRIBUTION)
    return Estimates(
        output[AGE][:, 0].astype(float), None if distribution is None else distribution.astype(float)
    )


def _only(files: list[Path]) -> Path:
    if len(files) > 1:
        raise DecisionError(
            f"{files[0].parent} holds {len(files)} models, {files[0].name} among them: keep one"
        )
    return files[0]
