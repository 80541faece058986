import json
import math
import os

import pytest
from PIL import Image
from public_sets import put_photo, write_mat

from shopper_age.data.importers import writing
from shopper_age.data.importers.records import Options
from shopper_age.data.importers.writing import import_photos
from shopper_age.data.tables import read_labels

NAMES = (
    "25_1_2_20170116174525125.jpg",
    "part2/9_0_0_20170116174525126.JPG",
    "é/70_0_3_20170116174525127.png",
)


@pytest.fixture
def source(tmp_path):
    """A folder in the form of UTKFace, with one malformed name."""
    for shade, name in enumerate((*NAMES, "61_1_20170109142408075.jpg")):
        put_photo(tmp_path / "set" / name, shade)
    return tmp_path / "set"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "data" / "faces"


def utkface(source, target, **changes):
    return import_photos("utkface", source, target, options=Options(), **changes)


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_photos_labels_and_what_was_left_out_are_written(source, target):
    done = utkface(source, target)
    labels = read_labels(target)
    assert labels["file_name"].tolist() == list(NAMES)
    assert labels["real_age"].tolist() == ["25", "9", "70"]
    assert labels["ethnicity"].tolist() == ["asian", "white", "indian"]
    assert done.labels.to_csv() == labels.reset_index(drop=True).to_csv()
    for name in NAMES:
        assert (target / "final_files" / name).read_bytes() == (source / name).read_bytes()
    assert (target / "skipped.csv").read_text() == (
        "file_name,reason\n61_1_20170109142408075.jpg,its name is not AGE_GENDER_ETHNICITY_DATE.jpg\n"
    )
    assert (done.n_linked, done.n_copied, done.n_kept) == (3, 0, 0)


def test_photos_are_linked_unless_copies_are_wanted(source, target):
    utkface(source, target)
    utkface(source, target.with_name("copied"), copy=True)
    linked, copied = (target.with_name(name) / "final_files" / NAMES[0] for name in ("faces", "copied"))
    assert linked.samefile(source / NAMES[0])
    assert not copied.samefile(source / NAMES[0])
    assert not linked.is_symlink()


def test_photos_on_another_disk_are_copied(source, target, monkeypatch):
    def refuse(*_):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    assert utkface(source, target).n_copied == 3
    assert (target / "final_files" / NAMES[1]).read_bytes() == (source / NAMES[1]).read_bytes()


def test_a_linked_photo_of_the_set_becomes_a_real_one(source, target, tmp_path):
    photo = put_photo(tmp_path / "elsewhere.jpg", 200)
    (source / "30_0_0_20170116174525128.jpg").symlink_to(photo)
    utkface(source, target)
    placed = target / "final_files" / "30_0_0_20170116174525128.jpg"
    assert not placed.is_symlink()
    assert placed.read_bytes() == photo.read_bytes()


def test_a_second_import_changes_nothing_and_a_grown_set_is_added(source, target):
    utkface(source, target)
    before = files(target)
    done = utkface(source, target)
    assert files(target) == before
    assert (done.n_linked, done.n_kept) == (0, 3)
    put_photo(source / "40_0_0_20170116174525129.jpg", 77)
    assert utkface(source, target).n_linked == 1
    assert read_labels(target)["real_age"].tolist() == ["25", "40", "9", "70"]


def test_the_same_set_gives_the_same_files_wherever_it_lies(source, target):
    utkface(source, target)
    utkface(source.rename(source.with_name("moved")), target.with_name("again"))
    assert files(target) == files(target.with_name("again"))


def test_a_stopped_import_leaves_no_labels_and_goes_on(source, target, monkeypatch):
    place, placed = writing._place, []

    def stop(*arguments, **options):
        if placed:
            raise KeyboardInterrupt
        placed.append(place(*arguments, **options))
        return placed[0]

    monkeypatch.setattr(writing, "_place", stop)
    with pytest.raises(KeyboardInterrupt):
        utkface(source, target)
    assert sorted(files(target)) == [f"final_files/{NAMES[0]}"]
    monkeypatch.undo()
    done = utkface(source, target)
    assert (done.n_linked, done.n_kept) == (2, 1)


def test_a_stopped_second_import_keeps_the_labels_and_goes_on(source, target, monkeypatch):
    utkface(source, target)
    before = files(target)
    put_photo(source / "40_0_0_20170116174525129.jpg", 77)

    def stop(*_, **__):
        raise KeyboardInterrupt

    for step in ("_place", "_labels", "write_csv"):
        with monkeypatch.context() as patch:
            patch.setattr(writing, step, stop)
            with pytest.raises(KeyboardInterrupt):
                utkface(source, target)
        assert {name: content for name, content in files(target).items() if name in before} == before
    utkface(source, target)
    assert len(read_labels(target)) == 4


def test_a_folder_with_something_else_is_refused(source, target):
    put_photo(target / "final_files" / "mine.jpg")
    (target / "labels.csv").write_text("file_name,real_age\nmine.jpg,3\n")
    before = files(target)
    with pytest.raises(ValueError, match="faces is not empty, and no import is known to have filled it"):
        utkface(source, target)
    assert files(target) == before


def test_another_import_is_not_mixed_in(source, target, tmp_path):
    utkface(source, target)
    before = files(target)
    other = put_photo(tmp_path / "other" / NAMES[0], 5).parent
    with pytest.raises(ValueError, match=r"holds another import \(source .*set\)"):
        utkface(other, target)
    with pytest.raises(ValueError, match="holds another import \\(format utkface"):
        import_photos("agedb", source, target, options=Options())
    assert files(target) == before


def test_corrected_labels_are_not_overwritten(source, target):
    utkface(source, target)
    labels = target / "labels.csv"
    labels.write_text(labels.read_text().replace(",25,", ",26,"))
    with pytest.raises(ValueError, match=r"labels\.csv was changed after it was imported"):
        utkface(source, target)
    assert ",26," in labels.read_text()


