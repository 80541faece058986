import io

import pytest

from shopper_age.inference.sources import Source, sources


def found(*paths, told=""):
    return list(sources([str(path) for path in paths], io.StringIO(told)))


@pytest.fixture
def folder(tmp_path):
    for name in (
        "b.jpg",
        "a.PNG",
        "c d.webp",
        "note.txt",
        ".hidden.jpg",
        "in/z.jpeg",
        ".git/x.jpg",
        "[1].jpg",
    ):
        path = tmp_path / "till" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "till"


def names(listed, folder):
    return [source.path.removeprefix(f"{folder}/") for source in listed]


def test_a_folder_stands_for_the_photos_in_it_sorted(folder):
    assert names(found(folder), folder) == ["[1].jpg", "a.PNG", "b.jpg", "c d.webp", "in/z.jpeg"]


def test_patterns_match_and_a_file_of_that_very_name_comes_first(folder):
    assert names(found(folder / "*.jpg"), folder) == ["[1].jpg", "b.jpg"]
    assert names(found(folder / "**/*.jpeg"), folder) == ["in/z.jpeg"]
    assert names(found(folder / "[1].jpg"), folder) == ["[1].jpg"]


@pytest.mark.parametrize("path", ["no/such.jpg", "*.gif", "no.csv"])
def test_what_is_not_there_is_told(folder, path):
    with pytest.raises(FileNotFoundError, match=r"not found|no file matches"):
        found(folder / path)


def test_names_on_standard_input_are_taken_as_they_are():
    assert found("-", told="a.jpg\r\n\n b c.jpg\nmissing.jpg") == [
        Source("a.jpg"), Source(" b c.jpg"), Source("missing.jpg"),
    ]  # fmt: skip


def test_a_table_names_photos_and_true_ages(tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("\ufefffile_name, real_age,sex\na.jpg,31,f\nb.jpg,about 40,m\n,5,\n", encoding="utf-8")
    assert found(table) == [Source(f"{tmp_path}/a.jpg", 31.0), Source(f"{tmp_path}/b.jpg")]
    (tmp_path / "final_files").mkdir()
    assert found(table)[0].path == f"{tmp_path}/final_files/a.jpg"


def test_a_table_without_names_is_told(tmp_path):
    (tmp_path / "labels.csv").write_text("photo,age\na.jpg,3\n")
    with pytest.raises(ValueError, match="has no column file_name, but photo, age"):
        found(tmp_path / "labels.csv")
    (tmp_path / "labels.csv").write_text("")
    with pytest.raises(ValueError, match="but none"):
        found(tmp_path / "labels.csv")


def test_photos_are_named_one_by_one_and_a_link_to_nothing_too(folder):
    (folder / "gone.jpg").symlink_to("nowhere")
    assert names(found(folder / "b.jpg", folder / "gone.jpg", folder / "b.jpg"), folder) == [
        "b.jpg", "gone.jpg", "b.jpg",
    ]  # fmt: skip


def test_a_link_to_a_folder_is_neither_a_photo_nor_followed(folder):
    (folder / "around.jpg").symlink_to(folder)
    assert len(found(folder)) == 5
