from datetime import date

import numpy as np
import pytest
from public_sets import put_photo, read_set, write_mat
from scipy.io import savemat

from shopper_age.data.importers.imdb_wiki import age_on_1_july, read_imdb_wiki


def datenum(year, month, day):
    return float(date(year, month, day).toordinal() + 366)


NEW_YEAR_1983 = datenum(1983, 1, 1)


def row(path, *, born=NEW_YEAR_1983, taken=2003, gender=1.0, person="Ana", score=4.2, second=np.nan):
    return (born, taken, path, gender, person, score, second)


def test_matlabs_own_example_of_a_date_number_is_met():
    # MathWorks, datenum: datenum('19-May-2001') is 730990
    assert datenum(2001, 5, 19) == 730990


@pytest.mark.parametrize(
    ("born", "age"),
    [
        (datenum(1983, 1, 1), 20),
        (datenum(1983, 7, 1), 20),
        (datenum(1983, 7, 2), 19),
        (datenum(1984, 2, 29), 19),
        (datenum(2030, 1, 1), -27),
        (47.0, 2003),
        (datenum(1983, 1, 1) + 0.75, 20),
        (1e9, -2735904),
    ],
)
def test_the_age_is_that_of_the_middle_of_the_year(born, age):
    assert age_on_1_july(born, 2003) == age


def test_both_tables_are_read_with_their_people(tmp_path):
    put_photo(tmp_path / "imdb_crop" / "01" / "a.jpg")
    put_photo(tmp_path / "wiki_crop" / "17" / "b.jpg")
    put_photo(tmp_path / "wiki_crop" / "17" / "ć.JPG")
    write_mat(
        tmp_path / "imdb_crop" / "imdb.mat", [row("01/a.jpg", gender=0.0)]
    )  # a single row comes as scalars
    rows = [row("17/b.jpg", gender=np.nan, person="Zoë"), row("17/ć.JPG", person="")]
    write_mat(tmp_path / "wiki_crop" / "wiki.mat", rows)
    records, skipped = read_set(read_imdb_wiki, tmp_path)
    assert not skipped
    assert list(records) == ["imdb_crop/01/a.jpg", "wiki_crop/17/b.jpg", "wiki_crop/17/ć.JPG"]
    first, second, third = (record.attributes for record in records.values())
    assert first == {"gender": "female", "person": "Ana", "face_score": "4.2"}
    assert (second["gender"], second["person"], third["gender"], third["person"]) == ("", "Zoë", "male", "")


def test_impossible_ages_are_passed_on_and_become_findings(tmp_path):
    for name in ("unborn.jpg", "ancient.jpg"):
        put_photo(tmp_path / name)
    write_mat(
        tmp_path / "wiki.mat", [row("unborn.jpg", born=datenum(2030, 1, 1)), row("ancient.jpg", born=5.0)]
    )
    records, _ = read_set(read_imdb_wiki, tmp_path)
    assert [record.real_age for record in records.values()] == ["-27", "2003"]


def test_rows_that_cannot_be_used_are_left_out_with_their_reason(tmp_path):
    for name in ("dateless.jpg", "yearless.jpg", "faceless.jpg", "pair.jpg"):
        put_photo(tmp_path / name)
    write_mat(
        tmp_path / "wiki.mat",
        [
            row("dateless.jpg", born=np.nan),
            row("yearless.jpg", taken=np.inf),
            row("faceless.jpg", score=-np.inf),
            row("pair.jpg", second=2.5),
            row("gone.jpg"),
            row("../out.jpg"),
            row(""),
        ],
    )
    records, skipped = read_set(read_imdb_wiki, tmp_path)
    assert not records
    assert skipped == {
        "dateless.jpg": "its date of birth or year is not known",
        "yearless.jpg": "its date of birth or year is not known",
        "faceless.jpg": "no face was found on it",
        "pair.jpg": "it shows more than one face, and the age may be another's",
        "gone.jpg": "there is no such photo",
        "../out.jpg": "its name leads out of the folder",
        "a row of wiki.mat": "the row names no photo",
    }


def test_a_broken_or_foreign_table_is_named(tmp_path):
    (tmp_path / "wiki.mat").write_bytes(b"nothing of MATLAB" * 20)
    with pytest.raises(ValueError, match=r"wiki\.mat cannot be read as a MATLAB file"):
        read_set(read_imdb_wiki, tmp_path)
    savemat(tmp_path / "wiki.mat", {"wiki": {"dob": [1.0]}})
    with pytest.raises(ValueError, match=r"wiki\.mat lacks wiki\.photo_taken"):
        read_set(read_imdb_wiki, tmp_path)


def test_a_folder_without_a_table_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds neither imdb\.mat nor wiki\.mat"):
        read_set(read_imdb_wiki, tmp_path)
