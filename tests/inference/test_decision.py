import dataclasses
import json

import pytest
from answering import CROPS, decision

from shopper_age.inference.decision import Decision, DecisionError


@pytest.mark.parametrize("faces", [None, CROPS])
def test_a_decision_comes_back_from_its_file_as_it_was(tmp_path, faces):
    made = decision(faces=faces)
    made.save(tmp_path / "decision.json")
    assert Decision.load(tmp_path / "decision.json") == made


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is no decision file"),
        ("[]", "is no decision file"),
        ('{"format": 1}', "is no decision file"),
        ('{"format": 2}', "has format 2, this version reads 1"),
    ],
)
def test_another_file_is_refused_by_name(tmp_path, text, told):
    path = tmp_path / "decision.json"
    path.write_text(text)
    with pytest.raises(DecisionError, match=f"decision.json {told}"):
        Decision.load(path)


def test_an_unknown_entry_is_refused_since_it_might_matter(tmp_path):
    path = tmp_path / "decision.json"
    decision().save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "ask_children": True}))
    with pytest.raises(DecisionError, match="unknown entries: ask_children"):
        Decision.load(path)


def test_a_missing_file_says_what_makes_it(tmp_path):
    with pytest.raises(DecisionError, match=r"decision.json not found: .*dvc repro"):
        Decision.load(tmp_path / "decision.json")


def test_another_model_is_refused():
    decision().check_model("abc", where="models")
    with pytest.raises(
        DecisionError, match=r"m\.onnx is not the model that its decision\.json was made with"
    ):
        decision().check_model("other", where="m.onnx")


@pytest.mark.parametrize(
    ("detect", "faces", "crops"),
    [("auto", None, False), ("auto", CROPS, True), ("never", CROPS, False), ("always", None, True)],
)
def test_faces_are_cropped_as_in_training_unless_told_otherwise(detect, faces, crops):
    assert dataclasses.replace(decision(faces=faces), detect=detect).crops_faces is crops
