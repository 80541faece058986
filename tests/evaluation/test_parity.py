import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from evaluations import ages, estimates, evaluation_of, usual_evaluation
from reports import analysis, card

from shopper_age.evaluation.conclusions import assess_intervals
from shopper_age.evaluation.parity import assess_parity, clearly_worse_pairs, drawn_slices

N = 600


@pytest.fixture(scope="module")
def swapped():
    """One sex is estimated 8 years too old, and one source has swapped the letters of the sexes."""
    rng = np.random.default_rng(3)
    is_f, is_one = np.arange(N) % 2 == 0, np.arange(N) < N / 2
    error = rng.normal(0, 3, N) + 8 * (is_f == is_one)
    columns = {"sex": np.where(is_f, "f", "m"), "source": np.where(is_one, "one", "two")}
    validation = estimates(ages(N, seed=5), rng.normal(0, 3, N))
    return evaluation_of(
        validation,
        estimates(ages(N, seed=1), error),
        attributes=pd.DataFrame(columns),
        max_false_positive_rate=0.05,
    )


def paragraph(text, heading):
    return text.split(f"## {heading}\n")[1].split("\n## ")[0]


def test_errors_of_one_sex_that_are_swapped_between_sources_are_found(swapped):
    assert {row["value"] for row in clearly_worse_pairs(swapped)} == {"f × one", "m × two"}
    text = paragraph(analysis(swapped), "Where it fails")
    assert "None of the 4 slices looked at" in text
    assert re.search(r"\| sex × source \| m × two \| 150 \| 8\.\d\d \| .* \| 5\.\d\d \| \+8", text)
    assert {*drawn_slices(swapped)["value"]} == {"f", "m", "one", "two", "f × one", "m × two"}
    assert "sex × source m × two" in card(swapped)


def test_parity_names_a_pair_where_no_column_alone_shows_it(swapped):
    minors, adults, error = assess_parity(swapped)
    assert [row["column"] for row in minors.unequal] == ["sex × source"]
    assert [row["column"] for row in error.unequal] == ["sex × source"]
    assert adults.unequal == []
    assert adults.n_tested == 3
    text = paragraph(analysis(swapped), "Does it treat people alike?")
    assert "**Minors who pass unasked:** groups **differ by more than chance**." in text
    assert re.search(
        r"\n  - sex × source: m × one \(\d+ of \d+, .*; small\) and f × one .* p < 0.001\.\n", text
    )
    assert "**Adults who are asked:** no difference is more than chance. Furthest apart are, by " in text
    assert "errors differ by more than chance between groups of: sex × source." in card(swapped)


def test_a_pair_is_not_told_again_where_one_of_its_columns_shows_it():
    rng = np.random.default_rng(3)
    sex = np.where(np.arange(N) % 2 == 0, "f", "m")
    test = estimates(ages(N, seed=1), rng.normal(0, 3, N) + 8 * (sex == "f"))
    columns = pd.DataFrame({"sex": sex, "shop": np.where(rng.random(N) < 0.5, "A", "B")})
    error = assess_parity(evaluation_of(test, test, attributes=columns))[2]
    assert [row["column"] for row in error.unequal] == ["sex"]
    assert error.unequal[0]["high_group"]["value"] == "f"


def test_equal_groups_are_told_as_no_more_than_chance():
    evaluation = usual_evaluation(1000)
    assert all(measure.unequal == [] for measure in assess_parity(evaluation))
    assert "no difference is more than chance" in analysis(evaluation)
    assert "Whether the" not in paragraph(card(evaluation), "Does it treat people alike?")


def test_without_a_threshold_or_groups_parity_is_not_known():
    adults = estimates(ages(60, youngest=20), np.zeros(60))
    evaluation = evaluation_of(adults, adults)
    text = paragraph(analysis(evaluation), "Does it treat people alike?")
    assert "Without a chosen T there are no rates" in text
    assert "Minors who pass" not in text
    assert "Whether the minors who pass unasked differ between groups is not known." in card(evaluation)
    nothing = evaluation_of(adults, adults, attributes=pd.DataFrame(index=range(60)))
    assert "**Error:** not known" in analysis(nothing)


def test_only_so_many_pairs_are_looked_at_and_the_report_says_so():
    rng = np.random.default_rng(0)
    columns = {f"column {number}": rng.integers(2, size=80).astype(str) for number in range(9)}
    test = estimates(ages(80), rng.normal(0, 3, 80))
    evaluation = evaluation_of(test, test, attributes=pd.DataFrame(columns))
    assert evaluation.n_pairs_left_out == 6
    assert evaluation.slices.loc[evaluation.slices["is_pair"], "column"].nunique() == 30
    assert "6 pairs of columns were not looked at: it stops at 30, in the order of the columns." in analysis(
        evaluation
    )


def test_people_are_counted_where_they_are_known_and_else_it_says_so():
    test = estimates(ages(N, seed=1), np.random.default_rng(0).normal(0, 4, N))
    by_photo = evaluation_of(test, test)
    named = dataclasses.replace(test, people=np.arange(N) // 4)
    by_person = evaluation_of(test, named)
    assert "n_test_people" not in by_photo.metrics
    assert by_person.metrics["n_test_people"] == 150
    for text in (analysis(by_photo), card(by_photo)):
        assert "How many people these photos show is not known" in text
    for text in (analysis(by_person), card(by_person)):
        assert "The 600 test photos show 150 people." in text
    assert by_person.slices["n_people"].tolist() == [75, 75]
    assert by_person.parity["n"].max() == 75
    assert by_person.metrics["rank_correlation_low"] < by_photo.metrics["rank_correlation_low"]


def test_many_photos_of_few_people_are_no_evidence():
    people = np.arange(N) // 60
    test = dataclasses.replace(estimates(ages(N, seed=1), 0), people=people)
    evaluation = evaluation_of(test, test)
    assert evaluation.metrics["is_useful"] is False
    text = analysis(evaluation)
    assert "**Not known:** 600 test photos of 10 people cannot tell" in text
    one = dataclasses.replace(test, people=np.zeros(N, int))
    assert "**Not known:** 600 test photos of 1 person cannot tell" in analysis(evaluation_of(one, one))


def test_coverage_and_calibration_are_known_as_well_as_the_people_are_many():
    test = estimates(ages(N, seed=1), np.random.default_rng(0).normal(0, 4, N))
    by_photo = evaluation_of(test, test)
    named = dataclasses.replace(test, people=np.arange(N) // 4)
    by_person = evaluation_of(named, named)
    for photo, person, low, high in (
        (by_photo.intervals.coverage, by_person.intervals.coverage, "coverage_low", "coverage_high"),
        (by_photo.calibration.reliability, by_person.calibration.reliability, "low", "high"),
    ):
        assert photo[low].iloc[0] >= person[low].iloc[0]
        assert (person[high] - person[low]).iloc[0] > 1.2 * (photo[high] - photo[low]).iloc[0]


def test_coverage_below_the_level_may_be_the_luck_of_few_people():
    # 40 people with 15 photos each, of whom 6 are always 20 years off
    people = np.arange(N) // 15
    validation = estimates(ages(N), np.random.default_rng(0).normal(0, 4, N))
    test = estimates(ages(N, youngest=30, oldest=50), np.where(people < 6, 20.0, 0.0))
    assert assess_intervals(evaluation_of(validation, test)).outcome == "too narrow"
    named = dataclasses.replace(test, people=people)
    assert assess_intervals(evaluation_of(validation, named)).outcome == "at level"
