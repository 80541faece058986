import re

import numpy as np
import pandas as pd
import pytest
from jinja2 import UndefinedError

from shopper_age.evaluation_plots import draw_evaluation
from shopper_age.metrics import errors_by_band, summarise
from shopper_age.reporting import judge_bands, judge_training, render_report

RNG = np.random.default_rng(0)
TRUE = np.repeat([5.0, 25.0, 65.0], [40, 60, 40])


def history(val_mae, mae=None):
    mae = mae if mae is not None else val_mae
    epochs = range(1, len(val_mae) + 1)
    return pd.DataFrame({"epoch": epochs, "mae": mae, "val_mae": val_mae, "loss": mae, "val_loss": val_mae})


def report(pred, *, true=TRUE, train_ages=(20, 30, 40), max_mae=8.0, drawn_faces=False, val_mae=(7.0, 6.0)):
    return render_report(
        summarise(true, pred, train_ages=train_ages, max_mae=max_mae, seed=0),
        bands=errors_by_band(true, pred),
        history=history(list(val_mae)),
        n_train=1234,
        max_mae=max_mae,
        drawn_faces=drawn_faces,
    )


def test_a_good_model_meets_the_requirement_and_beats_the_baseline():
    text = report(TRUE + RNG.normal(0, 2, TRUE.size))
    assert "learnt from 1,234 photos. On 140 test photos" in text
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
    judged = judge_bands(errors_by_band(true, np.append(TRUE, [40.0, 40.0])))
    assert judged.too_young == []
    assert judged.worst["age_band"] != "80+"
    assert "(under 30): 80+ (2)." in report(np.append(TRUE, [40.0, 40.0]), true=true)


def test_one_photo_makes_a_report_without_interval():
    text = report([26.0], true=[25.0])
    assert "On 1 test photo that" in text
    assert "interval" not in text
    assert "one photo is no evidence" in text


def test_drawn_faces_are_called_drawn_faces_and_photos_are_not():
    assert "**drawn faces**" in report(TRUE + 1, drawn_faces=True)
    assert "drawn" not in report(TRUE + 1)


@pytest.mark.parametrize(
    ("val_mae", "trend", "words"),
    [
        ([8.0, 7.0, 6.0], "improving", "**under-fitted**"),
        ([8.0, 6.0, 6.6], "worsening", "**over-fitted**"),
        ([8.0, 6.0, 6.05], "settled", "it had settled"),
        ([8.0, 6.05, 6.0], "settled", "it had settled"),
        ([7.0], "settled", "One epoch does not show"),
    ],
)
def test_the_end_of_the_history_decides_what_is_said_about_training(val_mae, trend, words):
    assert judge_training(history(val_mae)).trend == trend
    assert words in report(TRUE + 1, val_mae=val_mae)


def test_the_best_epoch_is_the_one_with_the_lowest_validation_mae():
    training = judge_training(history([8.0, 6.0, 6.5], mae=[9.0, 5.5, 3.0]))
    assert (training.best_epoch, training.best_val_mae, training.last_val_mae) == (2, 6.0, 6.5)
    assert training.has_large_gap
    assert not judge_training(history([8.0, 6.0], mae=[9.0, 5.5])).has_large_gap


def test_an_empty_history_is_refused():
    with pytest.raises(ValueError, match="no epoch"):
        judge_training(history([]))


def test_every_linked_picture_is_one_that_the_evaluation_draws():
    photo = np.zeros((4, 4, 3), dtype=np.uint8)
    drawn = draw_evaluation(TRUE, TRUE + 1, history=history([7.0, 6.0]), read_photo=lambda _: photo)
    linked = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", report(TRUE + 1))
    assert sorted(linked) == sorted(drawn)


def test_a_missing_figure_stops_the_report_instead_of_leaving_a_gap():
    figures = summarise(TRUE, TRUE, train_ages=[20], max_mae=8, seed=0)
    del figures["cs5"]
    with pytest.raises(UndefinedError, match="cs5"):
        render_report(
            figures,
            bands=errors_by_band(TRUE, TRUE),
            history=history([7.0]),
            n_train=1,
            max_mae=8,
            drawn_faces=False,
        )


def test_paragraphs_are_separated_by_one_blank_line():
    assert "\n\n\n" not in report(TRUE + 1)
