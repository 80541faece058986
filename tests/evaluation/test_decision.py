import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from evaluations import estimates, evaluation_of, minors_who_look_old, usual_evaluation

from shopper_age.evaluation.conclusions import assess_id_rule
from shopper_age.evaluation.decision import decision_of, face_crops
from shopper_age.inference.decision import Decision, DecisionError
from shopper_age.params import load_params

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")


@pytest.fixture
def params(tmp_path):
    return PARAMS.model_copy(update={"data_path": tmp_path})


def decided(evaluation, params):
    return decision_of(evaluation, params, model_md5="abc", image_size=64)


def sure_of(n_minors):
    """An evaluation without errors but for luck, of so many minors in either part."""
    people = np.array([16.0] * n_minors + [40.0] * 60)
    part = estimates(people, np.tile([-1.0, 1.0], people.size // 2))
    return evaluation_of(part, part)


def test_what_was_settled_is_written_down_and_comes_back(params, tmp_path):
    evaluation = usual_evaluation(1000)
    made = decided(evaluation, params)
    assert made.interval == evaluation.intervals.rule
    assert (made.age_groups, made.n_views, made.image_size) == (evaluation.params.age_groups, 1, 64)
    # too many minors passed on its test part
    assert assess_id_rule(evaluation.by_age, evaluation).outcome == "missed"
    assert made.id_check.threshold_age is None
    assert (made.id_check.minors_from, made.id_check.legal_age) == (14, 18)
    made.save(tmp_path / "decision.json")
    assert Decision.load(tmp_path / "decision.json") == made


@pytest.mark.parametrize(("n_minors", "guarantee"), [(300, 0.95), (100, None)])
def test_a_guarantee_is_claimed_only_where_it_is_proven(params, n_minors, guarantee):
    made = decided(sure_of(n_minors), params)
    assert made.id_check.guarantee == guarantee
    assert made.id_check.threshold_age == 18


@pytest.mark.parametrize(
    "evaluation", [sure_of(10), evaluation_of(minors_who_look_old(), minors_who_look_old())]
)
def test_an_id_check_that_is_not_known_to_work_asks_everybody(params, evaluation):
    assert assess_id_rule(evaluation.by_age, evaluation).outcome in ("unknown", "useless", "impossible")
    made = decided(evaluation, params)
    assert made.id_check.threshold_age is None
    assert made.id_check.guarantee is None


def test_the_crops_of_a_prepared_folder_are_taken_over(params, tmp_path):
    assert decided(usual_evaluation(), params).faces is None
    told = {"source": "x", "detector": "mtcnn", "margin": 0.2, "min_eye_distance_px": 20.0}
    (tmp_path / "faces.json").write_text(json.dumps({**told, "min_sharpness": 30.0, "max_turn": 0.8}))
    found = decided(usual_evaluation(), params)
    assert (found.faces.detector, found.faces.margin) == ("mtcnn", 0.2)
    assert found.crops_faces
    assert not dataclasses.replace(found, detect="never").crops_faces


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_another_file_of_that_name_is_told(tmp_path, text):
    (tmp_path / "faces.json").write_text(text)
    with pytest.raises(DecisionError, match="was not written by `shopper-age prepare`"):
        face_crops(tmp_path)
