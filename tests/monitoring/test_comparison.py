import pytest
from answer_tables import write_answers

from shopper_age.monitoring.comparison import compare, verdict
from shopper_age.monitoring.samples import QUANTITIES, read_answers


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return read_answers(write_answers(tmp_path_factory.mktemp("reference") / "a.csv", 400))


def against(reference, tmp_path, n=400, **changes):
    return compare(reference, read_answers(write_answers(tmp_path / "b.csv", n, seed=1, **changes)))


def row(comparison, quantity):
    return comparison.shifts.set_index("quantity").loc[quantity]


def test_the_same_people_are_stable_in_everything(reference, tmp_path):
    found = against(reference, tmp_path)
    assert found.shifts["verdict"].tolist() == ["stable"] * len(QUANTITIES)
    assert found.problem_verdict == "stable"
    assert found.is_model_told


@pytest.mark.parametrize(
    ("changes", "quantity", "direction"),
    [
        ({"older": 10}, "age", "higher"),
        ({"older": -10}, "age", "lower"),
        ({"darker": 40}, "brightness", "lower"),
        ({"wider": 3}, "age", "wider"),
        ({"wider": 0.3}, "age", "narrower"),
    ],
)
def test_what_moved_is_told_with_its_direction_and_nothing_else(
    reference, tmp_path, changes, quantity, direction
):
    found = against(reference, tmp_path, **changes)
    assert (row(found, quantity)["verdict"], row(found, quantity)["direction"]) == ("moved", direction)
    assert (found.shifts["verdict"] != "stable").sum() == 1


def test_problems_are_told_by_kind_with_their_interval(reference, tmp_path):
    found = against(reference, tmp_path, problems=100)
    assert (found.problem_verdict, found.problem_direction) == ("moved", "higher")
    (kind,) = found.problems.to_dict("records")
    assert (kind["problem"], kind["n_reference"], kind["n_recent"], kind["share"]) == ("no_face", 0, 100, 0.2)
    assert kind["low"] < 0.2 < kind["high"]


def test_nothing_but_problems_says_nothing_of_ages(reference, tmp_path):
    found = against(reference, tmp_path, 0, problems=60)
    assert set(found.shifts["verdict"]) == {"not_known"}
    assert found.problem_verdict == "moved"


@pytest.mark.parametrize(
    ("psi", "chance", "n", "expected"),
    [
        (9.0, 0.01, 49, "not_known"),  # too few for any index
        (0.3, 0.35, 60, "not_known"),  # large, but chance reaches it
        (0.05, 0.35, 60, "not_known"),  # small, but a large shift would not have been seen
        (0.05, 0.2, 200, "stable"),
        (0.15, 0.2, 200, "not_known"),
        (0.15, 0.05, 900, "moved_slightly"),
        (0.25, 0.05, 900, "moved"),
        (float("nan"), float("nan"), 900, "not_known"),
    ],
)
def test_no_verdict_without_evidence(psi, chance, n, expected):
    assert verdict(psi, chance, n) == expected


def test_answers_of_other_models_are_refused(reference, tmp_path):
    with pytest.raises(ValueError, match=r"b\.csv holds answers of the model other, but .* of the model abc"):
        against(reference, tmp_path, model="other")
    both = tmp_path / "both"
    for name in ("abc", "other"):
        (both / name).mkdir(parents=True)
        write_answers(both / name / "a.parquet", 60, model=name)
    with pytest.raises(ValueError, match=r"several models, abc \(60 rows\), other \(60 rows\)"):
        compare(reference, read_answers(both))
