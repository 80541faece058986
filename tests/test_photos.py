import numpy as np
import pytest
from PIL import Image

from shopper_age.photos import PhotoStore, read_photo

RED = np.zeros((20, 10, 3), np.uint8) + np.array([255, 0, 0], np.uint8)


def _save(path, pixels, mode=None, **options):
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def test_channels_are_red_green_blue(tmp_path):
    np.testing.assert_array_equal(read_photo(_save(tmp_path / "a.png", RED)), RED)


@pytest.mark.parametrize(
    ("name", "mode", "format_"),
    [
        ("grey.jpg", "L", "JPEG"),
        ("cmyk.jpg", "CMYK", "JPEG"),
        ("rgba.jpg", "RGBA", "PNG"),
        ("webp.jpg", "RGB", "WEBP"),
    ],
)
def test_odd_kinds_become_rgb(tmp_path, name, mode, format_):
    photo = read_photo(_save(tmp_path / name, RED, mode, format=format_), 32)
    assert photo.shape == (32, 32, 3)
    assert photo.dtype == np.uint8
    if mode != "L":
        assert (photo[..., 0] > 240).all()


def test_16_bit_grey_keeps_its_shades(tmp_path):
    Image.fromarray(np.array([[0, 0x8000], [0x4000, 0xFFFF]], np.uint16)).save(tmp_path / "g.png")
    np.testing.assert_array_equal(read_photo(tmp_path / "g.png")[..., 0], [[0, 0x80], [0x40, 0xFF]])


def test_a_photo_taken_sideways_stands_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, :16] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    photo = read_photo(tmp_path / "a.png")
    assert photo.shape == (32, 16, 3)
    assert photo[0].min() == 255
    assert photo[-1].max() == 0


def test_a_large_jpeg_is_averaged_not_sampled(tmp_path):
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 255
    photo = read_photo(_save(tmp_path / "s.jpg", stripes, quality=95), 32)
    assert abs(photo.astype(int) - 127).max() < 10


def test_what_cannot_be_read_is_named(tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"bad\.jpg cannot be decoded .*validate_data"):
        read_photo(tmp_path / "bad.jpg")
    with pytest.raises(FileNotFoundError, match=r"none\.jpg not found.*validate_data"):
        read_photo(tmp_path / "none.jpg")


@pytest.fixture
def paths(tmp_path):
    return [_save(tmp_path / f"{shade}.png", np.full((8, 8, 3), shade, np.uint8)) for shade in (10, 20, 30)]


def test_photos_come_in_the_order_asked_for(paths):
    store = PhotoStore(paths, 8, cache_gib=1)
    assert store[[2, 0, 0]][:, 0, 0, 0].tolist() == [30, 10, 10]


def test_a_kept_photo_is_not_read_again(paths):
    store = PhotoStore(paths, 8, cache_gib=1)
    store[[0, 1]]
    for path in paths:
        path.unlink()
    assert store[[1, 0]][:, 0, 0, 0].tolist() == [20, 10]
    with pytest.raises(FileNotFoundError):
        store[[2]]


def test_the_cache_never_exceeds_its_limit(paths):
    one_byte_short = (3 * 8 * 8 * 3 - 1) / 2**30
    store = PhotoStore(paths, 8, cache_gib=one_byte_short)
    assert not store.is_cached
    assert store[[1]][0, 0, 0, 0] == 20
    assert store._kept.nbytes == 0
