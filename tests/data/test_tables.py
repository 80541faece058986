from pathlib import Path

import pandas as pd
import pytest

from shopper_age.data import tables
from shopper_age.data.tables import (
    age_years,
    first_rows,
    one_age,
    photo_path,
    read_labels,
    read_manifest,
    read_splits,
    write_splits,
)
from shopper_age.runtime.files import write_csv

MANIFEST = pd.DataFrame(
    {
        "file_name": ["NA", "é, ü.jpg"],
        "real_age": [30.25, 7.0],
        "width": [200, 100],
        "height": [200, 50],
        "mode": ["RGB", "L"],
        "n_bytes": [4716, 99],
        "content_hash": ["0000000000000012", "1e00000000000034"],
        "perceptual_hash": ["0123456789012345", "00ffd4d98ba6c291"],
        "duplicate_group": [0, 1],
        "shop": ["", "007"],
        "note": ["null", 'a "big" shop\r\nin Köln'],
    }
)


def labels_of(tmp_path: Path, content: str | bytes) -> pd.DataFrame:
    content = content.encode() if isinstance(content, str) else content
    (tmp_path / "labels.csv").write_bytes(content)
    return read_labels(tmp_path)


def test_labels_stay_the_text_they_are(tmp_path):
    labels = labels_of(tmp_path, "file_name,real_age,shop\n001.jpg,032.50,NA\n002.jpg,abc,\n")

    assert labels.to_dict("list") == {
        "file_name": ["001.jpg", "002.jpg"],
        "real_age": ["032.50", "abc"],
        "shop": ["NA", ""],
    }


def test_labels_are_indexed_by_the_line_an_editor_shows(tmp_path):
    labels = labels_of(tmp_path, 'file_name,real_age,note\na.jpg,1,\n\nb.jpg,2,"two\nlines"\nc.jpg,3,\n')

    assert labels.index.tolist() == [2, 4, 6]
    assert labels.index.name == "row"


@pytest.mark.parametrize("n_portion", [1, 2, 3])
def test_labels_read_in_portions_are_the_whole_table(tmp_path, monkeypatch, n_portion):
    content = "file_name,,real_age\na.jpg,0,1\n\nb.jpg\nc.jpg,2,3\n"
    whole = labels_of(tmp_path, content)
    monkeypatch.setattr(tables, "_ROWS_PER_PORTION", n_portion)

    pd.testing.assert_frame_equal(labels_of(tmp_path, content), whole)
    assert whole["file_name"].tolist() == ["a.jpg", "b.jpg", "c.jpg"]
    assert whole.index.tolist() == [2, 4, 5]


def test_labels_of_windows_and_old_macs_are_read(tmp_path):
    with_mark = labels_of(tmp_path, b"\xef\xbb\xbffile_name, real_age\r\na.jpg,1\r\n")
    assert with_mark.columns.tolist() == ["file_name", "real_age"]
    assert with_mark["real_age"].tolist() == ["1"]
    assert labels_of(tmp_path, b"file_name,real_age\ra.jpg,1\rb.jpg,2\r")["real_age"].tolist() == ["1", "2"]


def test_the_index_that_pandas_writes_is_left_out(tmp_path):
    labels = labels_of(tmp_path, ",file_name,real_age\n0,a.jpg,1\n")

    assert labels.columns.tolist() == ["file_name", "real_age"]


def test_short_rows_are_filled_and_blank_surplus_cells_ignored(tmp_path):
    labels = labels_of(tmp_path, "file_name,real_age,sex\na.jpg\nb.jpg,2,f,,\n")

    assert labels.to_numpy().tolist() == [["a.jpg", "", ""], ["b.jpg", "2", "f"]]


def test_labels_without_rows_are_an_empty_table(tmp_path):
    assert labels_of(tmp_path, "file_name,real_age\n").empty


def test_missing_labels_say_how_to_start(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"labels\.csv not found.*final_files.*make demo"):
        read_labels(tmp_path)


@pytest.mark.parametrize(
    ("there", "told"),
    [
        ("faces/Labels.csv", "There is {}/faces/Labels.csv: rename it."),
        ("faces/labels.CSV", "There is {}/faces/labels.CSV: rename it."),
        ("faces/labels.csv.csv", "There is {}/faces/labels.csv.csv: save it as labels.csv"),
        ("faces/labels.xlsx", "There is {}/faces/labels.xlsx: save it as labels.csv (CSV UTF-8)."),
        ("faces/final_files/labels.csv", "There is {}/faces/final_files/labels.csv: move it."),
        ("faces/faces/labels.csv", "There is {}/faces/faces/labels.csv: move it."),
        ("labels.csv", "There is {}/labels.csv: move it."),
        ("Faces/labels.csv", "There is a folder {}/Faces: correct data_path"),
    ],
)
def test_labels_in_the_wrong_place_are_named(tmp_path, there, told):
    (tmp_path / "faces").mkdir(exist_ok=not there.startswith("Faces"))
    if there.startswith("Faces"):
        (tmp_path / "faces").rmdir()
    (tmp_path / there).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / there).touch()
    with pytest.raises(FileNotFoundError) as error:
        read_labels(tmp_path / "faces")
    assert told.format(tmp_path) in str(error.value)


def test_a_folder_within_a_folder_of_the_same_name_is_the_data(tmp_path):
    (tmp_path / "faces" / "faces" / "final_files").mkdir(parents=True)
    (tmp_path / "faces" / "faces" / "labels.csv").touch()
    with pytest.raises(FileNotFoundError, match=r"set data_path in params\.yaml to .*faces/faces"):
        read_labels(tmp_path / "faces")


