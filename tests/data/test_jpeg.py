import io
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from photos import small_photo
from PIL import Image

from shopper_age.data import jpeg
from shopper_age.data.jpeg import DamagedPhotoError, decode_jpeg
from shopper_age.data.photos import read_photo

SIZE = (256, 192)
ALL_KINDS = pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGB", {}),
        ("L", {}),
        ("CMYK", {}),
        ("RGB", {"progressive": True}),
        ("RGB", {"subsampling": 0}),
        ("RGB", {"restart_marker_rows": 2}),
    ],
)


def saved(mode: str = "RGB", options: dict | None = None, size: tuple[int, int] = SIZE) -> bytes:
    noise = np.random.default_rng(0).integers(-20, 21, (*size[::-1], 3))
    pixels = (np.asarray(small_photo(1, size)) + noise).clip(0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, "JPEG", **(options or {}))
    return file.getvalue()


def zeroed(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(200) + data[middle + 200 :]


def flipped(data: bytes) -> bytes:
    rng = np.random.default_rng(3)
    changed = bytearray(data)
    for at in rng.integers(data.rfind(b"\xff\xda") + 40, len(data) - 10, 30):
        changed[at] ^= 0x55
    return bytes(changed)


def restarted(data: bytes) -> bytes:
    at = 2 * len(data) // 3
    return data[:at] + b"\xff\xd0" + data[at + 2 :]


def with_a_hole(data: bytes) -> bytes:
    return data[: len(data) // 2] + data[len(data) // 2 + 500 :]


def rubbish_before_the_first_scan(data: bytes) -> bytes:
    at = data.find(b"\xff\xda")
    return data[:at] + bytes(17) + data[at:]


def rubbish_after_the_start(data: bytes) -> bytes:
    return data[:2] + b"rubbish" + data[2:]


def rubbish_before_the_last_table(data: bytes) -> bytes:
    at = data.rfind(b"\xff\xda")
    return data[:at] + b"rubbish" + data[at:]


DAMAGES = [zeroed, flipped, restarted, with_a_hole]

WHOLE: list[Callable[[bytes], bytes]] = [
    rubbish_before_the_first_scan,
    rubbish_after_the_start,
    rubbish_before_the_last_table,
    lambda data: data + bytes(300),
    lambda data: data + b"\xff\xd8\xff a second photo, cut off",
]


@ALL_KINDS
@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_inside_is_an_error_and_prints_nothing(capfd, mode, options, damage):
    data = damage(saved(mode, options))

    for size_px in (None, 16):
        with pytest.raises(DamagedPhotoError, match=r"missing|displaced|nothing"):
            decode_jpeg(data, SIZE, size_px)

    assert capfd.readouterr() == ("", "")


@ALL_KINDS
@pytest.mark.parametrize("change", WHOLE)
def test_what_leaves_the_pixels_whole_is_decoded_and_prints_nothing(capfd, mode, options, change):
    data = saved(mode, options)

    found = decode_jpeg(change(data), SIZE)

    np.testing.assert_array_equal(found.pixels, decode_jpeg(data, SIZE).pixels)
    assert found.has_end
    assert capfd.readouterr() == ("", "")


@ALL_KINDS
@pytest.mark.parametrize("n", [1, 2])
def test_a_missing_end_marker_costs_no_pixel(capfd, mode, options, n):
    data = saved(mode, options)

    for change in (lambda data: data, rubbish_before_the_first_scan):
        found = decode_jpeg(change(data)[:-n], SIZE)
        np.testing.assert_array_equal(found.pixels, decode_jpeg(data, SIZE).pixels)
        assert not found.has_end

    assert capfd.readouterr() == ("", "")


@ALL_KINDS
def test_what_lacks_more_than_its_end_marker_is_truncated(capfd, mode, options):
    data = saved(mode, options)

    for n in (60, 1000, len(data) // 2):
        with pytest.raises(OSError, match="truncated"):
            decode_jpeg(data[:-n], SIZE)

    assert capfd.readouterr() == ("", "")


def test_the_share_that_is_missing_is_told():
    data = saved()
    at = int(0.75 * len(data))

    with pytest.raises(DamagedPhotoError, match=r"premature end of data segment; 2\d% of the picture"):
        decode_jpeg(data[:at] + b"\xff\xd0" + data[at:], SIZE)


def test_headers_that_disagree_on_the_size_are_an_error():
    with pytest.raises(DamagedPhotoError, match="1000 x 1000 pixels, another 256 x 192"):
        decode_jpeg(saved(), (1000, 1000))


@ALL_KINDS
@pytest.mark.parametrize("size", [(1040, 1024), (1031, 1503)])
def test_reduced_pixels_are_those_of_opencv(mode, options, size):
    data = saved(mode, options, size)
    for factor, reduction in jpeg._REDUCTIONS.items():
        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION | reduction
        expected = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        found = decode_jpeg(data, size, min(size) // (2 * factor) if factor > 1 else None).pixels
        np.testing.assert_array_equal(found, expected)


def with_chroma_of_a_third(data: bytes) -> bytes:
    at = data.find(b"\xff\xc0") + 11
    return data[:at] + b"\x31" + data[at + 1 :]


def test_a_kind_that_turbojpeg_does_not_know_is_left_to_pillow(tmp_path):
    small = saved("RGB", {"subsampling": 0}, (96, 96))
    odd = with_chroma_of_a_third(small)
    path = tmp_path / "a.jpg"
    path.write_bytes(odd)

    assert decode_jpeg(odd, (96, 96)) is None
    with Image.open(path) as image:
        np.testing.assert_array_equal(read_photo(path), np.asarray(image))
