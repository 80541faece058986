import random
import time

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopper_age.validation.age_texts import EXPECTED, explain_number, explain_text
from shopper_age.validation.labels import cell_findings


@pytest.mark.parametrize(
    ("cell", "meaning"),
    [
        ("8 months", "a number with a unit: write 0.67"),
        ("18m", "a number with a unit: write 1.5"),
        ("2y", "a number with a unit: write 2,"),
        ("32 years", "a number with a unit: write 32,"),
        ("32-year-old", "a number with a unit: write 32,"),
        ("32 years old", "a number with a unit: write 32,"),
        ("2 years 6 months", "a number with a unit: write 2.5"),
        ("1 year and 3 months", "a number with a unit: write 1.25"),
        ("6 Wochen", "a number with a unit: write 0.11"),
        ("32 y/o", "a number with a unit: write 32,"),
        ("30 Jahre", "a number with a unit: write 30,"),
        ("9-Mar", "a date, which a spreadsheet may have made of the range 3-9"),
        ("19-Oct", "a date, which a spreadsheet may have made of the range 10-19"),
        ("Dec-15", "a date, which a spreadsheet may have made of the range 12-15"),
        ("12. Okt", "a date, which a spreadsheet may have made of the range 10-12"),
        ("3-9", "a range from 3 to 9"),
        ("3 – 9", "a range from 3 to 9"),
        ("(25, 32)", "a range from 25 to 32"),
        ("(25,32)", "a range from 25 to 32"),
        ("[25;32]", "a range from 25 to 32"),
        ("25 to 32", "a range from 25 to 32"),
        ("25-32 years", "a range from 25 to 32"),
        ("30/31", "a range from 30 to 31"),
        ("more than 70", "a bound, not an age"),
        (">70", "a bound, not an age"),
        ("70+", "a bound, not an age"),
        ("≤ 3", "a bound, not an age"),
        ("über 60", "a bound, not an age"),
        ("30,5", "a number with a decimal comma? Write 30.5"),
        ("~40", "an estimate: write 40"),
        ("ca. 40", "an estimate: write 40"),
        ("40?", "an estimate: write 40"),
        ("40s", "a decade"),
        ("dreißig", "a word"),
        ("twenty-five", "a word"),
        ("2001-05-04", "a date, of birth?"),
        ("2001-05-04 00:00:00", "a date, of birth?"),
        ("4.5.2001", "a date, of birth?"),
        ("05/04/01", "a date, of birth?"),
        ("4 May 2001", "a date, of birth?"),
        ('"30"', "a number in quotation marks: write 30"),
        ("'30", "a number in quotation marks: write 30"),
        ("٣٢", "a number in digits of another script: write 32"),
        ("N/A", "stands for no age"),
        ("?", "stands for no age"),
        ("#VALUE!", "stands for no age"),
        ("3O", EXPECTED),
        ("1_0", EXPECTED),
        ("30.5.1", EXPECTED),
    ],
)
def test_a_cell_is_told_what_it_looks_like(cell, meaning):
    assert explain_text(cell).startswith(f"{cell!r}: {meaning}")


@pytest.mark.parametrize(
    ("age", "meaning"),
    [
        (1987, "a year of birth?"),
        (-1, "a code for an unknown age?"),
        (999, "a code for an unknown age?"),
        (240, "older than max_age allows, or in months (20 years)?"),
        (5000, "write it in years"),
    ],
)
def test_a_number_is_told_what_it_may_be(age, meaning):
    assert meaning in explain_number(age, str(age), max_age=100)


def test_the_finding_tells_it():
    table = pd.DataFrame({"file_name": ["a", "b"], "real_age": ["30,5", "1987"]}, index=[2, 3], dtype="str")
    found = cell_findings(table, min_age=0, max_age=100)
    assert found["detail"].str.contains(r"Write 30\.5|year of birth").all()


@given(st.text(max_size=300))
def test_any_cell_is_told_in_a_short_line(cell):
    told = explain_text(cell)
    assert "\n" not in told
    assert len(told) < 1000


def test_long_cells_take_no_time():
    start = time.perf_counter()
    rng = random.Random(0)
    for _ in range(200):
        explain_text("".join(rng.choices("0123456789 ,.-ym()", k=50_000)))
        explain_text(rng.choice("0 ,.-y(") * 50_000)
    assert time.perf_counter() - start < 5
