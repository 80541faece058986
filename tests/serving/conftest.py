"""A model as the till has it: exported to ONNX, with its decision."""

import pytest
from answering import decision

from shopper_age.metrics.interval_rule import IntervalRule
from shopper_age.runtime.hashing import file_md5


@pytest.fixture(scope="session")
def till_models(tmp_path_factory):
    """A folder with an exported, untrained model of photos of 32 pixels, and a decision that fits it."""
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    pytest.importorskip("tf2onnx", reason="tf2onnx, which exports to ONNX, is not installed")
    from small_training import small_model

    from shopper_age.export.onnx import export_onnx
    from shopper_age.model.archive import save_model

    folder = tmp_path_factory.mktemp("till") / "models"
    folder.mkdir()
    saved = folder.parent / "age.keras"
    model = small_model()
    save_model(model, saved)
    md5 = file_md5(saved)
    export_onnx(model, folder / "age.onnx", n_views=1, model_md5=md5)
    interval = IntervalRule(0.9, True, (0,), (1.5,), (100,))
    decision(model_md5=md5, interval=interval).save(folder / "decision.json")
    return folder