def test_photos_beside_labels_do_not_hide_the_advice(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"labels\.csv not found\. Put your photos"):
        read_labels(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"lacks the column file_name and real_age in line 1 \(found: nothing\)"),
        ("file;age\n", "lacks the column file_name and real_age .*commas"),
        ("file_name;real_age\na.jpg;1\n", "Separate the columns by commas"),
        ("file_name,age\n", "lacks the column real_age"),
        ("file_name,real_age,sex,sex\n", "column sex more than once"),
        ("file_name,real_age,width\n", "column width, which is measured here: rename it"),
        ("file_name,real_age\na.jpg,1\nb.jpg,32,5\n", "1 rows have more cells than the header's 2.* line 3"),
        ('file_name,real_age\na.jpg,1\n"b.jpg,2\n', "line 3: .*double quote left open"),
        ("file_name,real_age\nM\u00fcller.jpg,1\n".encode("latin-1"), "not UTF-8 .* save it as 'CSV UTF-8'"),
        ("file_name,real_age\n".encode("utf-16"), "not UTF-8"),
    ],
)
def test_unreadable_labels_say_what_is_wrong(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        labels_of(tmp_path, content)


@pytest.mark.parametrize(
    "header",
    [
        ",".join(f"column_{number}" for number in range(20_000)),
        "x" * 100_000,
        "file_name,real_age," + ",".join(["a,b"] + [f"c{number},c{number}" for number in range(5_000)]),
        ",".join(["file_name", "real_age", *["y" * 100_000] * 2]),
        '"two\nlines",age',
    ],
)
def test_a_bad_header_is_told_in_one_short_line(tmp_path, header):
    with pytest.raises(ValueError, match="column") as refused:
        labels_of(tmp_path, header + "\n")
    assert len(str(refused.value)) < 1_500
    assert "\n" not in str(refused.value)


def test_photos_are_found_in_the_photo_folder():
    assert photo_path("data/faces", "shop/a.jpg") == Path("data/faces/final_files/shop/a.jpg")


def test_a_manifest_comes_back_as_it_was_written(tmp_path):
    write_csv(tmp_path / "reports" / "manifest.csv", MANIFEST)

    pd.testing.assert_frame_equal(
        read_manifest(tmp_path / "reports" / "manifest.csv"), MANIFEST, check_dtype=False
    )


def test_an_empty_manifest_can_be_read(tmp_path):
    write_csv(tmp_path / "manifest.csv", MANIFEST.head(0))

    assert read_manifest(tmp_path / "manifest.csv").empty


def test_splits_hold_file_age_and_part_alone(tmp_path):
    table = MANIFEST.assign(split=["train", "test"])

    write_splits(table, tmp_path / "splits.csv")

    assert read_splits(tmp_path / "splits.csv").to_dict("list") == {
        "file_name": ["NA", "é, ü.jpg"],
        "real_age": [30.25, 7.0],
        "split": ["train", "test"],
    }


def test_a_table_that_no_stage_has_written_names_the_stage(tmp_path):
    with pytest.raises(FileNotFoundError, match="dvc repro validate_data"):
        read_manifest(tmp_path / "manifest.csv")
    with pytest.raises(FileNotFoundError, match="dvc repro split"):
        read_splits(tmp_path / "splits.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"splits\.csv is not as this project writes it: its header is empty\. Run `dvc repro -f split`"),
        (
            "file_name,real_age,split\na.jpg,old,train\n",
            r"column 'real_age': .*'old'\. Run `dvc repro -f split`",
        ),
        ("file_name,real_age,split\na.jpg,1\n", "line 2 has 2 cells, its header 3"),
        ("file_name,real_age\na.jpg,1\n", "lacks the column split"),
        ("file_name,real_age,split\na.jpg,1,valid\n", "holds valid; expected train, validation, test"),
    ],
)
def test_splits_of_other_make_are_refused(tmp_path, content, message):
    (tmp_path / "splits.csv").write_text(content)

    with pytest.raises(ValueError, match=message):
        read_splits(tmp_path / "splits.csv")


def test_ages_are_read_from_text_and_what_is_none_is_nan():
    text = pd.Series([" 7 ", "40.5", "1e3", "inf", "", "seven", "1,5", "1_0"], dtype="str")
    ages = age_years(text)
    assert ages.dtype == float
    assert ages[:4].tolist() == [7, 40.5, 1000, float("inf")]
    assert ages[4:].isna().all()


@pytest.mark.parametrize(("n", "share", "n_test"), [(40, 0.25, 10), (7, 0.25, 1), (3, 0.25, 0), (0, 0.5, 0)])
def test_the_first_rows_are_a_share_rounded_down(n, share, n_test):
    assert first_rows(n, share=share).tolist() == [True] * n_test + [False] * (n - n_test)


@pytest.mark.parametrize(
    ("ages", "told"),
    [
        ([30.0] * 80, "All 80 photos have the age 30: there is nothing to learn"),
        ([30.5] * 95 + [1.0] * 5, "95 of 100 photos have the age 30.5"),
        ([30.0], "The only photo has the age 30"),
        ([30.0] * 8 + [1.0] * 2, ""),
        ([], ""),
    ],
)
def test_one_age_of_nearly_everybody_is_told(ages, told):
    assert one_age(pd.Series(ages, dtype=float)).startswith(told)
    assert bool(one_age(pd.Series(ages, dtype=float))) == bool(told)
