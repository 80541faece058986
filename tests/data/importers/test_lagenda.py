import pytest
from public_sets import put_photo, read_set

from shopper_age.data.importers.lagenda import read_lagenda

HEADER = "img_name,age,gender,face_x0,face_y0,face_x1,face_y1,person_x0,person_y0,person_x1,person_y1\n"


def write_rows(folder, *rows):
    folder.mkdir(exist_ok=True)
    (folder / "lagenda_annotation.csv").write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")


def test_a_photo_of_one_person_is_taken_whole(tmp_path):
    put_photo(tmp_path / "lag_benchmark" / "one.jpg")
    write_rows(tmp_path, "lag_benchmark/one.jpg,28.5,F,10,10,20,30,-1,-1,-1,-1")
    records, skipped = read_set(read_lagenda, tmp_path)
    assert not skipped
    record = records["lag_benchmark/one.jpg"]
    assert (record.real_age, record.attributes, record.box) == ("28.5", {"gender": "female"}, None)


def test_each_face_is_cut_out_with_its_margin(tmp_path):
    put_photo(tmp_path / "images" / "two.jpg")
    write_rows(
        tmp_path / "annotations",
        "two.jpg,28,F,10,10,20,30,-1,-1,-1,-1",
        "two.jpg,-1,-1,1,1,5,5,-1,-1,-1,-1",
        "two.jpg,60,M,0,0,10,10,0,0,30,30",
    )
    records, skipped = read_set(read_lagenda, tmp_path, faces=True)
    # 40 % of the longer side: 8 around 10 × 20, 4 around 10 × 10
    assert {name: record.box for name, record in records.items()} == {
        "images/two_2.jpg": (2, 2, 28, 38),
        "images/two_4.jpg": (-4, -4, 14, 14),
    }
    assert skipped == {"two.jpg (line 3)": "its age is not known"}


def test_rows_that_cannot_be_used_are_left_out_with_their_reason(tmp_path):
    for name in ("two.jpg", "headless.jpg", "turned.jpg"):
        put_photo(tmp_path / name)
    write_rows(
        tmp_path,
        "two.jpg,28,F,10,10,20,30,-1,-1,-1,-1",
        "two.jpg,-1,-1,1,1,5,5,-1,-1,-1,-1",
        "gone.jpg,20,F,1,1,5,5,-1,-1,-1,-1",
        "headless.jpg,20,F,-1,-1,-1,-1,0,0,9,9",
        "turned.jpg,20,F,9,9,3,3,0,0,9,9",
        "old.jpg,old,F,1,1,5,5,0,0,9,9",
        "../out.jpg,20,F,1,1,5,5,0,0,9,9",
    )
    whole, skipped = read_set(read_lagenda, tmp_path)
    assert list(whole) == ["headless.jpg", "turned.jpg"]
    assert skipped["two.jpg (line 2)"] == "it shows several people: import with --faces"
    faces, skipped = read_set(read_lagenda, tmp_path, faces=True)
    assert list(faces) == ["two_2.jpg"]
    assert skipped == {
        "two.jpg (line 3)": "its age is not known",
        "gone.jpg (line 4)": "there is no such photo",
        "headless.jpg (line 5)": "the row has no face",
        "turned.jpg (line 6)": "the row has no face",
        "old.jpg (line 7)": "its age is not a number",
        "../out.jpg (line 8)": "its name leads out of the folder",
    }


def test_a_folder_without_the_table_is_told(tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n")
    with pytest.raises(FileNotFoundError, match="holds no CSV with the columns img_name, age, gender"):
        read_set(read_lagenda, tmp_path)
