import numpy as np
import pytest
from answering import decision

from shopper_age.export.formats import FORMATS, check_installed, export_path
from shopper_age.inference.decision import DecisionError
from shopper_age.inference.engines import open_export


@pytest.fixture(scope="module", params=["openvino", "litert"])
def exported(request, model, tmp_path_factory):
    kind = FORMATS[request.param]
    for name in kind.needs:
        pytest.importorskip(name)
    path = tmp_path_factory.mktemp(request.param) / f"age{kind.suffix}"
    kind.write(model, path, n_views=4, model_md5="abc")
    return path


def test_the_export_answers_as_keras_does_in_any_batch(exported, photos, of_keras):
    engine = open_export(exported, decision(n_views=4), n_threads=1)
    together = engine.estimate(photos)
    alone = [engine.estimate(photos[[index]]) for index in range(len(photos))]
    # OpenVINO is exact in float32 alone, and would take bfloat16 where the processor has it
    np.testing.assert_allclose(together.age, of_keras.age, atol=0.001)
    np.testing.assert_allclose(np.concatenate([one.age for one in alone]), of_keras.age, atol=0.001)
    np.testing.assert_allclose(together.distribution, of_keras.distribution, atol=1e-5)


def test_an_export_of_another_model_or_of_other_views_is_refused(exported):
    with pytest.raises(DecisionError, match="is not the model"):
        open_export(exported, decision(n_views=4, model_md5="other"))
    with pytest.raises(DecisionError, match="averages 4 views, its thresholds were settled with 1"):
        open_export(exported, decision(n_views=1))


def test_a_broken_export_is_told(exported, tmp_path):
    broken = tmp_path / exported.name
    broken.write_bytes(b"half")
    with pytest.raises(DecisionError, match=r"cannot be read .*: export it again"):
        open_export(broken, decision())


def test_openvino_computes_in_float32_whatever_the_processor_prefers(tmp_path):
    openvino = pytest.importorskip("openvino")
    from openvino import opset16

    from shopper_age.inference.engines import OPENVINO_METADATA, OpenVinoEngine

    photo = opset16.parameter([-1, 2, 2, 3], dtype=np.uint8, name="photo")
    content = openvino.Model([opset16.convert(photo, "f32")], [photo])
    for name, value in (("model_md5", "abc"), ("n_views", "1")):
        content.set_rt_info(value, [OPENVINO_METADATA, name])
    openvino.save_model(content, tmp_path / "age.xml", compress_to_fp16=False)
    engine = OpenVinoEngine(tmp_path / "age.xml", decision())
    used = engine._request.get_compiled_model().get_property("INFERENCE_PRECISION_HINT")
    assert used == openvino.Type.f32


def test_eight_bits_keep_the_head_in_float(exported, onnx_export, photos, tmp_path):
    (kind,) = (kind for kind in FORMATS.values() if kind.suffix == exported.suffix)
    for module in kind.needs_int8:
        pytest.importorskip(module)
    source = onnx_export if kind.quantizes == "onnx" else exported
    path = tmp_path / f"int8{kind.suffix}"
    kind.quantize(source, path, photos)
    found = open_export(path, decision(n_views=4)).estimate(photos)
    # integers would move each of the 101 probabilities by up to 1 / 256
    np.testing.assert_allclose(found.distribution.sum(axis=1), 1, atol=1e-5)
    assert np.unique(found.distribution).size > 256


def test_an_export_has_a_folder_of_its_own_unless_it_is_onnx(tmp_path):
    model = tmp_path / "age.keras"
    places = [
        str(export_path(model, name, is_int8=is_int8).relative_to(tmp_path))
        for name in FORMATS
        for is_int8 in (False, True)
    ]
    assert places == [
        "age.onnx",
        "int8/age.onnx",
        "openvino/age.xml",
        "openvino_int8/age.xml",
        "litert/age.tflite",
        "litert_int8/age.tflite",
    ]
    with pytest.raises(ValueError, match="there is no format tensorrt: choose onnx, openvino, litert"):
        export_path(model, "tensorrt")


def test_a_missing_library_is_named_before_any_work(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(
        ModuleNotFoundError, match=r"ai_edge_litert, ai_edge_quantizer, not installed here: pip"
    ):
        check_installed("litert", is_int8=True)
