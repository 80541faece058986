import csv

import numpy as np
import pytest
from PIL import Image

from shopper_age.demo import faces
from shopper_age.demo.__main__ import main
from shopper_age.demo.faces import draw_ages, draw_face, draw_faces


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn") / "demo"
    return folder, draw_faces(folder, n=5, seed=3)


def test_the_folder_has_the_format_of_real_photos(drawn):
    folder, labels = drawn
    with (folder / "labels.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["file_name", "real_age"]
    assert rows[1:] == [[name, str(age)] for name, age in labels.itertuples(index=False)]
    assert sorted(contents(folder)) == [*(f"final_files/00000{i}.jpg" for i in range(5)), "labels.csv"]
    for name in labels["file_name"]:
        with Image.open(folder / "final_files" / name) as photo:
            assert (photo.format, photo.size) == ("JPEG", (224, 224))
            photo.load()


def test_the_same_seed_draws_the_same_bytes_with_any_number_of_workers(drawn, tmp_path):
    folder, _ = drawn
    draw_faces(tmp_path / "again", n=5, seed=3, workers=2)
    assert contents(tmp_path / "again") == contents(folder)


def test_another_seed_draws_other_faces(drawn, tmp_path):
    folder, _ = drawn
    draw_faces(tmp_path / "other", n=5, seed=4)
    mine, other = contents(folder), contents(tmp_path / "other")
    assert all(mine[name] != other[name] for name in mine)


def test_no_two_faces_of_one_drawing_are_alike(drawn):
    folder, _ = drawn
    assert len(set(contents(folder).values())) == 6


def test_photos_that_are_there_are_not_overwritten(tmp_path):
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "mine.jpg").write_bytes(b"precious")
    with pytest.raises(FileExistsError, match="not empty"):
        draw_faces(tmp_path / "faces", n=1, seed=0)
    assert contents(tmp_path) == {"faces/mine.jpg": b"precious"}


def test_an_empty_folder_is_filled(tmp_path):
    draw_faces(tmp_path, n=1, seed=0)
    assert sorted(contents(tmp_path)) == ["final_files/000000.jpg", "labels.csv"]


def test_an_interrupted_drawing_leaves_nothing(tmp_path, monkeypatch):
    def save(folder, _seed, number, file_name, _age_years):
        if number == 1:
            raise OSError("disk full")
        (folder / file_name).touch()

    monkeypatch.setattr(faces, "_save_face", save)
    with pytest.raises(OSError, match="disk full"):
        draw_faces(tmp_path / "demo", n=3, seed=0)
    assert list(tmp_path.iterdir()) == []


def test_no_faces_are_refused(tmp_path):
    with pytest.raises(ValueError, match="n is 0"):
        draw_faces(tmp_path / "demo", n=0, seed=0)


def test_ages_are_most_often_between_20_and_45_but_cover_1_to_90():
    ages = draw_ages(400, np.random.default_rng(0))
    assert ages.min() == 1
    assert ages.max() >= 87
    assert np.mean((ages >= 20) & (ages <= 45)) > 0.4
    assert np.sum(ages < 12) >= 30
    assert np.sum((ages >= 12) & (ages < 18)) >= 15
    assert np.sum(ages > 60) >= 40


@pytest.mark.parametrize("age_years", [0, 1, 17.5, 90, 100])
def test_a_face_can_be_drawn_for_any_age(age_years):
    photo = draw_face(age_years, np.random.default_rng(1))
    assert photo.size == (224, 224)
    assert photo.mode in ("RGB", "L")


def test_faults_are_drawn(monkeypatch):
    def draw(fault):
        monkeypatch.setattr(faces, "_FAULTS", (fault,))
        monkeypatch.setattr(faces, "_FAULT_SHARE", 1.0)
        return draw_face(30, np.random.default_rng(5))

    def sharpness(photo):
        pixels = np.asarray(photo.convert("L"), float)
        return np.abs(np.diff(pixels, axis=0)).mean() / pixels.mean()

    plain = draw("none")
    assert draw("greyscale").mode == "L"
    assert np.mean(draw("dim")) < 0.6 * np.mean(plain)
    assert sharpness(draw("blurred").reduce(2)) < sharpness(plain.reduce(2))
    assert np.abs(np.asarray(draw("turned"), float) - np.asarray(plain, float)).mean() > 5
    assert np.abs(np.asarray(draw("off_centre"), float) - np.asarray(plain, float)).mean() > 5


def test_the_command_says_in_a_line_what_is_wrong(tmp_path, monkeypatch, capsys):
    (tmp_path / "labels.csv").touch()
    monkeypatch.setattr("sys.argv", ["demo", str(tmp_path), "--n", "2"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 1
    assert "not empty" in capsys.readouterr().err
