import pytest
from public_sets import put_photo, read_set

from shopper_age.data.importers.afad import read_afad


def test_age_and_gender_come_from_the_folders_and_the_person_from_the_name(tmp_path):
    put_photo(tmp_path / "15" / "111" / "638660-1.jpg")
    put_photo(tmp_path / "AFAD-Full" / "40" / "112" / "9.JPG")
    (tmp_path / "15" / "111" / "Thumbs.db").touch()
    records, skipped = read_set(read_afad, tmp_path)
    assert not skipped
    boy = records["15/111/638660-1.jpg"]
    assert (boy.real_age, boy.attributes) == ("15", {"gender": "male", "person": "638660"})
    woman = records["AFAD-Full/40/112/9.JPG"]
    assert (woman.real_age, woman.attributes) == ("40", {"gender": "female", "person": ""})


def test_equal_names_in_different_folders_stay_apart(tmp_path):
    put_photo(tmp_path / "15" / "111" / "1-0.jpg")
    put_photo(tmp_path / "16" / "111" / "1-0.jpg")
    records, _ = read_set(read_afad, tmp_path)
    assert {name: record.real_age for name, record in records.items()} == {
        "15/111/1-0.jpg": "15",
        "16/111/1-0.jpg": "16",
    }


def test_the_folder_of_one_age_may_be_named(tmp_path):
    put_photo(tmp_path / "15" / "111" / "1-0.jpg")
    records, _ = read_set(read_afad, tmp_path / "15")
    assert records["111/1-0.jpg"].real_age == "15"


@pytest.mark.parametrize("name", ["15/113/1-0.jpg", "old/111/1-0.jpg", "1-0.jpg", "-3/111/1-0.jpg"])
def test_a_photo_elsewhere_is_left_out_by_name(tmp_path, name):
    put_photo(tmp_path / name)
    records, skipped = read_set(read_afad, tmp_path)
    assert not records
    assert skipped == {name: "it does not lie in AGE/111 or AGE/112"}
