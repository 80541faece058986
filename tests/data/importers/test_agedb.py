import pytest
from public_sets import put_photo, read_set

from shopper_age.data.importers.agedb import read_agedb


def test_person_age_and_gender_come_from_the_name(tmp_path):
    put_photo(tmp_path / "0_MariaCallas_35_f.jpg")
    put_photo(tmp_path / "AgeDB" / "7_José_de_la_Cruz_2_M.JPG")
    records, skipped = read_set(read_agedb, tmp_path)
    assert not skipped
    callas = records["0_MariaCallas_35_f.jpg"]
    assert (callas.real_age, callas.attributes) == ("35", {"gender": "female", "person": "MariaCallas"})
    other = records["AgeDB/7_José_de_la_Cruz_2_M.JPG"]
    assert (other.real_age, other.attributes) == ("2", {"gender": "male", "person": "José_de_la_Cruz"})


@pytest.mark.parametrize("name", ["MariaCallas_35_f.jpg", "0_MariaCallas_-3_f.jpg", "0_MariaCallas_35_x.jpg"])
def test_a_malformed_name_is_left_out_by_name(tmp_path, name):
    put_photo(tmp_path / name)
    records, skipped = read_set(read_agedb, tmp_path)
    assert not records
    assert skipped == {name: "its name is not NUMBER_PERSON_AGE_GENDER.jpg"}


def test_a_folder_without_photos_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no photo"):
        read_set(read_agedb, tmp_path)
