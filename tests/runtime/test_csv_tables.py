import csv
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from hard_text import EXAMPLES, hard_names, hard_text
from hypothesis import given
from hypothesis import strategies as st

from shopper_age.runtime import csv_tables
from shopper_age.runtime.csv_tables import read_table, write_table


def written(table: pd.DataFrame, **options) -> str:
    file = StringIO(newline="")
    write_table(file, table, **options)
    return file.getvalue()


def read(text: str, *args, **options) -> pd.DataFrame:
    return read_table(StringIO(text, newline=""), *args, **options)


@st.composite
def text_tables(draw):
    names = draw(st.lists(hard_names, min_size=1, max_size=4, unique=True))
    rows = draw(st.lists(st.tuples(*[hard_text] * len(names)), max_size=5))
    return pd.DataFrame(rows, columns=pd.Index(names, dtype=object), dtype=object)


@given(table=text_tables())
def test_any_text_in_names_and_cells_comes_back(table):
    text = written(table)
    again = read(text)
    assert list(again) == list(table)
    assert again.to_numpy().tolist() == table.to_numpy().tolist()
    assert written(again) == text


@pytest.mark.parametrize("text", EXAMPLES)
def test_text_comes_back_in_a_row_of_its_own_and_beside_others(text):
    for table in (
        pd.DataFrame({"a": [text]}, dtype=object),
        pd.DataFrame({"a": ["x"], "b": [text]}, dtype=object),
    ):
        assert read(written(table)).to_numpy().tolist() == table.to_numpy().tolist()


@given(
    numbers=st.lists(st.floats(), min_size=1),
    whole=st.integers(-(2**62), 2**62),
    truth=st.booleans(),
)
def test_numbers_come_back_to_the_last_bit(numbers, whole, truth):
    table = pd.DataFrame(
        {"x": numbers, "n": whole, "is_so": truth, "row": pd.array([None] * len(numbers), "Int64")}
    )
    types = {"x": float, "n": int, "is_so": bool, "row": "Int64"}
    pd.testing.assert_frame_equal(read(written(table), types), table, check_exact=True)


@given(table=text_tables())
def test_no_cell_is_a_formula(table):
    cells = [*table, *table.to_numpy().ravel()]
    for (cell,) in csv.reader(StringIO(written(pd.DataFrame({"a": cells}, dtype=object)), newline="")):
        assert not cell.lstrip().startswith(("=", "+", "-", "@"))
        assert not cell.startswith(("\t", "\r", "\n"))


def test_a_formula_gets_an_apostrophe_and_a_number_none():
    table = pd.DataFrame({"=name": ["=1", "'=1", "it's"], "bias": [-3.25, 1.0, np.nan]})
    assert written(table) == "'=name,bias\n'=1,-3.25\n''=1,1.0\nit's,\n"
    assert written(table, guarded=False) == "=name,bias\n=1,-3.25\n'=1,1.0\nit's,\n"


def test_missing_text_becomes_empty_text():
    assert read(written(pd.DataFrame({"a": ["x", None], "b": "y"})))["a"].tolist() == ["x", ""]


def test_narrow_floats_are_written_short():
    assert written(pd.DataFrame({"x": np.float32([0.1])})) == "x\n0.1\n"


def test_categories_are_text():
    assert written(pd.DataFrame({"x": pd.Categorical(["-a", "b"])})) == "x\n'-a\nb\n"


def test_columns_that_are_not_named_have_the_other_type():
    assert read("a,b\n1,2\n", {"a": int}, other=float).dtypes.tolist() == [int, float]


@pytest.mark.parametrize("n_rows", [0, 1, 2, 3, 4])
def test_long_tables_are_written_and_read_in_portions(monkeypatch, n_rows):
    monkeypatch.setattr(csv_tables, "_ROWS_PER_PORTION", 2)
    table = pd.DataFrame({"name": [str(row) for row in range(n_rows)], "row": range(n_rows)})
    again = read(written(table), {"row": int})
    assert again.to_dict("list") == table.to_dict("list")
    assert again.index.tolist() == list(range(n_rows))


def test_a_cell_may_be_longer_than_the_csv_module_reads_by_default():
    table = pd.DataFrame({"a": ["=" + "x" * 140_000]})
    assert read(written(table))["a"].tolist() == table["a"].tolist()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "its header is empty"),
        ("a,a\n", "its header is not of different names: a, a"),
        ("a,b\n1\n", "line 2 has 1 cells, its header 2"),
        ("a\nx\n", "column 'a': .*'x'"),
        ('a\n"1\n', "line 2: unexpected end of data"),
    ],
)
def test_what_is_no_such_table_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        read(text, {"a": int})
    with pytest.raises(ValueError, match="column 'a': 'x' is neither True nor False"):
        read("a\nx\n", {"a": bool})
