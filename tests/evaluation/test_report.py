import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from evaluations import ages, estimates, evaluation_of, history, usual_evaluation
from jinja2 import UndefinedError
from project import ROOT

from shopper_age.evaluation.figures import evaluation_figures
from shopper_age.evaluation.report import evaluation_reports, render_analysis, render_model_card
from shopper_age.evaluation.tables import evaluation_tables
from shopper_age.params import load_params

RNG = np.random.default_rng(0)
TRUE = np.repeat([5.0, 25.0, 65.0], [40, 60, 40])


def report(pred, *, true=TRUE, max_mae=8.0, is_demo=False, val_mae=(7.0, 6.0)):
    true = np.asarray(true)
    part = estimates(true, np.asarray(pred) - true)
    evaluation = evaluation_of(part, part, max_mae=max_mae)
    return render_analysis(evaluation, history=history(list(val_mae)), is_demo=is_demo)


def test_a_good_model_meets_the_requirement_and_beats_the_baseline():
    text = report(TRUE + RNG.normal(0, 2, TRUE.size))
    assert "learnt from 3 photos. On 140 test photos" in text
    assert "**meets the requirement** of at most 8 years, and so does the whole interval." in text
    assert re.search(r"would be off by 19\.29 years;\s+the model takes away 9\d % of that", text)
    assert "the errors cancel out" in text


def test_a_bad_model_misses_the_requirement_and_is_called_of_no_use():
    text = report(TRUE + 30)
    assert "**misses the requirement** of at most 8 years." in text
    assert "**of no use**" in text
    assert "30.00 years too old on average" in text


def test_an_interval_across_the_requirement_is_said_either_way():
    pred = TRUE + np.tile([0.0, 10.0], 70)  # MAE 5
    assert "but the interval reaches above it" in report(pred, max_mae=5.2)
    assert "though the interval reaches below it" in report(pred, max_mae=4.8)


def test_old_people_pulled_down_and_children_pulled_up_are_named():
    text = report(np.where(TRUE == 65, 53.0, np.where(TRUE == 5, 9.0, 25.0)))
    assert "Estimated too old on average: 0–9 by 4.00 years." in text
    assert "Estimated too young on average: 60–69 by 12.00 years." in text
    assert "the young are made older and the old younger" in text
    assert re.search(r"Most accurate at 20–29 years \(0\.00 .*least at\s+60–69 \(12\.00\)", text)
    assert "| 60–69 | 40 | 12.00 | −12.0 |" in text


def test_nothing_is_said_about_pulling_when_nothing_is_pulled():
    text = report(TRUE + 1)
    assert "made older" not in text
    assert "Estimated too" not in text


def test_small_bands_carry_no_sentence_but_a_warning():
    true = np.append(TRUE, [85.0, 85.0])
    assert "(under 30): 80+ (2)." in report(np.append(TRUE, [40.0, 40.0]), true=true)


def test_one_photo_makes_a_report_without_interval():
    text = report([26.0], true=[25.0])
    assert "On 1 test photo that" in text
    assert "95 % interval" not in text.split("## Where it errs")[0]
    assert "one photo is no evidence" in text


def test_drawn_faces_are_called_drawn_faces_and_photos_are_not():
    assert "**drawn faces**" in report(TRUE + 1, is_demo=True)
    assert "drawn" not in report(TRUE + 1)


@pytest.mark.parametrize(
    ("val_mae", "words"),
    [
        ([8.0, 7.0, 6.0], "**under-fitted**"),
        ([8.0, 6.0, 6.6], "**over-fitted**"),
        ([8.0, 6.0, 6.05], "it had settled"),
        ([7.0], "One epoch does not show"),
    ],
)
def test_the_end_of_the_history_decides_what_is_said_about_training(val_mae, words):
    assert words in report(TRUE + 1, val_mae=val_mae)


def test_a_missing_metric_stops_the_report_instead_of_leaving_a_gap(usual):
    metrics = {name: value for name, value in usual.metrics.items() if name != "cs5"}
    with pytest.raises(UndefinedError, match="cs5"):
        analysis(dataclasses.replace(usual, metrics=metrics))


def test_paragraphs_are_separated_by_one_blank_line():
    assert "\n\n\n" not in report(TRUE + 1)


@pytest.fixture(scope="module")
def usual():
    return usual_evaluation()


def analysis(evaluation, *, is_demo=False):
    return render_analysis(evaluation, history=history(), is_demo=is_demo)


def card(evaluation, **changes):
    settings = {"image_size": 112, "weights": "imagenet", "loss": "label_distribution", "is_demo": False}
    return render_model_card(evaluation, **{**settings, **changes})


