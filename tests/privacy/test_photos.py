import os

import pytest

from shopper_age.privacy.photos import find_photos, remove_photos

TABLE = (
    "\ufefffile_name,real_age,note\r\n"
    'a.jpg,20,"two\r\nlines"\r\n'
    "b.jpg,30,\r\n"
    "\r\n"
    "./a.jpg,20,again\r\n"
    " deep/c.jpg ,40,=1+1\r\n"
    "gone.jpg,50,007"
)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A data folder with an odd labels.csv, four photos, and one that it does not name."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data/faces/final_files"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg", "deep/c.jpg", "unlabelled.jpg"):
        (folder / name).write_bytes(name.encode())
    (folder.parent / "labels.csv").write_text(TABLE, encoding="utf-8", newline="")
    return folder.parent


def labels(data):
    return (data / "labels.csv").read_bytes().decode()


def names(data, *wanted):
    return [photo.file_name for photo in find_photos(data, wanted)]


def test_names_and_paths_mean_the_same_photos_each_once(data):
    wanted = ["a.jpg", "data/faces/final_files/a.jpg", str(data / "final_files/deep/../b.jpg"), "deep/c.jpg"]
    assert names(data, *wanted) == ["a.jpg", "b.jpg", "deep/c.jpg"]
    assert names(data, "unlabelled.jpg", "gone.jpg") == ["unlabelled.jpg", "gone.jpg"]


def test_a_path_through_a_link_to_the_folder_is_understood(data, tmp_path):
    (tmp_path / "link").symlink_to(data)
    assert names(data, "link/final_files/b.jpg") == ["b.jpg"]
    assert names(tmp_path / "link", str(data / "final_files/b.jpg")) == ["b.jpg"]


def test_an_accent_may_be_spelt_in_another_unicode_form(data):
    (data / "final_files/Zoe\u0308.jpg").write_bytes(b"z")
    assert names(data, "Zo\u00eb.jpg") == ["Zoe\u0308.jpg"]


@pytest.mark.parametrize(
    "wanted", ["nobody.jpg", "", "deep", "/etc/passwd", "data/faces/labels.csv", "c.jpg"]
)
def test_unknown_names_are_refused_before_anything_is_removed(data, wanted):
    with pytest.raises(ValueError, match="nothing was removed"):
        find_photos(data, ["a.jpg", wanted])
    assert (data / "final_files/a.jpg").exists()


def test_every_row_of_a_photo_goes_and_all_other_bytes_stay(data):
    found = find_photos(data, ["a.jpg", "deep/c.jpg", "gone.jpg"])
    assert [photo.rows for photo in found] == [(2, 6), (7,), (8,)]
    remove_photos(data, found)
    assert labels(data) == "\ufefffile_name,real_age,note\r\nb.jpg,30,\r\n\r\n"
    assert sorted(path.name for path in (data / "final_files").rglob("*.jpg")) == ["b.jpg", "unlabelled.jpg"]


def test_without_rows_labels_csv_is_not_touched(data):
    before = (data / "labels.csv").stat()
    remove_photos(data, find_photos(data, ["unlabelled.jpg"]))
    assert (data / "labels.csv").stat().st_ino == before.st_ino
    assert not (data / "final_files/unlabelled.jpg").exists()


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_what_a_link_into_the_cache_leads_to_stays_as_it_is(data, tmp_path, link):
    cache = tmp_path / "cache"
    cache.mkdir()
    for number, path in enumerate((data / "labels.csv", data / "final_files/a.jpg")):
        path.rename(cache / str(number))
        (cache / str(number)).chmod(0o444)
        link(cache / str(number), path)
    (found,) = find_photos(data, ["a.jpg"])
    assert (found.link_target is None) == (link is os.link)
    assert found.n_links == (2 if link is os.link else 1)
    remove_photos(data, [found])
    assert (cache / "0").read_bytes().decode() == TABLE
    assert (cache / "1").read_bytes() == b"a.jpg"
    assert not os.path.lexists(data / "final_files/a.jpg")
    assert "a.jpg" not in labels(data)


def test_a_file_outside_of_the_folder_is_left_alone(data, tmp_path):
    (tmp_path / "data/outside.jpg").write_bytes(b"x")
    with (data / "labels.csv").open("a", newline="") as file:
        file.write("\r\n../../outside.jpg,20,\r\n")
    (found,) = find_photos(data, ["../../outside.jpg"])
    assert found.path is None
    remove_photos(data, [found])
    assert (tmp_path / "data/outside.jpg").exists()
    assert "outside" not in labels(data)


def test_a_link_to_nothing_is_removed(data):
    (data / "final_files/gone.jpg").symlink_to("nowhere")
    remove_photos(data, find_photos(data, ["gone.jpg"]))
    assert not os.path.lexists(data / "final_files/gone.jpg")


def test_a_removal_that_was_interrupted_can_be_repeated(data):
    found = find_photos(data, ["a.jpg"])
    (data / "final_files/a.jpg").unlink()
    remove_photos(data, found)
    with pytest.raises(ValueError, match=r"know no a\.jpg"):
        find_photos(data, ["a.jpg"])
