"""The benchmarks of engines and detectors: what they count."""

import detectors
import inference
import numpy as np
import pandas as pd
import pytest

from shopper_age.inference.estimates import Estimates


class Engine:
    def __init__(self, error):
        self._error = error

    def estimate(self, photos):
        return Estimates(photos[:, 0, 0, 0] + self._error)


def test_errors_are_compared_with_keras():
    photos = np.arange(40, dtype=float).reshape(40, 1, 1, 1)
    ages = np.arange(40) - 1.0
    table = inference.errors({inference.KERAS: Engine(0.0), "ONNX Runtime": Engine(0.5)}, photos, ages)
    assert table.iloc[:, 1:].to_numpy().tolist() == [[1, 0, 0, 0], [1.5, 0.5, 0.5, 0.5]]


def test_exports_that_are_missing_are_told(tmp_path, capsys):
    for name in ("age.keras", "decision.json", "litert/age.tflite"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with inference.ways(tmp_path) as folders:
        assert list(folders) == [inference.KERAS, "LiteRT"]
        assert sorted(path.name for path in folders[inference.KERAS].iterdir()) == [
            "age.keras",
            "decision.json",
        ]
    assert capsys.readouterr().out.count("left out") == 5


def test_a_table_is_markdown():
    table = pd.DataFrame({"": ["a"], "ms": [1.25], "n": [1000]})
    assert inference._markdown(table, 1).splitlines() == [
        "|  | ms | n |",
        "| --- | ---: | ---: |",
        "| a | 1.2 | 1,000 |",
    ]


def test_detectors_are_compared_on_each_photo():
    photos = [np.zeros((9, 9, 3), np.uint8)] * 4
    table = detectors.measure(
        {"one": lambda _: [(0, 0, 4, 4)], "two": lambda _: [(0, 0, 4, 2), (5, 5, 6, 6)]}, photos
    )
    assert "| one | 100% | 100% |" in table
    assert "| two | 100% | 0% |" in table
    assert "in 4 photos" in table
    assert "median 0.50, least 0.50" in table
    assert detectors.overlap((0, 0, 1, 1), (2, 2, 3, 3)) == 0
    assert detectors.overlap((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)
