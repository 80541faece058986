import sys

import numpy as np
import pandas as pd
import pytest
from fake_detector import FakeDetector, face
from photos import make_faces
from PIL import Image
from project import ROOT

from shopper_age.packing.folder import pack
from shopper_age.params import load_params
from shopper_age.validation.checks import validate
from shopper_age.validation.rules import FACE_RULES

SETTINGS = load_params(ROOT / "params.yaml").validate_data


def striped(n_faces):
    """A photo that says in its first pixel how many faces it shows."""
    pixels = np.random.default_rng(n_faces).integers(0, 256, (64, 64, 3), np.uint8)
    pixels[0, 0] = n_faces
    return Image.fromarray(pixels)


@pytest.fixture
def data(tmp_path):
    """Photos with one face, none and three, an unusable row, and a row twice."""
    labels = "file_name,real_age\none.png,20\nnone.png,30\nmissing.png,3\nthree.png,40\nnone.png,30\n"
    return make_faces(tmp_path / "faces", labels, {n: striped(k) for n, k in
                      (("one.png", 1), ("none.png", 0), ("three.png", 3))})  # fmt: skip


def detector():
    return FakeDetector(find=lambda photo: [face()] * int(photo[0, 0, 0]))


def test_photos_with_no_face_or_several_are_named_and_used_all_the_same(data):
    finder = detector()
    counted = validate(data, SETTINGS.model_copy(update={"count_faces": True}), detector=finder)
    table = counted.findings[counted.findings["rule"].isin(FACE_RULES)]
    assert table[["row", "file_name", "rule", "detail", "severity"]].to_numpy().tolist() == [
        [3, "none.png", "no_face", "", "warning"],
        [5, "three.png", "several_faces", "3 faces", "warning"],
    ]
    assert (counted.summary["no_face"], counted.summary["several_faces"]) == (1, 1)
    assert finder.n_calls == 3  # each usable photo once
    plain = validate(data, SETTINGS)
    pd.testing.assert_frame_equal(counted.manifest, plain.manifest)
    assert counted.summary["n_bad"] == plain.summary["n_bad"]


def test_faces_on_packed_photos_are_counted_alike(data, tmp_path):
    settings = SETTINGS.model_copy(update={"count_faces": True})
    pack(data, tmp_path / "packed", shard_bytes=10_000)
    packed = validate(tmp_path / "packed", settings, detector=detector())
    assert (packed.summary["no_face"], packed.summary["several_faces"]) == (1, 1)


def test_faces_are_not_looked_for_by_default_nor_told_to_be_none(data):
    finder = detector()
    found = validate(data, SETTINGS, detector=finder)
    assert finder.n_calls == 0
    assert not set(FACE_RULES) & {*found.summary, *found.findings["rule"]}


def test_without_a_usable_photo_there_is_nothing_to_count(tmp_path):
    data = make_faces(tmp_path / "faces", "file_name,real_age\nmissing.png,3\n", {})
    found = validate(data, SETTINGS.model_copy(update={"count_faces": True}), detector=detector())
    assert found.summary["no_face"] == 0


def test_a_missing_detector_is_told_before_any_photo_is_opened(data, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    opened = []
    with pytest.raises(ValueError, match=r"count_faces finds no detector .*: install it, or set false"):
        validate(
            data,
            SETTINGS.model_copy(update={"count_faces": True}),
            inspect=lambda *_, **__: opened.append(1),
        )
    assert not opened
