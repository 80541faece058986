import unicodedata

import pandas as pd
import pytest

from shopper_age.validation.labels import (
    age_years,
    cell_findings,
    names_on_disk,
    plain_names,
    repetition_findings,
)


def labels(*rows: tuple[str, str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["file_name", "real_age"], dtype="str")
    return table.set_index(pd.Index(range(2, len(rows) + 2), name="row"))


def column(*names: str) -> pd.Series:
    return pd.Series(names, index=range(2, len(names) + 2), dtype="str")


def rules_of(file_name: str, real_age: str) -> list[str]:
    return cell_findings(labels((file_name, real_age)), min_age=0, max_age=100)["rule"].tolist()


@pytest.mark.parametrize("age", ["0", "100", " 32 ", "0.5", "+5", "1e1", "007", "32."])
def test_an_age_within_the_bounds_passes(age):
    assert rules_of("a.jpg", age) == []


@pytest.mark.parametrize(
    ("age", "rule"),
    [
        ("", "missing_age"),
        ("  ", "missing_age"),
        ("abc", "age_not_a_number"),
        ("32 years", "age_not_a_number"),
        ("32,5", "age_not_a_number"),
        ("1_0", "age_not_a_number"),
        ("٣٢", "age_not_a_number"),
        ("nan", "age_not_a_number"),
        ("True", "age_not_a_number"),
        ("inf", "age_not_finite"),
        ("-Infinity", "age_not_finite"),
        ("1e400", "age_not_finite"),
        ("-3", "age_out_of_range"),
        ("100.01", "age_out_of_range"),
        ("1e3", "age_out_of_range"),
    ],
)
def test_a_bad_age_breaks_exactly_one_rule(age, rule):
    assert rules_of("a.jpg", age) == [rule]


@pytest.mark.parametrize(
    "name",
    ["a.jpg", "shop/a.jpg", "a/../b.jpg", "..a.jpg", "a..b/c.jpg", "é ü.jpg", "~a.jpg", "at 12:30", "😀"],
)
def test_a_name_within_the_folder_passes(name):
    assert rules_of(name, "1") == []


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../labels.csv",
        "a/../../b.jpg",
        "..",
        "..\\b.jpg",
        "a\\..\\..\\b.jpg",
        "C:\\a.jpg",
        "c:a.jpg",
        "\\\\server\\share\\a.jpg",
        "a\0.jpg",
        "a\n.jpg",
    ],
)
def test_a_name_that_leaves_the_folder_is_unsafe(name):
    assert rules_of(name, "1") == ["unsafe_path"]


@pytest.mark.parametrize("name", ["a\n.jpg", "tab\there.jpg", "a\x7f.jpg"])
def test_a_control_character_in_a_name_is_named_as_that(name):
    (detail,) = cell_findings(labels((name, "5")), min_age=0, max_age=100)["detail"]

    assert detail == f"{name!r}: a line break or another control character: rename the photo"


def test_all_failures_of_all_rows_are_collected():
    found = cell_findings(labels(("", ""), ("a.jpg", "5"), ("/a.jpg", "x")), min_age=0, max_age=100)

    assert sorted(zip(found["row"], found["rule"], found["detail"], strict=True)) == [
        (2, "missing_age", ""),
        (2, "missing_file_name", ""),
        (4, "age_not_a_number", "'x': stands for no age: leave the cell empty, or write the age in years"),
        (4, "unsafe_path", "'/a.jpg': write the name as counted from the photo folder"),
    ]
    assert found["file_name"].tolist().count("/a.jpg") == 2
    assert set(found["severity"]) == {"error"}


def test_text_that_is_no_number_has_no_age():
    assert age_years(column("7", "seven", "")).fillna(-1).tolist() == [7, -1, -1]


def test_rows_of_one_file_that_disagree_are_all_reported():
    names = column("a", "b", "a", "a")

    found = repetition_findings(names, pd.Series([3.0, 9, 40, 3], index=names.index))

    assert found["row"].tolist() == [2, 4, 5]
    assert set(found["rule"]) == {"conflicting_ages"}
    assert set(found["detail"]) == {"ages from 3 to 40"}


def test_of_rows_that_agree_all_but_the_first_are_reported():
    names = column("a", "b", "a", "a")

    found = repetition_findings(names, pd.Series([3.0, 9, 3, 3], index=names.index))

    assert found["row"].tolist() == [4, 5]
    assert set(found["rule"]) == {"duplicate_row"}
    assert set(found["detail"]) == {"as line 2"}
    assert set(found["severity"]) == {"warning"}


def test_rows_of_different_files_are_no_repetition():
    names = column("a", "b")

    assert repetition_findings(names, pd.Series([3.0, 3], index=names.index)).empty


def test_names_lose_their_detours():
    assert plain_names(column("./a.jpg", "b/../a.jpg", "c//d.jpg", "", "e.jpg")).tolist() == [
        "a.jpg",
        "a.jpg",
        "c/d.jpg",
        "",
        "e.jpg",
    ]


def test_an_accented_name_takes_the_spelling_on_disk():
    composed, decomposed = (unicodedata.normalize(form, "zoé.jpg") for form in ("NFC", "NFD"))

    assert names_on_disk(column(composed, "a.jpg"), [decomposed, "a.jpg"]).tolist() == [decomposed, "a.jpg"]
    assert names_on_disk(column(decomposed), [composed]).tolist() == [composed]
    assert names_on_disk(column(composed, decomposed), [composed, decomposed]).tolist() == [
        composed,
        decomposed,
    ]
    assert names_on_disk(column("ü.jpg"), [composed]).tolist() == ["ü.jpg"]
