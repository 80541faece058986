import io

import numpy as np
import pytest
from PIL import Image, ImageFile

from shopper_age.data.jpeg import decode_jpeg
from shopper_age.data.jpeg_scans import DamagedPhotoError, check_scans
from shopper_age.demo.faces import draw_face

KINDS = [{}, {"subsampling": 0}, {"optimize": True}, {"progressive": True}, {"restart_marker_rows": 1}]


@pytest.fixture(autouse=True)
def _room_for_large_files(monkeypatch):
    monkeypatch.setattr(ImageFile, "MAXBLOCK", 2**22)  # Pillow cannot optimise the tables of larger ones


def saved(pixels: np.ndarray | Image.Image, mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.convert(mode).save(file, "JPEG", **{"quality": 90, **options})
    return file.getvalue()


def filled(data: bytes, byte: int, n: int = 200) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([byte]) * n + data[middle + n :]


@pytest.mark.parametrize("options", KINDS[:3], ids=str)
def test_zeros_among_the_pixels_are_found_though_they_stand_for_as_many(options):
    faces = [saved(draw_face(40, np.random.default_rng(seed)), **options) for seed in range(12)]

    for face in faces:
        for n in (64, 200):
            with pytest.raises(DamagedPhotoError):
                decode_jpeg(filled(face, 0, n), (224, 224))
        decode_jpeg(face, (224, 224))


@pytest.mark.parametrize("byte", [0x20, 0x55, 0xAA, 0xF6, 0xFF])
def test_any_byte_that_fills_a_stretch_is_found_where_the_codes_are_the_usual_ones(byte):
    for seed in range(12):
        face = saved(draw_face(40, np.random.default_rng(seed)))
        with pytest.raises(DamagedPhotoError):
            decode_jpeg(filled(face, byte), (224, 224))


def test_the_stretch_is_named_with_its_share():
    face = saved(draw_face(40, np.random.default_rng(0)))
    begin = face.find(b"\xff\xda") + 14
    n = (len(face) - begin) // 10

    with pytest.raises(DamagedPhotoError, match=rf"{n:,} bytes in a row are 0x00, 10% of the coded pixels"):
        check_scans(filled(face, 0, n))


def test_a_doubled_byte_is_named_with_its_place():
    face = saved(draw_face(40, np.random.default_rng(0)))
    at = face.find(b"\xff\x00", len(face) // 2)

    with pytest.raises(DamagedPhotoError, match=r"0xff stands twice in a row, at 5\d% of the coded pixels"):
        check_scans(face[: at - 1] + b"\xff" + face[at:])


def patterns() -> dict[str, np.ndarray]:
    x = np.arange(512)
    stripes = np.broadcast_to((x // 8) % 2 * 255, (512, 512)).astype(np.uint8)
    ramp = np.broadcast_to(255 - x // 2, (512, 512)).astype(np.uint8)
    steps = np.broadcast_to(255 - x // 8, (512, 512)).astype(np.uint8)  # a step a block
    checks = ((x[:, None] // 8 + x // 8) % 2 * 255).astype(np.uint8)
    boxed = np.full((512, 512), 255, np.uint8)
    boxed[200:300, 200:300] = np.random.default_rng(0).integers(0, 255, (100, 100))
    tile = np.random.default_rng(1).integers(0, 255, (8, 8)).astype(np.uint8)
    return {
        "white": np.full((512, 512), 255, np.uint8),
        "grey": np.full((512, 512), 77, np.uint8),
        "stripes": stripes,
        "stripes across": stripes.T,
        "ramp": ramp,
        "steps": steps,
        "checks": checks,
        "ramp down": ramp.T,
        "a box on white": boxed,
        "tiles": np.tile(tile, (64, 64)),
    }


@pytest.mark.parametrize("options", KINDS, ids=str)
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_areas_of_one_colour_and_patterns_are_no_damage(mode, options):
    for pixels in patterns().values():
        for quality in (10, 25, 50, 75, 90, 95, 100):
            check_scans(saved(pixels, mode, **options, quality=quality))


def test_zeros_outside_the_pixels_are_no_damage():
    face = saved(draw_face(40, np.random.default_rng(0)), comment=bytes(500))

    check_scans(face + bytes(300))
    at = face.find(b"\xff\xda")
    check_scans(face[:at] + bytes(100) + face[at:])
