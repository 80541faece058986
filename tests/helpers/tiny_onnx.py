"""An exported model of a few bytes, made without Keras."""

from pathlib import Path
from typing import Any

import numpy as np
from answering import decision

from shopper_age.inference.engines import AGE, MODEL_MD5, N_VIEWS
from shopper_age.runtime.hashing import file_md5


def write_tiny_onnx(path: Path, *, model_md5: str, side: int, n_views: int = 1, factor: float = 1.0) -> None:
    """Writes a model whose age is the mean of a photo's values, times a factor."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    constants = {
        "axes": np.array([1, 2, 3]),
        "factor": np.array(factor, np.float32),
        "column": np.array([-1, 1]),
    }
    nodes = [
        helper.make_node("Cast", ["photo"], ["values"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["values", "axes"], ["mean"], keepdims=0),
        helper.make_node("Reshape", ["mean", "column"], ["means"]),
        helper.make_node("Mul", ["means", "factor"], [AGE]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("photo", TensorProto.UINT8, ["n", side, side, 3])],
        [helper.make_tensor_value_info(AGE, TensorProto.FLOAT, ["n", 1])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    helper.set_model_props(model, {MODEL_MD5: model_md5, N_VIEWS: str(n_views)})
    onnx.save(model, path)


def write_exported_model(path: Path, *, side: int, content: bytes = b"weights", **decided: Any) -> Path:
    """Writes a model file that nobody opens, and beside it its decision and its export."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    made = decision(model_md5=file_md5(path), image_size=side, **decided)
    made.save(path.with_name("decision.json"))
    write_tiny_onnx(path.with_suffix(".onnx"), model_md5=made.model_md5, side=side, n_views=made.n_views)
    return path
