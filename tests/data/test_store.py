import os

import numpy as np
import pytest
from PIL import Image

from shopper_age.data import store as photo_store
from shopper_age.data.cache import Cache
from shopper_age.data.store import PhotoStore

SIDE = 8
N_BYTES = 3 * SIDE * SIDE * 3  # of the three photos, decoded
GIB = 2**30


def _write(path, shade):
    Image.fromarray(np.full((SIDE, SIDE, 3), shade, np.uint8)).save(path)
    return path


@pytest.fixture
def paths(tmp_path):
    return [_write(tmp_path / f"{shade}.png", shade) for shade in (10, 20, 30)]


@pytest.fixture
def in_file(paths, tmp_path):
    """Makes a store of these photos that keeps them in a file."""

    def make(side=SIDE, file_gib=1.0):
        return PhotoStore(paths, side, Cache(folder=tmp_path / "cache", file_gib=file_gib))

    return make


def _shades(store, indices):
    return store[indices][:, 0, 0, 0].tolist()


@pytest.mark.parametrize("memory_gib", [0, 1])
def test_photos_come_in_the_order_asked_for(paths, memory_gib):
    store = PhotoStore(paths, SIDE, Cache(memory_gib=memory_gib))
    for _ in range(2):
        assert _shades(store, [2, 0, 0]) == [30, 10, 10]
    assert [int(photo[0, 0, 0]) for photo in store] == [10, 20, 30]


def test_a_photo_in_memory_is_not_read_again(paths):
    store = PhotoStore(paths, SIDE, Cache(memory_gib=1))
    store[[0, 1]]
    for path in paths:
        path.unlink()
    assert _shades(store, [1, 0]) == [20, 10]
    with pytest.raises(FileNotFoundError):
        store[[2]]


def test_the_memory_never_exceeds_its_limit(paths, tmp_path):
    enough, too_little = N_BYTES / GIB, (N_BYTES - 1) / GIB
    folder = tmp_path / "cache"
    assert PhotoStore(paths, SIDE, Cache(enough, folder, too_little)).cache_place == "memory"
    assert PhotoStore(paths, SIDE, Cache(too_little, folder, too_little)).cache_place == "nowhere"
    assert not folder.exists()
    store = PhotoStore(paths, SIDE, Cache(too_little, folder, enough))
    assert store.cache_place == "file"
    assert _shades(store, [1]) == [20]


def test_the_photos_of_a_table_are_found_in_their_folder(faces):
    store = PhotoStore.open(faces, ["000002.jpg", "000000.jpg"], SIDE)
    assert len(store) == 2
    assert store.cache_place == "nowhere"
    by_path = PhotoStore([faces / "final_files" / "000000.jpg"], SIDE)
    np.testing.assert_array_equal(store[[1]], by_path[[0]])


def test_a_later_process_finds_the_file(in_file, paths, monkeypatch):
    assert _shades(in_file(), [0, 2]) == [10, 30]
    read = []
    shade_77 = np.full((SIDE, SIDE, 3), 77, np.uint8)
    monkeypatch.setattr(photo_store, "read_photo", lambda path, _: read.append(path) or shade_77)
    assert _shades(in_file(), [2, 0]) == [30, 10]
    assert read == []
    assert _shades(in_file(), [1]) == [77]
    assert read == [paths[1]]


def test_a_photo_that_changed_is_read_again(in_file, paths):
    in_file()[[0, 1, 2]]
    _write(paths[1], 99)
    assert _shades(in_file(), [0, 1, 2]) == [10, 99, 30]
    assert _shades(in_file(), [1]) == [99]


def test_pixels_that_got_lost_on_their_way_to_the_disk_are_read_again(in_file, tmp_path):
    in_file()[[0, 1, 2]]
    (pixels,) = (tmp_path / "cache").glob("*/pixels")
    pixels.write_bytes(bytes(pixels.stat().st_size))
    assert _shades(in_file(), [0, 1, 2]) == [10, 20, 30]


def test_a_photo_that_was_deleted_is_missed(in_file, paths):
    in_file()[[0, 1, 2]]
    paths[2].unlink()
    with pytest.raises(FileNotFoundError, match=r"30\.png not found"):
        in_file()[[2]]


def test_each_size_has_a_file_of_its_own_and_old_ones_make_room(in_file, tmp_path):
    in_file()[[0]]
    (first,) = (tmp_path / "cache").iterdir()
    assert in_file(side=4)[[0]].shape == (1, 4, 4, 3)
    assert len(list((tmp_path / "cache").iterdir())) == 2
    os.utime(first, (0, 0))
    limit = sum(file.stat().st_size for file in (tmp_path / "cache").rglob("*") if file.is_file())
    in_file(side=5, file_gib=limit / GIB)
    assert not first.exists()
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_a_full_disk_gets_no_cache(in_file, monkeypatch):
    monkeypatch.setattr(
        "shutil.disk_usage", lambda _: type("", (), {"free": N_BYTES})
    )  # a quarter is for others
    assert in_file().cache_place == "nowhere"
