import jinja2
import pytest

from shopper_age.markdown import FILTERS, cell, exact_percent, percent, rate, render, signed

NAN = float("nan")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (percent(0.126), "13 %"),
        (percent(0.1256, decimals=1), "12.6 %"),
        (FILTERS["fine"](0.25), "25.0 %"),
        (exact_percent(0.05), "5 %"),
        (exact_percent(0.025), "2.5 %"),
        (rate(0.052), "5.2 %"),
        (rate(0.526), "53 %"),
        (rate(0), "0.0 %"),
        (rate(NAN), "–"),
        (signed(1.23), "+1.2"),
        (signed(-0.31), "−0.3"),
        (signed(-0.04), "0.0"),
        (FILTERS["count"](7591), "7,591"),
        (FILTERS["number"](51.25), "51.25"),
        (FILTERS["number"](18.0), "18"),
        (FILTERS["one"](37.66), "37.7"),
        (FILTERS["years"](5.6), "5.60"),
    ],
)
def test_each_kind_of_number_has_one_form(text, expected):
    assert text == expected


def test_a_cell_of_a_table_cannot_break_it():
    assert cell("a|b\n<i>_c_") == r"a\|b \<i>\_c\_"


def test_a_value_that_a_template_lacks_is_an_error_and_no_gap():
    with pytest.raises(jinja2.UndefinedError, match="n_photos"):
        render("shopper_age.eda", "report.md.j2", drawn_faces=False)