def id_evaluation(n_minors, n_passing, *, n_validation_minors=20):
    """At validation all minors are estimated 16; of those at the test `n_passing` are estimated 40."""
    people = np.array([16.0] * n_minors + [40.0] * 20)
    off = np.where(np.arange(people.size) < n_passing, 24.0, 0.0)
    return evaluation_of(estimates([16.0] * n_validation_minors + [40.0] * 20, 0), estimates(people, off))


def test_every_linked_picture_and_table_is_one_that_the_evaluation_leaves(usual):
    photos = np.zeros((300, 4, 4, 3), dtype=np.uint8)
    drawn = evaluation_figures(usual, history(), photos, explain=lambda photos: np.zeros((len(photos), 2, 2)))
    text = analysis(usual)
    assert sorted(re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)) == sorted(drawn)
    linked = set(re.findall(r"(?<!!)\[[^\]]+\]\(([^)]+)\)", text))
    assert {"predictions.csv", "slices.csv", "label_issues.csv"} == linked
    assert linked <= set(evaluation_tables(usual))


@pytest.mark.parametrize(
    ("n_minors", "n_passing", "words"),
    [
        (500, 0, "**It is good enough at T = 18.** None of 500 under-age people passed unasked"),
        (100, 0, "**It looks good enough at T = 18, but that is not proven.**"),
        (100, 3, "**It is not good enough.** T = 18 was strict enough for the validation part"),
        (0, 0, "There is no photo of a minor in the test part"),
    ],
)
def test_the_alcohol_check_is_answered_by_the_minors_of_the_test_part(n_minors, n_passing, words):
    text = analysis(id_evaluation(n_minors, n_passing))
    assert words in text
    assert f"on the test part ({n_minors} minors)" in text


@pytest.mark.parametrize(
    ("n_minors", "n_passing", "sentence"),
    [
        (3000, 40, "40 of 3,000 under-age people (1.33 %) passed unasked; the 95 % interval of that rate is"),
        (
            1,
            0,
            "None of 1 under-age people passed unasked, which proves only a rate below 95.00 % (one-sided",
        ),
    ],
)
def test_report_and_card_say_how_many_minors_passed_and_what_that_proves(n_minors, n_passing, sentence):
    evaluation = id_evaluation(n_minors, n_passing)
    assert sentence in analysis(evaluation)
    assert sentence in card(evaluation)


def test_a_probability_limit_without_minors_to_measure_it_by_says_so():
    text = analysis(id_evaluation(0, 0))
    assert re.search(r"The limit chosen .* is [^.]+\. There is no under-age person among these photos:", text)


def test_the_model_card_forbids_what_was_not_shown():
    assert "Ask everyone whose estimate is below **18**." in card(id_evaluation(500, 0))
    assert "but not proven" in card(id_evaluation(100, 0))
    assert "**Not fit for this use.**" in card(id_evaluation(100, 3))
    assert "**Not known.**" in card(id_evaluation(0, 0))


def test_no_minors_to_choose_by_is_said():
    text = analysis(id_evaluation(10, 0, n_validation_minors=0))
    assert "no photo of a minor in the validation part" in text
    assert "The price" not in text


def test_no_threshold_strict_enough_is_said():
    part = estimates([16.0] * 10 + [40.0] * 10, np.array([50.0] * 10 + [0.0] * 10))
    evaluation = evaluation_of(part, part)
    assert "No T up to 50 kept the minors who pass at 1 %" in analysis(evaluation)
    assert "No threshold up to 50 years" in card(evaluation)


def test_a_rule_that_asks_everyone_is_said_to_decide_nothing():
    part = estimates([16.0] * 10 + [40.0] * 10, np.array([20.0] * 10 + [-10.0] * 10))
    assert "100 % of the adults are asked, so the estimate decides nothing." in analysis(
        evaluation_of(part, part)
    )


def test_rates_come_with_counts_and_exact_intervals_at_the_usual_thresholds():
    text = analysis(id_evaluation(100, 3))
    assert re.search(r"\| \*\*18\*\* \(chosen\) \| 3\.0 % \(3 of 100; 0\.6 % to 8\.5 %\)", text)
    for threshold in (21, 25, 30):
        assert f"\n| {threshold} | 3.0 %" in text


def test_groups_without_photos_have_a_dash_instead_of_a_rate():
    text = analysis(id_evaluation(0, 0))
    assert re.search(r"\n\| 25 \| – \| – \| – \| 0\.0 % ", text)
    assert "nan" not in text.lower()
    assert "| 0–11 | 0 | 0 | 0.0 % | 0.0 % | – | – |" in text


