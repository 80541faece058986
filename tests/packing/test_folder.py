import json
import os
import shutil
import tarfile

import pytest
from PIL import Image
from typer.testing import CliRunner

from shopper_age.cli.app import app
from shopper_age.data.folders import open_folder
from shopper_age.data.shards.manifest import DamagedShardError
from shopper_age.packing import folder as packing
from shopper_age.packing.folder import pack
from shopper_age.params import ValidateDataParams, load_params
from shopper_age.validation.checks import validate

SHARD_BYTES = 15_000  # of the 40 photos, which makes some shards


@pytest.fixture
def source(faces, tmp_path):
    return shutil.copytree(faces, tmp_path / "loose")


def _pack(source, target):
    return pack(source, target, shard_bytes=SHARD_BYTES)


def _contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _written(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("photos-*.tar")}


def _text(path):
    path.write_text("moved to the archive")


def _halved(path):
    path.write_bytes(path.read_bytes()[:-300])


def _linked_outside(path):
    path.unlink()
    path.symlink_to("/etc/hostname")


def test_a_shard_has_each_photo_with_its_name_checksum_and_labels(source, packed):
    with tarfile.open(packed / "photos-00000.tar") as shard:
        first, second = shard.next(), shard.next()
        data = shard.extractfile(first).read()
        told = json.loads(shard.extractfile(second).read())
    assert (first.name, second.name) == ("00000000.jpg", "00000000.json")
    assert data == (source / "final_files" / "000000.jpg").read_bytes()
    age = (source / "labels.csv").read_text().splitlines()[1].split(",")[1]
    assert told["labels"] == [{"file_name": "000000.jpg", "real_age": age}]
    manifest = json.loads((packed / "shards.json").read_text())
    assert manifest["n_photos"] == sum(shard["n_photos"] for shard in manifest["shards"]) == 40
    assert len(manifest["shards"]) > 2


def test_an_interrupted_packing_goes_on_and_ends_as_an_unbroken_one(source, packed, tmp_path, monkeypatch):
    write, written = packing.ShardWriter.write, []

    def killed_in_the_third(writer, path, names):
        written.append(path.name)
        if len(written) == 3:
            path.with_name(f".{path.stem}-abc.tar").touch()
            raise KeyboardInterrupt
        write(writer, path, names)

    monkeypatch.setattr(packing.ShardWriter, "write", killed_in_the_third)
    with pytest.raises(KeyboardInterrupt):
        _pack(source, tmp_path / "packed")
    with pytest.raises(DamagedShardError, match=r"packed is not packed to its end .* run the same"):
        open_folder(tmp_path / "packed")
    for number, photo in enumerate((source / "final_files").iterdir()):
        os.utime(photo, (number, number))

    assert _pack(source, tmp_path / "packed").n_kept_shards == 2

    assert written[3:] == sorted(_written(packed))[2:]
    assert _contents(tmp_path / "packed") == _contents(packed)


def test_only_shards_whose_photos_changed_are_made_anew(source, tmp_path):
    target = tmp_path / "packed"
    n_shards = len(_pack(source, target).manifest.shards)
    before = _written(target)
    Image.new("RGB", (48, 48), "red").save(source / "final_files" / "000039.jpg")
    with (source / "labels.csv").open("a") as labels:
        labels.write("new.png,30\n")
    Image.new("RGB", (48, 48), "blue").save(source / "final_files" / "new.png")

    done = _pack(source, target)

    assert done.n_kept_shards == n_shards - 1
    assert [name for name, time in _written(target).items() if before.get(name) == time] != []
    photos = open_folder(target).photos
    for name in ("000039.jpg", "new.png"):
        assert (photos / name).read_bytes() == (source / "final_files" / name).read_bytes()


def test_shards_that_are_no_longer_needed_go(source, tmp_path):
    target = tmp_path / "packed"
    _pack(source, target)
    lines = (source / "labels.csv").read_text().splitlines()
    (source / "labels.csv").write_text("\n".join(lines[:11]) + "\n")
    done = _pack(source, target)
    assert (done.manifest.n_photos, done.n_unlabelled) == (10, 30)
    assert sorted(_written(target)) == [shard.name for shard in done.manifest.shards]


@pytest.mark.parametrize("harm", [_halved, _text, lambda path: path.unlink()])
def test_a_damaged_shard_is_made_anew(source, packed, tmp_path, harm):
    target = shutil.copytree(packed, tmp_path / "packed")
    harm(target / "photos-00001.tar")
    assert _pack(source, target).n_kept_shards == len(_written(target)) - 1
    assert _contents(target) == _contents(packed)


@pytest.mark.parametrize("harm", [_text, _halved, _linked_outside, lambda path: path.unlink()])
def test_photos_that_cannot_be_read_or_decoded_are_named_and_left_out(source, tmp_path, harm, monkeypatch):
    harm(source / "final_files" / "000007.jpg")
    target = tmp_path / "packed"
    monkeypatch.chdir(tmp_path)  # where no cache of DVC is

    answer = CliRunner().invoke(app, ["pack", str(source), str(target)])

    assert answer.exit_code == 0, answer.output
    assert "39 photos lie in 1 shards" in answer.output
    assert "left out: 000007.jpg (" in answer.output
    assert [line.split(",")[0] for line in (target / "left_out.csv").read_text().splitlines()[1:]] == [
        "000007.jpg"
    ]
    assert _pack(source, target).left_out.keys() == {"000007.jpg"}  # told again where nothing is packed anew
    settings = ValidateDataParams.model_validate(_settings())
    assert validate(target, settings).manifest.equals(validate(source, settings).manifest)


def test_names_in_subfolders_of_another_spelling_or_said_twice_are_packed(tmp_path):
    source = tmp_path / "loose"
    (source / "final_files" / "shop").mkdir(parents=True)
    Image.new("RGB", (48, 48), "red").save(
        source / "final_files" / "shop" / "cafe\u0301.jpg.chip.JPG", "JPEG"
    )
    rows = ["./shop/caf\u00e9.jpg.chip.JPG,3", "shop/caf\u00e9.jpg.chip.JPG,4", "../secret.jpg,5"]
    (source / "labels.csv").write_text("\n".join(["file_name,real_age", *rows]), encoding="utf-8")
    done = _pack(source, tmp_path / "packed")
    assert (done.manifest.n_photos, done.left_out) == (1, {})
    assert open_folder(tmp_path / "packed").photos.names() == ["shop/cafe\u0301.jpg.chip.JPG"]


def test_what_is_no_folder_to_pack_or_to_pack_into_is_refused(source, packed, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").touch()
    with pytest.raises(ValueError, match=r"full holds something else \(letter.txt\)"):
        _pack(source, tmp_path / "full")
    with pytest.raises(ValueError, match="is the folder to pack"):
        _pack(source, source)
    with pytest.raises(ValueError, match="is packed already"):
        _pack(packed, tmp_path / "packed")
    shutil.rmtree(source / "final_files")
    (source / "final_files").mkdir()
    with pytest.raises(ValueError, match=r"no photo that .*labels.csv names can be packed: 000000.jpg"):
        _pack(source, tmp_path / "packed")


def test_a_disk_without_space_is_told_before_anything_is_written(source, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("", (), {"free": 100}))
    with pytest.raises(OSError, match=r"packed needs 0.0 GiB, but the disk has 0.0 GiB left"):
        _pack(source, tmp_path / "packed")
    assert not (tmp_path / "packed").exists()


def _settings():
    from project import ROOT

    return load_params(ROOT / "params.yaml").validate_data.model_dump()
