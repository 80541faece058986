import os

import numpy as np
import pytest

from shopper_age.data.cache import Cache, FileCache, MemoryCache, make_room, open_cache

SIDE = 8
N_BYTES = 3 * SIDE * SIDE * 3  # of the three photos, decoded
GIB = 2**30


@pytest.fixture
def paths(tmp_path):
    paths = [tmp_path / name for name in "abc"]
    for path in paths:
        path.write_text(path.name)
    return paths


def _photo(shade):
    return np.full((SIDE, SIDE, 3), shade, np.uint8)


def test_nothing_is_kept_unless_it_is_asked_for(paths):
    assert open_cache(Cache(), paths, SIDE) is None


def test_the_limits_decide_between_memory_file_and_nothing(paths, tmp_path):
    enough, too_little = N_BYTES / GIB, (N_BYTES - 1) / GIB
    folder = tmp_path / "cache"
    assert isinstance(open_cache(Cache(enough, folder, enough), paths, SIDE), MemoryCache)
    assert open_cache(Cache(too_little, folder, too_little), paths, SIDE) is None
    assert open_cache(Cache(too_little, None, enough), paths, SIDE) is None
    assert not folder.exists()
    assert isinstance(open_cache(Cache(too_little, folder, enough), paths, SIDE), FileCache)


@pytest.mark.parametrize("limits", [{"memory_gib": 1}, {"file_gib": 1}])
def test_a_cache_has_what_was_put_into_it(paths, tmp_path, limits):
    cache = open_cache(Cache(folder=tmp_path / "cache", **limits), paths, SIDE)
    assert cache.place == ("memory" if "memory_gib" in limits else "file")
    cache.put(1, _photo(20))
    assert cache.has(np.array([0, 1, 2, 1])).tolist() == [False, True, False, True]
    np.testing.assert_array_equal(cache.pixels[1], _photo(20))


def test_a_file_is_found_again_by_photos_and_size(paths, tmp_path):
    limits = Cache(folder=tmp_path / "cache", file_gib=1)
    open_cache(limits, paths, SIDE).put(2, _photo(30))
    assert open_cache(limits, paths, SIDE).has(np.array([2])).all()
    assert not open_cache(limits, paths, SIDE // 2).has(np.array([2])).any()
    assert not open_cache(limits, paths[::-1], SIDE).has(np.array([2])).any()


def test_caches_used_longest_ago_make_room_for_new_ones(tmp_path):
    for age, name in enumerate(["newest", "older", "oldest"]):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pixels").write_bytes(bytes(100))
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    assert make_room(tmp_path, 100, limit_bytes=250)
    assert [path.name for path in tmp_path.iterdir()] == ["newest"]


def test_a_quarter_of_the_free_disk_is_left_to_others(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("", (), {"free": 1000}))
    assert make_room(tmp_path, 750, limit_bytes=GIB)
    assert not make_room(tmp_path, 751, limit_bytes=GIB)
