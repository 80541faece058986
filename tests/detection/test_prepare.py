import json

import cv2
import numpy as np
import pandas as pd
import pytest
from fake_detector import cropper, face

from shopper_age.detection import prepare as preparation
from shopper_age.detection.grade import Limits
from shopper_age.detection.prepare import prepare

NO_FACE, SMALL, TWO = 10, 20, 30  # the grey of photos that have none, a small one, two


def _found(photo):
    grey = int(photo[0, 0, 0])
    nearest = min((NO_FACE, SMALL, TWO, 200), key=lambda value: abs(value - grey))
    return {NO_FACE: [], SMALL: [face(side=10)], TWO: [face(), face()], 200: [face()]}[nearest]


def _photo(path, grey):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).integers(0, 100, (100, 100, 3), np.uint8)
    noise[:20] = grey
    cv2.imwrite(str(path), noise)


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "photos"
    greys = {
        "a.jpg": 200,
        "none.jpg": NO_FACE,
        "in/small.png": SMALL,
        "two.jpg": TWO,
        "b.png": 200,
        "Ж.JPEG": 200,
    }
    for name, grey in greys.items():
        _photo(folder / "final_files" / name, grey)
    (folder / "final_files/broken.jpg").write_bytes(b"no photo")
    names = [*greys, "broken.jpg", "missing.jpg", "../labels.csv"]
    ages = [str(20 + number) for number in range(len(names))]
    pd.DataFrame({"file_name": names, "real_age": ages, "sex": "=1"}).to_csv(
        folder / "labels.csv", index=False
    )
    return folder


def _labels(target):
    return pd.read_csv(target / "labels.csv", dtype=str)


def test_clear_faces_become_a_training_folder_and_the_others_are_told(source, tmp_path):
    target = tmp_path / "faces"
    done = prepare(source, target, cropper(find=_found, limits=Limits(8, 0, 0.8)))
    labels = _labels(target)
    assert labels["file_name"].tolist() == ["a.jpg", "b.png.jpg", "Ж.JPEG"]
    assert labels["real_age"].tolist() == ["20", "24", "25"]
    assert labels["sex"].tolist() == ["=1"] * 3
    assert labels["eye distance (px)"].tolist() == ["24.0"] * 3
    for name in labels["file_name"]:
        height, width, _ = cv2.imread(str(target / "final_files" / name)).shape
        assert height == width > 60
    left_out = pd.read_csv(target / "left_out.csv").set_index("file_name")["reason"]
    assert left_out[["none.jpg", "in/small.png", "two.jpg", "../labels.csv"]].tolist() == [
        "no_face", "too_small", "several_faces", "unsafe_path",
    ]  # fmt: skip
    assert "cannot be decoded" in left_out["broken.jpg"]
    assert "not found" in left_out["missing.jpg"]
    assert (done.n_rows, done.n_cropped, done.n_resumed) == (9, 3, 0)
    assert done.left_out["unreadable_photo"] == 2
    assert json.loads((target / "faces.json").read_text())["margin"] == 0.3


def test_an_interrupted_run_goes_on_and_ends_with_the_same_folder(source, tmp_path, monkeypatch):
    whole = cropper(find=_found)
    prepare(source, tmp_path / "whole", whole)
    monkeypatch.setattr(preparation, "_PHOTOS_PER_PORTION", 2)
    broken = cropper(find=_found)

    calls = []
    real = preparation._crop_portion

    def portion(*arguments):
        if calls:
            raise KeyboardInterrupt
        calls.append(1)
        return real(*arguments)

    monkeypatch.setattr(preparation, "_crop_portion", portion)
    with pytest.raises(KeyboardInterrupt):
        prepare(source, tmp_path / "parts", broken)
    assert not (tmp_path / "parts/labels.csv").exists()
    with (tmp_path / "parts/.prepared.jsonl").open("a") as log:
        log.write('["half a li')  # as a kill leaves it
    monkeypatch.setattr(preparation, "_crop_portion", real)
    again = cropper(find=_found)
    assert prepare(source, tmp_path / "parts", again).n_resumed == 2
    for file in (tmp_path / "whole").rglob("*.*"):
        if file.is_file() and file.name != ".prepared.jsonl":
            assert (
                tmp_path / "parts" / file.relative_to(tmp_path / "whole")
            ).read_bytes() == file.read_bytes()
    prepared = cropper(find=_found)
    assert prepare(source, tmp_path / "parts", prepared).n_resumed == 9
    assert prepared.detector.n_calls == 0


def test_other_settings_and_foreign_folders_are_left_alone(source, tmp_path):
    prepare(source, tmp_path / "faces", cropper(find=_found))
    before = (tmp_path / "faces/labels.csv").read_bytes()
    with pytest.raises(ValueError, match="with other settings"):
        prepare(source, tmp_path / "faces", cropper(find=_found, margin=0.5))
    with pytest.raises(ValueError, match="is not empty"):
        prepare(source, source, cropper(find=_found))
    assert (tmp_path / "faces/labels.csv").read_bytes() == before


def test_two_photos_that_would_get_one_name_are_told_before_any_work(source, tmp_path):
    (source / "labels.csv").write_text("file_name,real_age\nb.png,30\nb.png.jpg,31\n")
    with pytest.raises(ValueError, match=r"would both become b\.png\.jpg"):
        prepare(source, tmp_path / "faces", cropper(find=_found))
    assert not (tmp_path / "faces").exists()
