"""Engines that compute estimates: Keras, or ONNX Runtime where an export lies beside the model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shopper_age.inference.decision import Decision, DecisionError
from shopper_age.inference.estimates import Estimates
from shopper_age.runtime.hashing import file_md5

AGE, AGE_DISTRIBUTION = "age", "age_distribution"

# Metadata of an exported file: the hash of the .keras file it was made of, and the views that it averages.
MODEL_MD5, N_VIEWS = "model_md5", "n_views"


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
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        told = self._session.get_modelmeta().custom_metadata_map
        decision.check_model(told.get(MODEL_MD5, ""), where=str(path))
        if told.get(N_VIEWS) != str(decision.n_views):
            raise DecisionError(
                f"{path} averages {told.get(N_VIEWS)} views, its thresholds were settled with "
                f"{decision.n_views}: export it again"
            )
        (self._input,) = (entry.name for entry in self._session.get_inputs())
        self._outputs = [entry.name for entry in self._session.get_outputs()]

    def estimate(self, photos: NDArray[np.uint8]) -> Estimates:
        found = dict(zip(self._outputs, self._session.run(None, {self._input: photos}), strict=True))
        return _as_estimates(found)


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


def load_engine(folder: Path, decision: Decision, *, n_threads: int = 0) -> Engine:
    """ONNX Runtime where the folder holds an exported model, else Keras.

    Raises:
        DecisionError: the folder holds no model, several, or one that does not fit.
    """
    exported, saved = sorted(folder.glob("*.onnx")), sorted(folder.glob("*.keras"))
    if exported:
        return OnnxEngine(_only(exported), decision, n_threads=n_threads)
    if saved:
        return KerasEngine(_only(saved), decision)
    raise DecisionError(f"{folder} holds no model (.onnx or .keras): run `dvc repro` or `dvc pull`")


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
