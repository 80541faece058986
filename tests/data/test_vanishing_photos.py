"""A photo that vanishes or breaks after validation is named in one line, wherever it is asked for."""

import os

import keras
import numpy as np
import pytest
from photos import small_photo

from shopper_age.data import photos
from shopper_age.data.batches import plain_errors
from shopper_age.data.cache import NO_CACHE, Cache
from shopper_age.data.readers import ordered_batches, photo_batches
from shopper_age.data.store import PhotoStore


def _deleted(path):
    path.unlink()


def _folder_replaced_by_a_file(path):
    for photo in path.parent.iterdir():
        photo.unlink()
    path.parent.rmdir()
    path.parent.touch()


def _text(path):
    path.write_text("moved to the archive")


def _truncated(path):
    path.write_bytes(path.read_bytes()[:-300])


def _emptied(path):
    path.write_bytes(b"")


def _a_folder(path):
    path.unlink()
    path.mkdir()


def _denied(path):
    path.chmod(0)


BREAKS = [_deleted, _folder_replaced_by_a_file, _text, _truncated, _emptied, _a_folder, _denied]

pytestmark = pytest.mark.parametrize("break_", BREAKS)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    folder = tmp_path / "final_files"
    folder.mkdir()
    for number in range(6):
        small_photo(number).save(folder / f"{number}.jpg")
    open_file = photos.Path.open

    def guarded(path, *args, **kwargs):  # root may open everything
        if path.is_file() and not path.stat().st_mode & 0o444:
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return open_file(path, *args, **kwargs)

    monkeypatch.setattr(photos.Path, "open", guarded)
    return folder


def _named_in_one_line(error, break_):
    name = r"\d\.jpg" if break_ is _folder_replaced_by_a_file else r"4\.jpg"
    assert error.match(
        rf"^\S*/final_files/{name} (not found|cannot be (read|decoded))[^\n]*validate_data[^\n]*$"
    )


@pytest.mark.parametrize("kind", ["none", "memory", "file"])
@pytest.mark.parametrize("is_known", [False, True])
def test_by_the_store(tmp_path, folder, break_, kind, is_known):
    file_cache = Cache(memory_gib=0, folder=tmp_path / "cache", file_gib=1)
    cache = {"none": NO_CACHE, "memory": Cache(memory_gib=1), "file": file_cache}[kind]
    names = [f"{number}.jpg" for number in range(6)]
    if is_known and kind == "file":  # an earlier process has cached them
        PhotoStore.open(tmp_path, names, 32, cache)[range(6)]
    store = PhotoStore.open(tmp_path, names, 32, cache)

    break_(folder / "4.jpg")

    if is_known and kind == "file" and break_ is _denied:  # the file is the one that was cached
        assert len(store[range(6)]) == 6
        return
    with pytest.raises((ValueError, FileNotFoundError)) as error:
        store[range(6)]
    _named_in_one_line(error, break_)


def test_by_a_fit_and_by_a_prediction(tmp_path, folder, break_):
    store = PhotoStore.open(tmp_path, [f"{number}.jpg" for number in range(6)], 32)
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    fitted, predicted = ordered_batches(store, np.zeros(6), 2), photo_batches(store, 2)

    break_(folder / "4.jpg")

    for data, use in ((fitted, model.fit), (predicted, model.predict)):
        with pytest.raises((ValueError, FileNotFoundError)) as error, plain_errors(data):
            use(data, verbose=0)
        _named_in_one_line(error, break_)
