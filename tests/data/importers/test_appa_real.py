import pytest
from public_sets import put_photo, read_set

from shopper_age.data.importers.appa_real import read_appa_real

AVERAGES = "file_name,num_ratings,apparent_age_avg,apparent_age_std,real_age\n"
RATINGS = "file_name,real_age,apparent_age,worker_age,worker_gender\n"


@pytest.fixture
def release(tmp_path):
    """A release with two photos to train, one to validate and one to test."""
    for number, part in enumerate(("train", "train", "valid", "test")):
        put_photo(tmp_path / part / f"00000{number}.jpg", number)
        put_photo(tmp_path / part / f"00000{number}.jpg_face.jpg", 10 + number)
    (tmp_path / "gt_avg_train.csv").write_text(
        AVERAGES + "000000.jpg,36,5.06,1.35,4\n000001.jpg,38,20.5,3,18\n"
    )
    (tmp_path / "gt_avg_valid.csv").write_text(AVERAGES + "000002.jpg,36,46.3,4,50\n")
    (tmp_path / "gt_avg_test.csv").write_text(AVERAGES + "000003.jpg,36,70,4,71\n")
    return tmp_path


def test_real_ages_come_with_the_official_split(release):
    records, skipped = read_set(read_appa_real, release)
    assert not skipped
    assert {name: (record.real_age, record.attributes["split"]) for name, record in records.items()} == {
        "train/000000.jpg": ("4", "train"),
        "train/000001.jpg": ("18", "train"),
        "valid/000002.jpg": ("50", "validation"),
        "test/000003.jpg": ("71", "test"),
    }


def test_apparent_ages_and_faces_can_be_had_instead(release):
    records, _ = read_set(read_appa_real, release, age="apparent", faces=True)
    face = records["train/000000.jpg_face.jpg"]
    assert face.real_age == "5.06"
    assert face.source.read_bytes() == (release / "train" / "000000.jpg_face.jpg").read_bytes()


def test_a_folder_above_the_release_may_be_named(release, tmp_path_factory):
    above = tmp_path_factory.mktemp("unpacked")
    (above / "twice").mkdir()
    release.rename(above / "twice" / "appa-real-release")
    records, _ = read_set(read_appa_real, above)
    assert records["train/000000.jpg"].source.is_file()


def test_ages_may_stand_in_the_categories_alone(release):
    for table in release.glob("gt_*.csv"):
        table.unlink()
    table = "file,gender,real_age,apparent_age\n000000.jpg,female,4,5.5\n"
    (release / "allcategories_train.csv").write_text(table)
    real, skipped = read_set(read_appa_real, release)
    apparent, _ = read_set(read_appa_real, release, age="apparent")
    assert [read["train/000000.jpg"].real_age for read in (real, apparent)] == ["4", "5.5"]
    assert real["train/000000.jpg"].attributes["gender"] == "female"
    assert set(skipped) == {"valid/", "test/"}


def test_a_table_of_ratings_gives_the_real_age_once_and_the_mean_apparent_age(release):
    (release / "gt_avg_train.csv").unlink()
    rows = [
        "000000.jpg,4,5,30,female",
        "000000.jpg,4,6,31,male",
        "000000.jpg,4,x,31,male",
        "000001.jpg,18,20,,",
    ]
    (release / "gt_train.csv").write_text(RATINGS + "\n".join(rows) + "\n")
    real, _ = read_set(read_appa_real, release)
    apparent, _ = read_set(read_appa_real, release, age="apparent")
    assert [real[f"train/00000{n}.jpg"].real_age for n in (0, 1)] == ["4", "18"]
    assert [apparent[f"train/00000{n}.jpg"].real_age for n in (0, 1)] == ["5.5", "20"]


def test_further_categories_become_columns(release):
    table = "file,gender,race,makeup,real_age\n000000.jpg,female,asian,none,99\n"
    (release / "allcategories_train.csv").write_text("﻿" + table, encoding="utf-8")
    records, _ = read_set(read_appa_real, release)
    assert records["train/000000.jpg"].attributes == {
        "split": "train",
        "gender": "female",
        "ethnicity": "asian",
        "makeup": "none",
    }
    assert records["train/000001.jpg"].attributes == {"split": "train"}


def test_rows_that_cannot_be_used_are_left_out_with_their_reason(release):
    rows = [
        "000002.jpg,36,46.3,4,50",
        "gone.jpg,36,46.3,4,50",
        "../test/000003.jpg,36,46.3,4,50",
        "nobody.jpg,36,46.3,4,",
        "word.jpg,36,46.3,4,old",
        "infinite.jpg,36,46.3,4,inf",
        "short.jpg",
        ",36,46.3,4,50",
    ]
    (release / "gt_avg_valid.csv").write_text(AVERAGES + "\n".join(rows) + "\n")
    (release / "gt_avg_test.csv").unlink()
    records, skipped = read_set(read_appa_real, release)
    assert [name for name in records if name.startswith("valid/")] == ["valid/000002.jpg"]
    assert skipped == {
        "valid/gone.jpg": "there is no such photo",
        "valid/../test/000003.jpg": "its name leads out of the folder",
        "valid/nobody.jpg": "its age is not known",
        "valid/word.jpg": "its age is not a number",
        "valid/infinite.jpg": "its age is not a number",
        "valid/short.jpg": "its age is not known",
        "valid/": "the row names no photo",
        "test/": "there is no table of this part",
    }


def test_an_impossible_age_is_passed_on_for_the_validation_to_judge(release):
    (release / "gt_avg_valid.csv").write_text(AVERAGES + "000002.jpg,36,46.3,4,-5\n")
    records, _ = read_set(read_appa_real, release)
    assert records["valid/000002.jpg"].real_age == "-5"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"file_name,age\n", r"gt_avg_train\.csv lacks the column real_age \(found: file_name, age\)"),
        (b"\xff\xfe\x00", r"gt_avg_train\.csv is not UTF-8 text"),
        (b'file_name,real_age\n"000000.jpg,3\n', r"gt_avg_train\.csv unexpected end of data"),
        (b"", r"gt_avg_train\.csv lacks the column"),
    ],
)
def test_a_table_that_cannot_be_read_is_named(release, content, message):
    (release / "gt_avg_train.csv").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_set(read_appa_real, release)


def test_another_folder_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds none of gt_avg_train\.csv"):
        read_set(read_appa_real, tmp_path)
