"""Exports whose files are made up: what is kept, what is refused, and what is settled anew."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from answering import decision

from shopper_age.export import exporting
from shopper_age.export.formats import FORMATS
from shopper_age.inference.decision import Decision
from shopper_age.inference.estimates import Estimates
from shopper_age.params import load_params
from shopper_age.runtime.hashing import file_md5

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")
SIDE = 32


class Engine:
    """Ages by the brightness of a photo, off by an error that grows with it."""

    def __init__(self, error=0.0):
        self._error = error

    def estimate(self, photos):
        ages = photos.mean(axis=(1, 2, 3)) / 2.5
        return Estimates(ages * (1 + self._error))


@pytest.fixture
def splits(faces):
    labels = pd.read_csv(faces / "labels.csv")
    parts = np.resize(["train", "validation", "test"], len(labels))
    return labels.assign(split=parts)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with a model file, its decision, and formats that write their errors instead of networks."""
    model = tmp_path / "models/age.keras"
    model.parent.mkdir()
    model.write_text("weights")

    class Project:
        path = model
        decision = decision(model_md5=file_md5(model), n_views=2, image_size=SIDE)
        error, int8_error = 0.0, 0.01
        calibrated_by: np.ndarray

        def write(self, _, path, **told):
            assert told == {"n_views": 2, "model_md5": self.decision.model_md5}
            path.write_text(str(self.error))

        def quantize(self, source, path, photos):
            self.calibrated_by = photos
            path.write_text(str(float(source.read_text()) + self.int8_error))

    made = Project()
    monkeypatch.setitem(
        FORMATS, "onnx", replace(FORMATS["onnx"], write=made.write, quantize=made.quantize, needs=())
    )
    monkeypatch.setattr(exporting, "load_model", lambda _: Engine())
    monkeypatch.setattr(
        exporting,
        "estimate",
        lambda engine, store, **_: engine.estimate(store[np.arange(len(store))]),
    )
    monkeypatch.setattr(exporting, "open_export", lambda path, _: Engine(float(path.read_text())))
    return made


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def export_int8(project, faces, splits, **changes):
    params = PARAMS.model_copy(update=changes)
    return exporting.export_int8(
        project.path, project.decision, faces, splits, pd.DataFrame({"file_name": []}), params
    )


def allowing(years):
    return PARAMS.export.model_copy(update={"max_mae_loss": years})


def test_parity_is_written_beside_the_export(project, faces, splits):
    project.error = 1e-4
    done = exporting.export(project.path, project.decision, faces, splits)
    assert done.path == project.path.with_suffix(".onnx")
    assert files(project.path.parent) == ["age.keras", "age.onnx", "parity.json"]
    assert exporting.read_parity(project.path.parent) == done.parity
    assert done.parity.n_photos == np.count_nonzero(splits["split"] == "test")
    assert 0 < done.parity.mean_difference < 0.01


def test_an_export_that_answers_otherwise_is_refused_and_the_earlier_one_stays(project, faces, splits):
    exporting.export(project.path, project.decision, faces, splits)
    before = {name: (project.path.parent / name).read_bytes() for name in files(project.path.parent)}
    project.error = 0.01
    with pytest.raises(ValueError, match=r"off by 0\.\d+ years on average, more than 0.01, and was not kept"):
        exporting.export(project.path, project.decision, faces, splits)
    assert {name: (project.path.parent / name).read_bytes() for name in files(project.path.parent)} == before


def test_eight_bits_that_cost_too_much_are_refused_and_leave_nothing(project, faces, splits):
    project.int8_error = 0.3
    with pytest.raises(ValueError, match=r"cost \d+\.\d\d years of MAE .* allows \(0.1\)"):
        export_int8(project, faces, splits)
    assert files(project.path.parent) == ["age.keras", "age.onnx", "parity.json"]
    assert not (project.path.parent / "int8").exists()


def test_eight_bits_get_thresholds_and_intervals_of_their_own(project, faces, splits):
    project.int8_error = 0.3
    export_int8(project, faces, splits, export=allowing(100))
    mine = Decision.load(project.path.parent / "int8/decision.json")
    project.int8_error = 0.0
    export_int8(project, faces, splits, export=allowing(100))
    exact = Decision.load(project.path.parent / "int8/decision.json")
    assert mine.interval.quantiles[0] > exact.interval.quantiles[0] + 2
    assert (mine.model_md5, mine.n_views) == (project.decision.model_md5, 2)  # params.yaml says 4 by now
    assert json.loads((project.path.parent / "int8/parity.json").read_text())["mean_difference"] == 0


def test_ranges_are_measured_on_training_photos_of_all_ages(project, faces, splits):
    export_int8(project, faces, splits, export=allowing(100))
    ages = splits.loc[splits["split"] == "train", "real_age"]
    brightness = project.calibrated_by.mean(axis=(1, 2, 3)) / 2.5
    assert len(brightness) == len(ages)
    assert brightness.min() < ages.min() + 5
    assert brightness.max() > ages.max() - 5


def test_the_float32_export_of_an_earlier_model_is_made_anew(project, faces, splits, monkeypatch):
    from shopper_age.inference.decision import DecisionError

    stale = project.path.with_suffix(".onnx")
    stale.write_text("stale")

    def open_export(path, _):
        if path.read_text() == "stale":
            raise DecisionError("of another model")
        return Engine(float(path.read_text()))

    monkeypatch.setattr(exporting, "open_export", open_export)
    export_int8(project, faces, splits, export=allowing(100))
    assert stale.read_text() == "0.0"


def test_without_a_validation_part_eight_bits_are_refused(project, faces, splits):
    folds = splits.assign(fold=pd.array(np.resize([1, 2], len(splits)), dtype="Int64"))
    with pytest.raises(ValueError, match=r"there are none with split\.calibration cross"):
        export_int8(project, faces, folds)
