import errno
import os
import struct

import cv2
import numpy as np
import pytest
from PIL import EpsImagePlugin, Image, ImageOps

from shopper_age.data import photos
from shopper_age.data.photos import read_photo

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


def test_a_jpeg_that_was_cut_off_is_not_filled_up_with_grey(tmp_path):
    path = _save(tmp_path / "cut.jpg", np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r"cut\.jpg cannot be decoded"):
        read_photo(path)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"exif": 6}, {"exif": 3}])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_jpeg_decodes_as_pillow_decodes_it(tmp_path, mode, options):
    if "exif" in options:
        exif = Image.Exif()
        exif[0x0112] = options["exif"]
        options = {"exif": exif}
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    path = _save(tmp_path / "a.jpg", pixels, mode, **options)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    np.testing.assert_array_equal(read_photo(path), expected)


@pytest.mark.parametrize(("size", "decoded"), [(32, 128), (64, 128), (65, 256), (300, 1024)])
def test_a_large_jpeg_is_decoded_at_a_part_of_its_size_but_never_below_twice_the_one_asked_for(
    tmp_path, monkeypatch, size, decoded
):
    noise = np.random.default_rng(0).integers(0, 256, (1024, 1200, 3), np.uint8)
    path = _save(tmp_path / "large.jpg", noise, quality=95)
    heights = []
    monkeypatch.setattr(photos, "resize", lambda photo, _: heights.append(len(photo)))
    read_photo(path, size)
    assert heights == [decoded]


def test_a_photo_grows_smoothly_and_shrinks_by_averaging():
    small = np.array([[0, 200]], np.uint8).repeat(2, axis=0)[..., None].repeat(3, axis=2)
    grown = photos.resize(small, 8)[0, :, 0]
    assert (np.diff(grown.astype(int)) >= 0).all()
    assert 0 < grown[3] < grown[4] < 200
    checks = (np.indices((64, 64)).sum(axis=0) % 2 * 200).astype(np.uint8)[..., None].repeat(3, axis=2)
    np.testing.assert_array_equal(photos.resize(checks, 16), 100)


@pytest.mark.parametrize(
    ("mode", "kind"), [("RGBA", "PNG"), ("LA", "PNG"), ("RGBA", "WEBP"), ("RGBA", "TIFF")]
)
def test_transparent_pixels_lie_on_neutral_grey_whatever_their_colour(tmp_path, mode, kind):
    green = Image.new("RGBA", (64, 64), (0, 255, 0, 0))
    green.paste((200, 200, 200, 255), (16, 16, 48, 48))
    green.convert(mode).save(
        tmp_path / "a", kind, **({"lossless": True, "exact": True} if kind == "WEBP" else {})
    )

    photo = read_photo(tmp_path / "a")

    assert (photo[:16] == 128).all()
    assert (photo[16:48, 16:48] == 200).all()


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_transparent_colour_of_a_palette_becomes_grey(tmp_path, kind):
    image = Image.new("P", (64, 64), 1)
    image.putpalette([0, 255, 0, 200, 200, 200])
    image.paste(0, (0, 0, 64, 16))
    image.save(tmp_path / "a", kind, transparency=0)

    photo = read_photo(tmp_path / "a")

    assert (photo[:16] == 128).all()
    assert (photo[16:] == 200).all()


def test_half_transparent_pixels_are_mixed_with_grey(tmp_path):
    Image.new("RGBA", (64, 64), (228, 28, 128, 128)).save(tmp_path / "a.png")
    np.testing.assert_allclose(read_photo(tmp_path / "a.png")[0, 0], [178, 78, 128], atol=1)


@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_a_colour_picture_of_12_bits_in_16_is_refused_not_read_as_black(tmp_path, kind):
    pixels = RED.astype(np.uint16) * 16
    cv2.imwrite(str(tmp_path / f"12.{kind}"), pixels)
    cv2.imwrite(str(tmp_path / f"16.{kind}"), pixels * 16)
    try:
        whole = read_photo(tmp_path / f"16.{kind}")
    except ValueError:
        pytest.skip("Pillow reads no such file at all")
    assert whole.max() == 255
    with pytest.raises(ValueError, match="12 or fewer are in use: save it with 8 bits"):
        read_photo(tmp_path / f"12.{kind}")


@pytest.fixture
def ghostscript(tmp_path, monkeypatch):
    """Where a program named gs leaves a file when it is started."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "gs"
    program.write_text(f"#!/bin/sh\ntouch '{tmp_path}/started'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)  # it is looked for anew
    return tmp_path / "started"


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.eps"])
def test_no_photo_starts_ghostscript(tmp_path, ghostscript, name):
    Image.fromarray(RED).save(tmp_path / name, "EPS")

    with pytest.raises(ValueError, match="cannot be decoded"):
        read_photo(tmp_path / name)

    assert not ghostscript.exists()


def _claiming(data, side):
    """A JPEG whose header claims another width and height."""
    at = data.find(b"\xff\xc0") + 5
    return data[:at] + side.to_bytes(2, "big") * 2 + data[at + 4 :]


@pytest.mark.parametrize("side", [13_400, 65_500])
def test_a_jpeg_that_claims_too_many_pixels_is_refused_by_its_header(tmp_path, monkeypatch, side):
    path = _save(tmp_path / "a.jpg", RED)
    path.write_bytes(_claiming(path.read_bytes(), side))
    monkeypatch.setattr(photos, "decode_jpeg", lambda *_: pytest.fail("decoded"))

    with pytest.raises(ValueError, match=r"a\.jpg cannot be decoded .*exceeds limit of 178956970 pixels"):
        read_photo(path)


def test_a_jpeg_whose_second_header_claims_more_is_refused(tmp_path):
    path = _save(tmp_path / "a.jpg", RED)
    data = path.read_bytes()
    at = data.find(b"\xff\xc0")
    header = data[at : at + 19]
    for both in (_claiming(header, 65_500) + header, header + _claiming(header, 65_500)):
        path.write_bytes(data[:at] + both + data[at + 19 :])
        with pytest.raises(ValueError, match=r"a\.jpg cannot be decoded"):
            read_photo(path)


@pytest.mark.parametrize("error", [KeyError(-1), MemoryError(), RuntimeError("odd"), struct.error("odd")])
def test_whatever_a_decoder_raises_the_photo_is_named(tmp_path, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(photos, "decode_jpeg", fail)
    with pytest.raises(ValueError, match=r"a\.jpg cannot be decoded \(\S.*validate_data"):
        read_photo(_save(tmp_path / "a.jpg", RED))


def test_a_photo_that_the_system_refuses_to_read_is_named_with_the_reason(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied", "elsewhere")

    monkeypatch.setattr(photos.Path, "open", refuse)
    with pytest.raises(ValueError, match=r"a\.jpg cannot be read \(Permission denied\)"):
        read_photo(tmp_path / "a.jpg")
