"""The benchmark of the server: what it counts, and that it notices a wrong answer."""

import argparse

import pytest
import serving
from answering import SIDE

from shopper_age.demo.faces import draw_faces


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    pytest.importorskip("tf2onnx", reason="tf2onnx, which exports to ONNX, is not installed")
    folder = tmp_path_factory.mktemp("models")
    serving.make_models(folder, SIDE)
    return folder


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faces") / "drawn"
    draw_faces(folder, n=4, seed=0)
    return [path.read_bytes() for path in sorted((folder / "final_files").iterdir())]


OPTIONS = argparse.Namespace(clients=3, max_requests=1, seconds=2.5)


@pytest.mark.pipeline
def test_right_answers_and_back_pressure_are_told(models, good, tmp_path, capsys):
    assert serving.measure(models, good, OPTIONS, tmp_path / "log")
    told = capsys.readouterr().out
    assert "wrong answers: 0" in told
    assert "429: " in told
    assert "memory: " in told


@pytest.mark.pipeline
def test_a_wrong_answer_is_noticed(models, good, tmp_path, monkeypatch):
    def shifted(models, photos):
        problem, _, ages = found(models, photos)[0]
        return [(problem, False, ages)] * len(photos)

    found = serving.expected_answers
    monkeypatch.setattr(serving, "expected_answers", shifted)
    assert not serving.measure(models, good, OPTIONS, tmp_path / "log")
