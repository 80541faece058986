import hashlib
from pathlib import Path

import pytest

from shopper_age.runtime.hashing import content_key, file_md5


def test_md5_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc" * 1_000_000)
    assert file_md5(tmp_path / "a") == hashlib.md5(b"abc" * 1_000_000).hexdigest()


def test_md5_of_no_bytes_is_the_published_one(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert file_md5(str(tmp_path / "empty")) == "d41d8cd98f00b204e9800998ecf8427e"


def test_key_ignores_the_order_of_settings_and_the_name_of_a_file(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text("same")
    assert content_key({"x": 1, "y": 2}, tmp_path / "a") == content_key({"y": 2, "x": 1}, tmp_path / "b")


def test_key_changes_with_a_setting_a_file_and_the_order_of_parts(tmp_path: Path) -> None:
    file = tmp_path / "splits.csv"
    file.write_text("one")
    keys = {
        content_key({"epochs": 1}, file),
        content_key({"epochs": 2}, file),
        content_key(file, {"epochs": 1}),
    }
    file.write_text("two")
    keys.add(content_key({"epochs": 1}, file))
    assert len(keys) == 4
    assert all(len(key) == 16 for key in keys)


def test_key_tells_a_file_from_the_text_of_its_hash(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("content")
    assert content_key(tmp_path / "a") != content_key(file_md5(tmp_path / "a"))


def test_key_is_the_same_in_every_release() -> None:
    """Checkpoint folders on disk are named by it: a changed formula would orphan them."""
    assert content_key({"epochs": 1, "weights": "imagenet"}) == "f1d17c0039a9a1f5"


@pytest.mark.parametrize("part", [float("nan"), {"a": float("inf")}])
def test_a_value_that_is_no_number_is_refused(part: object) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        content_key(part)


def test_an_unknown_kind_of_part_is_named() -> None:
    with pytest.raises(TypeError, match="JSON values and Paths, not object"):
        content_key({"x": object()})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no-such"):
        content_key(tmp_path / "no-such.csv")