def test_seventeen_year_olds_are_set_beside_what_nist_found(usual):
    text = analysis(usual)
    assert re.search(r"17-year-olds estimated 25 or older: here .* of \d+;", text)
    assert "1.9 % on application photos and 3.6 % on border photos" in text
    assert "NIST IR 8525" in text


def test_another_legal_age_is_not_compared_with_nist():
    evaluation = usual_evaluation(legal_age=21)
    assert "NIST" not in analysis(evaluation)
    assert "A minor is anyone under 21" in analysis(evaluation)


def test_a_model_with_distributions_tells_of_its_probability(usual):
    text = analysis(usual)
    assert "The limit chosen on the validation part is" in text
    assert "expected calibration error" in text
    assert "probability for each year" in card(usual)


def test_a_model_without_distributions_says_so():
    evaluation = usual_evaluation(sd=None)
    assert "answers with a number, not with probabilities" in analysis(evaluation)
    assert "probability for each year" not in card(evaluation)


def test_age_groups_are_assessed_for_a_report_and_for_a_person():
    people = np.array([20.0, 30.0] * 20)
    swapped = evaluation_of(estimates(people, 0), estimates(people, np.tile([10.0, -10.0], 20)))
    text = analysis(swapped)
    assert "For a report of shares it is **good enough**" in text
    assert "For one person it is **not good enough**: the group is wrong for 100 %" in text
    assert "| 18–24 | 20 | 20 | 50 % | 50 % | 0.0 % | 0.0 % |" in text


def test_intervals_are_told_with_level_width_and_price_of_being_sure():
    n = 200
    validation = estimates(ages(n), np.tile([-6.0, 6.0], n // 2))
    test = estimates(ages(n, youngest=30, oldest=60), 0)
    assert "the intervals are **wider than need be**" in analysis(evaluation_of(validation, test))
    assert "No interval is wider than 20 years" in analysis(evaluation_of(validation, test))
    assert "no photo gets an answer" in analysis(evaluation_of(validation, test, max_interval_width=5.0))


def test_clearly_worse_slices_are_named_and_others_are_not(usual):
    error = np.random.default_rng(1).normal(0, 1, 100) * np.repeat([2.0, 9.0], 50)
    part = estimates(ages(100), error)
    text = analysis(evaluation_of(part, part))
    assert re.search(r"\| shop \| B \| 50 \| ", text)
    assert "Clearly worse on: shop B" in card(evaluation_of(part, part))
    assert "None of the 2 slices looked at" in analysis(usual)


def test_file_names_cannot_break_the_table_of_label_issues(usual):
    issues = usual.label_issues.assign(file_name="a|b<img>\n[x](y).jpg")
    text = analysis(dataclasses.replace(usual, label_issues=issues))
    assert r"| a\|b\<img> \[x](y).jpg | " in text


def test_the_card_names_uses_data_and_privacy(usual):
    evaluation = dataclasses.replace(usual, train_ages=np.array([1.0, 20.0, 30.0, 40.0, 90.0]))
    text = card(evaluation, weights="my.weights.h5")
    for words in (
        "**Never the sole ground to sell or to refuse.**",
        "started from `my.weights.h5`",
        "112 × 112 pixels",
        "1 to 90 years, median 30; half of them between 20 and 40",
        "## Privacy",
        "| 25–34 | ",
    ):
        assert words in text
    assert "Drawn faces of the demo" in card(usual, is_demo=True)


def test_one_test_photo_makes_an_analysis_and_a_card(usual):
    evaluation = evaluation_of(usual.test, estimates([40.0], 2.0))
    assert "On 1 test photo that" in analysis(evaluation)
    assert "nan" not in (analysis(evaluation) + card(evaluation)).lower()


@pytest.mark.parametrize(("data_path", "is_demo"), [("data/demo", True), ("data/faces", False)])
def test_report_and_card_are_made_of_the_settings_of_the_training(usual, data_path, is_demo):
    params = load_params(ROOT / "params.yaml").model_copy(
        update={"data_path": Path(data_path), "weights": "mine.weights.h5", "loss": "ordinal"}
    )
    reports = evaluation_reports(usual, history(), params, image_size=96)
    assert list(reports) == ["report.md", "MODEL_CARD.md"]
    assert all(("**drawn faces**" in text) == is_demo for text in reports.values())
    assert "96 × 96 pixels" in reports["MODEL_CARD.md"]
    assert "started from `mine.weights.h5`; head and loss `ordinal`" in reports["MODEL_CARD.md"]
