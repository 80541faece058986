"""A training folder is read the same way whether its photos lie loose, in shards or in an object store."""

import pickle
import shutil
from pathlib import Path

import fsspec
import numpy as np
import pytest
from photos import VALIDATION
from s3_store import BUCKET, CREDENTIALS, s3_store

from shopper_age import load_test, load_train
from shopper_age.data.cache import NO_CACHE, Cache
from shopper_age.data.folders import open_folder
from shopper_age.data.photos import read_photo
from shopper_age.data.shards.manifest import DamagedShardError
from shopper_age.data.store import PhotoStore
from shopper_age.eda.summary import read_preview
from shopper_age.validation.checks import validate

NAME = "000000.jpg"
SETTINGS = VALIDATION.model_copy(update={"max_pixels": 10_000, "max_bad_share": 0.5})


@pytest.fixture
def copy(packed, tmp_path):
    return shutil.copytree(packed, tmp_path / "copy")


@pytest.fixture
def address(packed, tmp_path, monkeypatch):
    """Of the same photos in an object store; what is fetched lies in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    open_folder.__globals__["_open_remote"].cache_clear()
    store = fsspec.filesystem("memory")
    store.put(f"{packed}/", "memory://bucket/faces", recursive=True)
    yield "memory://bucket/faces"
    store.rm("/bucket", recursive=True)


def _equal(one, other):
    for batch, same in zip(one, other, strict=True):
        for part, same_part in zip(batch, same, strict=True):
            np.testing.assert_array_equal(np.asarray(part), np.asarray(same_part))


def test_packed_photos_can_be_sent_to_another_process(packed):
    photos = open_folder(packed).photos
    sent = pickle.loads(pickle.dumps(photos))
    assert sent.names() == photos.names()
    assert (sent / NAME).read_bytes() == (photos / NAME).read_bytes()


@pytest.mark.parametrize("kind", ["nothing", "memory", "file"])
def test_shards_give_the_batches_of_loose_photos(faces, packed, tmp_path, kind):
    file = Cache(folder=tmp_path / "cache", file_gib=1)
    cache = {"nothing": NO_CACHE, "memory": Cache(memory_gib=1), "file": file}[kind]
    options = {"image_size": 32, "batch_size": 7, "cache": cache}
    loose, shards = load_train(faces, **options), load_train(packed, **options)
    for _ in range(2):
        _equal(loose, shards)
    _equal(load_test(faces, **options), load_test(packed, **options))


def test_an_object_store_gives_the_same_batches_and_each_shard_once(faces, address, tmp_path):
    _equal(load_train(faces, image_size=32), load_train(f"{address}/", image_size=32))
    n_shards = len(list((tmp_path / ".shards").glob("*.tar")))
    assert n_shards > 2
    fsspec.filesystem("memory").rm("/bucket/faces/photos-00000.tar")
    _equal(load_train(faces, image_size=32), load_train(address, image_size=32))


def test_a_folder_in_an_object_store_that_has_grown_is_fetched_where_it_has(address, tmp_path):
    open_folder(address).photos.check()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / ".shards").glob("*.tar")}
    fsspec.filesystem("memory").pipe("/bucket/faces/shards.json", _with_a_blank(address))
    open_folder.__globals__["_open_remote"].cache_clear()
    open_folder(address).photos.check()
    assert kept == {path: path.stat().st_mtime_ns for path in (tmp_path / ".shards").glob("*.tar")}


def _with_a_blank(address):
    return fsspec.filesystem("memory").cat_file(f"{address}/shards.json") + b"\n"


@pytest.mark.parametrize("where", ["packed", "address"])
def test_validation_finds_the_same(faces, where, request):
    loose, shards = validate(faces, SETTINGS), validate(request.getfixturevalue(where), SETTINGS)
    assert shards.manifest.equals(loose.manifest)
    assert shards.findings.equals(loose.findings)
    assert shards.summary == loose.summary


def test_a_packed_photo_is_what_the_loose_one_is(faces, packed):
    loose, shards = open_folder(faces).photos / NAME, open_folder(packed).photos / NAME
    assert shards.read_bytes() == shards.open().read() == loose.read_bytes()
    assert shards.stat().st_size == loose.stat().st_size
    assert (shards.suffix, shards.is_file(), str(shards)) == (".jpg", True, f"{packed}/{NAME}")
    np.testing.assert_array_equal(read_preview(shards), read_preview(loose))
    with pytest.raises(ValueError, match="can be opened for reading"):
        shards.open("wb")


def test_a_photo_that_is_not_there_is_missed(packed):
    photo = open_folder(packed).photos / "none.jpg"
    assert not photo.is_file()
    for ask in (photo.stat, photo.read_bytes, lambda: read_photo(photo)):
        with pytest.raises(FileNotFoundError, match=r"none\.jpg"):
            ask()


def test_so_many_shards_that_not_all_can_be_open_are_read_too(copy, faces, monkeypatch):
    monkeypatch.setattr("shopper_age.data.shards.photos._MOST_OPEN", 1)
    store = PhotoStore.open(copy, [path.name for path in sorted((faces / "final_files").iterdir())], 32)
    n_open = len(list(Path("/proc/self/fd").iterdir()))
    assert store[range(40)].shape == (40, 32, 32, 3)
    assert len(list(Path("/proc/self/fd").iterdir())) <= n_open + 1


def _changed(path):
    data = bytearray(path.read_bytes())
    data[700] ^= 1  # within the first photo
    path.write_bytes(data)


def _truncated(path):
    path.write_bytes(path.read_bytes()[:600])


def _deleted(path):
    path.unlink()


@pytest.mark.parametrize("harm", [_changed, _truncated, _deleted])
def test_a_damaged_shard_is_named_with_what_to_do_wherever_it_is_met(copy, harm):
    harm(copy / "photos-00000.tar")
    told = r"^photos-00000\.tar of \S*/copy is damaged \(.*\): delete it and run the same `shopper-age pack`"
    for read in (
        lambda: read_photo(open_folder(copy).photos / NAME),
        lambda: PhotoStore.open(copy, [NAME], 32)[[0]],
        lambda: validate(copy, SETTINGS),
    ):
        with pytest.raises(DamagedShardError, match=told):
            read()


def test_a_damaged_shard_is_no_finding_about_a_photo(copy):
    from shopper_age.validation.photos import inspect_photo

    _changed(copy / "photos-00000.tar")
    with pytest.raises(DamagedShardError):
        inspect_photo(open_folder(copy).photos, NAME, min_side_px=32, max_pixels=10_000)


@pytest.mark.parametrize("name", ["labels.csv", "index.parquet"])
@pytest.mark.parametrize("harm", [lambda path: path.write_text("a,b\n"), _deleted])
def test_other_files_than_those_packed_are_refused(copy, name, harm):
    harm(copy / name)
    with pytest.raises(DamagedShardError, match=rf"^{name} of \S*/copy is damaged .* not the one that was"):
        open_folder(copy)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"format": "shards 9", "files": {}, "shards": [], "n_photos": 0}']
)
def test_a_manifest_of_something_else_is_refused(copy, text):
    (copy / "shards.json").write_text(text)
    with pytest.raises(DamagedShardError, match=r"shards\.json is not as `shopper-age pack` writes it"):
        open_folder(copy)


def test_what_a_store_holds_otherwise_than_packed_is_refused_and_not_kept(address, tmp_path):
    fsspec.filesystem("memory").pipe("/bucket/faces/photos-00000.tar", b"other")
    photo = open_folder(address).photos / NAME
    with pytest.raises(DamagedShardError, match=r"^photos-00000\.tar of memory://bucket/faces is damaged"):
        photo.read_bytes()
    assert not list((tmp_path / ".shards").glob("*.tar"))


@pytest.mark.usefixtures("address")
def test_an_address_without_a_packed_folder_is_told():
    with pytest.raises(FileNotFoundError, match=r"elsewhere/shards\.json not found: .*`shopper-age pack`"):
        open_folder("memory://bucket/elsewhere")


@pytest.mark.usefixtures("address")
@pytest.mark.parametrize("url", ["none://bucket/faces", "s3://bucket/faces"])
def test_a_store_that_cannot_be_asked_is_told_with_what_to_check(url, monkeypatch):
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    with pytest.raises(OSError, match=rf"^{url}/shards\.json cannot be read \(.*\): check the address"):
        open_folder(url)


def test_keras_own_generator_cannot_read_shards(packed):
    with pytest.raises(ValueError, match=r'reads loose photos alone.*use reader="py_dataset"'):
        load_train(packed, reader="image_data_generator")


def test_s3_gives_the_photos_too(faces, packed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with s3_store() as store:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{store.port}")
        url = f"s3://{BUCKET}/faces"
        fsspec.get_filesystem_class("s3").clear_instance_cache()  # of other tests' addresses
        fsspec.filesystem("s3").put(f"{packed}/", url, recursive=True)
        _equal(load_test(faces, image_size=32), load_test(url, image_size=32))
