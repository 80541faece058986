import numpy as np
import pytest

from shopper_age.metrics.id_check import rates_by_probability_limit, rates_by_threshold_age, trade_off
from shopper_age.plots.id_check import rates_figure, trade_off_figure
from shopper_age.runtime.files import save_figure

TRUE = np.array([10, 14, 17, 17.9, 18, 24, 29, 35, 70])
PRED = np.array([12, 25, 19, 24.9, 17, 25, 40, 24, 61])
MANY_TRUE, MANY_PRED = np.tile(TRUE, 5), np.tile(PRED, 5)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_rates_are_drawn_per_group_with_their_counts():
    rates = rates_by_threshold_age(MANY_TRUE, MANY_PRED, legal_age=18, minors_from=14)
    figure = rates_figure(rates, max_false_positive_rate=0.01, chosen=26)
    upper, lower = figure.axes
    assert upper.get_title(loc="left") == "Minors who pass unasked, n = 15"
    assert lower.get_title(loc="left") == "Adults who are asked, n = 25"
    assert legend(upper) == ["minors (n = 15)", "17 (n = 10)", "chosen: 26", "accepted rate"]
    assert "18–24 (n = 10)" in legend(lower)
    assert lower.get_xlabel() == "Ask below this estimated age (years)"
    line = dict(zip(legend(upper), upper.lines, strict=True))["minors (n = 15)"]
    assert line.get_ydata()[line.get_xdata().tolist().index(25)] == pytest.approx(1 / 3)


def test_fewer_than_ten_people_make_no_curve_but_are_named():
    rates = rates_by_threshold_age(MANY_TRUE, MANY_PRED, legal_age=18, minors_from=14)
    figure = rates_figure(rates, max_false_positive_rate=0.01, chosen=26)
    told = figure.get_supxlabel()
    assert told == "Fewer than 10 people make no curve: younger children (5), 25–29 (5), 30–39 (5), 40+ (5)."
    few = rates_figure(
        rates_by_threshold_age(TRUE, PRED, legal_age=18, minors_from=14),
        max_false_positive_rate=0.01,
        chosen=None,
    )
    assert legend(few.axes[0]) == ["minors (n = 3)", "accepted rate"]  # whom the picture is about


def test_a_colour_means_one_group_in_both_panels():
    upper, lower = rates_figure(
        rates_by_threshold_age(np.tile(MANY_TRUE, 2), np.tile(MANY_PRED, 2), legal_age=18, minors_from=14),
        max_false_positive_rate=0.01,
        chosen=None,
    ).axes
    of_minors, of_adults = ({line.get_color() for line in axes.lines[1:3]} for axes in (upper, lower))
    assert not of_minors & of_adults


def test_rates_without_minors_say_so(tmp_path):
    rates = rates_by_threshold_age([30, 40], [30, 40], legal_age=18)
    figure = rates_figure(rates, max_false_positive_rate=0.01, chosen=None)
    assert texts(figure.axes[0]) == ["no one in this group"]
    assert texts(figure.axes[1]) == []
    save_figure(tmp_path / "rates.png", figure)


def test_the_trade_off_marks_the_usual_threshold_ages():
    curves = {
        "by age": trade_off(rates_by_threshold_age(TRUE, PRED, legal_age=18)),
        "by probability": trade_off(rates_by_probability_limit(TRUE, 1 - PRED / 100, legal_age=18)),
    }
    (axes,) = trade_off_figure(
        curves,
        marked="by age",
        n_minors=4,
        n_adults=5,
        max_false_positive_rate=0.01,
        chosen={"by age": 26, "by probability": None},
    ).axes
    marks = ["below 18", "below 21", "below 25", "below 30"]
    assert legend(axes) == ["by age", "chosen: 26", "by probability", *marks, "accepted rate"]
    (star,) = (line for line in axes.lines if line.get_label() == "chosen: 26")
    assert star.get_xydata().tolist() == [[3 / 5, 0]]
    points = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert points["below 25"] == [[2 / 5, 1 / 4]]
    assert axes.get_title(loc="left") == "What strictness costs, n = 4 minors and 5 adults"


def test_the_trade_off_without_minors_says_so(tmp_path):
    curves = {"by age": trade_off(rates_by_threshold_age([30], [30], legal_age=18))}
    figure = trade_off_figure(
        curves, marked="by age", n_minors=0, n_adults=1, max_false_positive_rate=0.01, chosen={"by age": None}
    )
    assert texts(figure.axes[0]) == ["rates are not known: no minors or no adults"]
    save_figure(tmp_path / "trade_off.png", figure)


def test_thresholds_at_one_place_share_a_mark_that_names_them_all():
    curves = {"by age": trade_off(rates_by_threshold_age([16, 16, 40, 40], [30, 16, 40, 20], legal_age=18))}
    (axes,) = trade_off_figure(
        curves, marked="by age", n_minors=2, n_adults=2, max_false_positive_rate=0.01, chosen={"by age": None}
    ).axes
    assert [name for name in legend(axes) if name.startswith("below")] == [
        "below 18",
        "below 21 and 25 and 30",
    ]
