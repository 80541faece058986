import sys

import numpy as np
import onnx
import pytest
from answering import SIDE, decision

from shopper_age.export.graph import check_inputs
from shopper_age.export.int8 import N_CALIBRATION, calibration_rows, quantize
from shopper_age.export.parity import compare
from shopper_age.inference.decision import DecisionError
from shopper_age.inference.engines import OnnxEngine, load_engine, open_export
from shopper_age.inference.estimates import Estimates


def test_the_export_answers_as_keras_does_in_any_batch(onnx_export, photos, of_keras):
    engine = OnnxEngine(onnx_export, decision(n_views=4))
    together = engine.estimate(photos)
    alone = [engine.estimate(photos[[index]]) for index in range(len(photos))]
    np.testing.assert_allclose(together.age, of_keras.age, atol=0.01)
    np.testing.assert_allclose(np.concatenate([one.age for one in alone]), of_keras.age, atol=0.01)
    np.testing.assert_allclose(together.distribution, of_keras.distribution, atol=1e-4)


def test_the_graph_takes_the_photo_alone_as_it_is_decoded(onnx_export):
    (taken,) = onnx.load(onnx_export).graph.input  # and no constant that a converter took for an input
    assert taken.name == "photo"
    assert taken.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    with pytest.raises(RuntimeError, match=r"has the inputs \['photo', 'mean'\], not the photo alone"):
        check_inputs(["photo", "mean"])


def test_a_model_of_mixed_precision_is_exported_in_float32(model, onnx_export):
    assert any(layer.compute_dtype == "bfloat16" for layer in model.layers)
    weights = onnx.load(onnx_export).graph.initializer
    assert not {onnx.TensorProto.BFLOAT16, onnx.TensorProto.FLOAT16} & {
        weight.data_type for weight in weights
    }


def test_the_network_is_in_the_file_once_whatever_the_views(model, onnx_export):
    sizes = [np.prod(weight.dims) for weight in onnx.load(onnx_export).graph.initializer]
    of_network = sum(size for size in sizes if size > SIDE * SIDE)  # the crops of the views are smaller
    assert of_network <= model.count_params()


def test_an_export_of_another_model_or_of_other_views_is_refused(onnx_export):
    with pytest.raises(DecisionError, match="is not the model"):
        OnnxEngine(onnx_export, decision(n_views=4, model_md5="other"))
    with pytest.raises(DecisionError, match="averages 4 views, its thresholds were settled with 1"):
        OnnxEngine(onnx_export, decision(n_views=1))


@pytest.fixture(scope="session")
def in_eight_bits(onnx_export, photos, tmp_path_factory):
    path = tmp_path_factory.mktemp("int8") / "int8.onnx"
    quantize(onnx_export, path, photos)
    return path


def test_convolutions_take_eight_bits_and_what_the_file_says_is_kept(in_eight_bits, photos):
    graph = onnx.load(in_eight_bits).graph
    from_integers = {
        node.output[0]: node.input[0] for node in graph.node if node.op_type == "DequantizeLinear"
    }
    kernels = [from_integers[node.input[1]] for node in graph.node if node.op_type == "Conv"]
    types = {weight.name: weight.data_type for weight in graph.initializer}
    assert {types[kernel] for kernel in kernels} == {onnx.TensorProto.INT8}
    assert [path.name for path in in_eight_bits.parent.iterdir()] == ["int8.onnx"]
    found = OnnxEngine(in_eight_bits, decision(n_views=4)).estimate(photos)
    assert np.isfinite(found.age).all()
    np.testing.assert_allclose(found.distribution.sum(axis=1), 1, atol=1e-3)


def test_the_head_stays_in_float(in_eight_bits):
    graph = onnx.load(in_eight_bits).graph
    made_by = {output: node for node in graph.node for output in node.output}
    of_integers = {
        node.op_type
        for node in graph.node
        if any(name in made_by and made_by[name].op_type == "DequantizeLinear" for name in node.input)
    }
    assert "Conv" in of_integers
    assert not of_integers & {"Gemm", "MatMul", "Softmax", "Div", "CumSum", "Sub"}


def test_a_broken_export_is_told_and_what_an_interrupted_one_left_is_not_taken(tmp_path):
    for name in ("age.onnx", ".age-left.onnx"):
        (tmp_path / name).write_bytes(b"half")
    with pytest.raises(DecisionError, match=r"age.onnx cannot be read .*: export it again"):
        load_engine(tmp_path, decision())


def test_two_exports_in_a_folder_are_refused(tmp_path):
    for name in ("age.onnx", "age.tflite"):
        (tmp_path / name).touch()
    with pytest.raises(DecisionError, match=r"holds 2 models, age\.onnx among them: keep one"):
        load_engine(tmp_path, decision())


def test_an_export_whose_library_is_missing_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ModuleNotFoundError, match=r"age.xml runs on openvino, not installed here"):
        open_export(tmp_path / "age.xml", decision())


def test_photos_to_calibrate_by_are_of_all_ages():
    ages = np.concatenate([np.full(5000, 25.0), np.arange(0, 90)])
    chosen = ages[calibration_rows(ages)]
    assert chosen.size == N_CALIBRATION
    assert (chosen.min(), chosen.max()) == (0, 89)
    assert np.count_nonzero(chosen == 25) < 60
    assert np.unique(np.arange(ages.size)[calibration_rows(ages)]).size == N_CALIBRATION
    assert calibration_rows([5, 3, 9]).tolist() == [1, 0, 2]


def test_parity_is_worked_by_hand():
    found = compare([20, 30], Estimates(np.array([22.0, 30.0])), Estimates(np.array([23.0, 30.5])))
    assert (found.n_photos, found.mean_difference, found.max_difference) == (2, 0.75, 1.0)
    assert (found.mae_model, found.mae_export, found.mae_loss) == (1.0, 1.75, 0.75)
