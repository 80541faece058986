import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from evaluations import (
    ages,
    estimates,
    evaluation_of,
    history,
    swapped_groups,
    usual_evaluation,
)
from jinja2 import UndefinedError
from project import ROOT
from reports import analysis, card

from shopper_age.evaluation.figures import evaluation_figures
from shopper_age.evaluation.report import evaluation_reports, render_analysis, render_run_description
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
    assert "is **not known**: 1 test photo is no evidence" in text


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


def test_every_linked_picture_and_table_is_one_that_the_evaluation_leaves(usual):
    photos = np.zeros((300, 4, 4, 3), dtype=np.uint8)
    drawn = evaluation_figures(usual, history(), photos, explain=lambda photos: np.zeros((len(photos), 2, 2)))
    text = analysis(usual)
    assert sorted(re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)) == sorted(drawn)
    linked = set(re.findall(r"(?<!!)\[[^\]]+\]\(([^)]+)\)", text))
    tables = ("predictions", "slices", "parity", "parity_differences", "label_issues")
    assert {f"{name}.csv" for name in tables} == linked
    assert linked <= set(evaluation_tables(usual))


def test_age_groups_are_assessed_for_a_report_and_for_a_person():
    people, off = swapped_groups()
    swapped = evaluation_of(estimates(people, 0), estimates(people, off))
    text = analysis(swapped)
    assert "For a report of shares it is **good enough**" in text
    assert "For one person it is **not good enough**: the group is wrong for 50 %" in text
    assert "| 18–24 | 20 | 20 | 25 % | 25 % | 0.0 % | 0.0 % |" in text


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
    hashes = {"data": "abc.dir", "split": "123", "model": "456"}
    reports = evaluation_reports(usual, history(), params, image_size=96, hashes=hashes)
    assert list(reports) == ["report.md", "MODEL_CARD.md"]
    assert all(("**drawn faces**" in text) == is_demo for text in reports.values())
    for text in reports.values():
        assert text.endswith("| data | `abc.dir` |\n| split | `123` |\n| model | `456` |\n")
    assert "96 × 96 pixels" in reports["MODEL_CARD.md"]
    assert "started from `mine.weights.h5`; head and loss `ordinal`" in reports["MODEL_CARD.md"]


def test_a_training_that_learnt_nothing_or_jumped_about_is_told_as_that():
    evaluation = usual_evaluation()
    flat = render_analysis(evaluation, history=history([17.1, 17.1], mae=[20.9, 20.9]), is_demo=False)
    assert "It **learnt nothing**" in flat
    wild = render_analysis(evaluation, history=history([32_687.0, 20.0], mae=[30.0, 17.0]), is_demo=False)
    assert "It jumped about, up to 32,687 years: the training is **unstable**" in wild
    assert "under-fitted" not in flat + wild


@pytest.mark.parametrize(
    ("ages_are", "sentence"),
    [
        ("id_checked", "somebody checked them against an ID."),
        ("told", "the people told them, and nobody checked."),
        ("guessed", "**somebody guessed them from photos.**"),
        ("unknown", "**nobody said** (`evaluate.ages_are`)."),
    ],
)
def test_report_and_card_say_how_the_ages_are_known(ages_are, sentence):
    evaluation = usual_evaluation(ages_are=ages_are)
    for text in (analysis(evaluation), card(evaluation)):
        assert f"How the ages are known: {sentence}" in text
        assert text.count("How the ages are known") == 1
    assert "the faces were drawn for them" in card(evaluation, is_demo=True)


@pytest.mark.parametrize("noise", [4.0, 0.5, 30.0])
def test_the_description_of_a_run_has_its_verdicts_first_and_no_line_broken_within_a_sentence(noise):
    """MLflow shows the first lines, and breaks them where the text does."""
    text = render_run_description(
        usual_evaluation(noise=noise), is_demo=True, run_page="#/page", dvc_experiment="sunny-cat"
    )
    first, *lines = [line for line in text.splitlines() if line]
    assert first.startswith("**Test MAE ")
    assert first.endswith("(#/page/artifacts/evaluate/MODEL_CARD.html), `dvc exp apply sunny-cat`.")
    *verdicts, demo = lines
    assert [verdict.split(":**")[0] for verdict in verdicts if "Of no use" not in verdict] == [
        *("- **Error", "- **Age groups", "- **Alcohol check", "- **How sure")
    ]
    assert all(line.endswith(".") for line in lines)
    assert demo.startswith("> The photos of this run are **drawn faces**")


def test_the_card_asks_for_the_law_and_the_practice_statement():
    text = card(usual_evaluation())
    assert "**Ask whether the law allows it.**" in text
    assert "as of December 2024" in text
    (link,) = re.findall(r"\]\((\.\./[^)]+)\)", text)
    statement = (ROOT / "reports" / "evaluate" / link).resolve().read_text(encoding="utf-8")
    for heading in ("Purpose", "Threshold", "Fallback", "Photos and data", "Complaints", "Who answers"):
        assert f"\n## {heading}\n" in statement
