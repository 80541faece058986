import pytest
from public_sets import put_photo, read_set

from shopper_age.data.importers.utkface import read_utkface


def test_age_gender_and_ethnicity_come_from_the_name(tmp_path):
    put_photo(tmp_path / "25_1_2_20170116174525125.jpg")
    put_photo(tmp_path / "part1" / "116_0_0_20170116174525126.JPG")
    put_photo(tmp_path / "crop" / "1_1_4_20170116174525127.jpg.chip.jpg")
    records, skipped = read_set(read_utkface, tmp_path)
    assert not skipped
    young = records["25_1_2_20170116174525125.jpg"]
    assert (young.real_age, young.attributes) == ("25", {"gender": "female", "ethnicity": "asian"})
    old = records["part1/116_0_0_20170116174525126.JPG"]
    assert (old.real_age, old.attributes) == ("116", {"gender": "male", "ethnicity": "white"})
    assert records["crop/1_1_4_20170116174525127.jpg.chip.jpg"].attributes["ethnicity"] == "other"


def test_a_blank_before_the_suffix_as_one_published_name_has_it_does_no_harm(tmp_path):
    put_photo(tmp_path / "24_0_1_20170116220224657 .jpg")
    records, _ = read_set(read_utkface, tmp_path)
    assert records["24_0_1_20170116220224657 .jpg"].real_age == "24"


@pytest.mark.parametrize(
    "name",
    [
        "61_1_20170109142408075.jpg",  # as in the published set: no ethnicity
        "53__0_20170116184028385.jpg",  # no gender
        "-5_0_0_20170116184028385.jpg",
        "25_2_0_20170116184028385.jpg",
        "25_0_7_20170116184028385.jpg",
        "Größe.jpg",
        "٢٥_0_0_20170116184028385.jpg",
    ],
)
def test_a_malformed_name_is_left_out_by_name(tmp_path, name):
    put_photo(tmp_path / name)
    records, skipped = read_set(read_utkface, tmp_path)
    assert not records
    assert skipped == {name: "its name is not AGE_GENDER_ETHNICITY_DATE.jpg"}


def test_hidden_files_and_other_files_are_no_photos(tmp_path):
    put_photo(tmp_path / "25_1_2_20170116174525125.jpg")
    put_photo(tmp_path / "__MACOSX" / "._25_1_2_20170116174525125.jpg")
    (tmp_path / "landmark_list_part1.txt").touch()
    records, skipped = read_set(read_utkface, tmp_path)
    assert len(records) == 1
    assert not skipped


def test_a_folder_without_photos_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no photo: name the unpacked folder of UTKFace"):
        read_set(read_utkface, tmp_path)