def test_a_changed_photo_is_not_overwritten(source, target):
    utkface(source, target, copy=True)
    placed = put_photo(target / "final_files" / NAMES[0], 250)
    with pytest.raises(ValueError, match=r"differs from .*, of which it was imported"):
        utkface(source, target, copy=True)
    assert placed.read_bytes() != (source / NAMES[0]).read_bytes()


def test_a_broken_note_of_the_import_is_as_none(source, target):
    utkface(source, target)
    for text in ("", "[]", "{}", '{"labels_md5": 3}'):
        target.with_name(".faces.import.json").write_text(text)
        with pytest.raises(ValueError, match="no import is known"):
            utkface(source, target)


@pytest.mark.parametrize("inside", ["set/faces", ".", "set"])
def test_source_and_target_must_lie_apart(source, tmp_path, inside):
    with pytest.raises(ValueError, match="lie in one another"):
        utkface(source, tmp_path / inside)


def test_a_missing_source_and_a_target_that_is_a_file_are_told(source, target, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere is no folder"):
        utkface(tmp_path / "nowhere", target)
    with pytest.raises(ValueError, match="is a file: name a folder"):
        utkface(source, put_photo(tmp_path / "file.jpg"))


def test_a_set_without_a_usable_photo_writes_nothing(target, tmp_path):
    put_photo(tmp_path / "set" / "no.jpg")
    with pytest.raises(ValueError, match=r"no photo of .* can be taken as utkface: no\.jpg: its name is not"):
        utkface(tmp_path / "set", target)
    assert not target.exists()


def test_a_name_that_is_not_utf8_is_left_out_and_shown_as_an_escape(source, target):
    folder = os.fsdecode(os.fsencode(source) + b"/gr\xf6\xdfe")
    os.mkdir(folder)  # noqa: PTH102
    put_photo(source / "y.jpg").rename(os.path.join(folder, "30_0_0_2.jpg"))  # noqa: PTH118
    done = utkface(source, target)
    assert len(done.labels) == 3
    assert done.skipped["file_name"].tolist()[-1] == r"gr\udcf6\udcdfe/30_0_0_2.jpg"
    assert "UTF-8" in done.skipped["reason"].tolist()[-1]


def test_repeated_rows_are_taken_once_and_contradicting_ones_are_left_to_the_validation(target, tmp_path):
    folder = tmp_path / "set"
    put_photo(folder / "train" / "a.jpg")
    rows = ["a.jpg,4,5,30,female", "a.jpg,4,6,31,male", "a.jpg,7,6,31,male"]
    header = "file_name,real_age,apparent_age,worker_age,worker_gender"
    (folder / "gt_train.csv").write_text("\n".join([header, *rows]) + "\n")
    import_photos("appa-real", folder, target, options=Options())
    assert read_labels(target)["real_age"].tolist() == ["4", "7"]
    put_photo(tmp_path / "wiki" / "a.jpg")
    row = (724277.0, 2003.0, "a.jpg", 1.0, "Ana", 3.5, math.nan)
    write_mat(tmp_path / "wiki" / "wiki.mat", [row, row])
    again = import_photos("imdb-wiki", tmp_path / "wiki", target.with_name("again"), options=Options())
    assert again.labels["real_age"].tolist() == ["20"]
    assert again.skipped.to_numpy().tolist() == [["a.jpg", "the row repeats an earlier one"]]


def test_faces_are_cut_out_of_the_upright_photo(target, tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    photo = Image.new("RGB", (100, 60))
    photo.paste((255, 255, 255), (80, 0, 100, 20))  # a bright corner, which turning by 90° moves
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned clockwise: 60 wide, 100 high, the corner at the lower right
    photo.save(folder / "two.jpg", exif=exif, quality=95, subsampling=0)
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "annotation.csv").write_text(
        "img_name,age,gender,face_x0,face_y0,face_x1,face_y1\n"
        "two.jpg,30,F,40,80,60,100\n"
        "two.jpg,31,F,400,80,460,100\n"
        "broken.jpg,32,F,40,80,60,100\n"
    )
    done = import_photos("lagenda", folder, target, options=Options(faces=True))
    with Image.open(target / "final_files" / "two_2.jpg") as face:
        assert face.size == (28, 28)  # 20 and a margin of 8 on the two sides that lie inside
        assert face.getpixel((20, 20)) > (200, 200, 200)
        assert face.getpixel((2, 2)) < (50, 50, 50)
    assert dict(done.skipped.to_numpy().tolist()) == {
        "two_3.jpg": "the face lies outside the photo",
        "broken_4.jpg": "the photo cannot be opened",
    }
    before = files(target)
    assert import_photos("lagenda", folder, target, options=Options(faces=True)).n_kept == 1
    assert files(target) == before


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("fgnet", Options(), "there is no format 'fgnet': choose appa-real, utkface"),
        ("utkface", Options(age="apparent"), "utkface holds one age per photo"),
        ("agedb", Options(faces=True), "agedb comes in one kind of photo"),
        ("appa-real", Options(age="felt"), "--age is 'felt': choose real or apparent"),
    ],
)
def test_an_unknown_format_or_option_is_refused(source, target, name, options, message):
    with pytest.raises(ValueError, match=message):
        import_photos(name, source, target, options=options)
    assert not target.exists()


def test_the_note_of_the_import_lies_beside_the_folder(source, target):
    utkface(source, target)
    note = json.loads(target.with_name(".faces.import.json").read_text())
    assert note["format"] == "utkface"
    assert {path.name for path in target.iterdir()} == {"final_files", "labels.csv", "skipped.csv"}
