"""A photo that passes validation is read in training, and with the pixels that were inspected."""

import io
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from photos import small_photo
from PIL import Image, ImageCms

from shopper_age.data.photos import read_photo, to_grey
from shopper_age.validation import photos as inspection
from shopper_age.validation.photos import Photo, inspect_photo
from shopper_age.validation.rules import RULES, WARNING

SIZE = (96, 80)
COLOUR = small_photo(1, SIZE)
GREY = np.asarray(COLOUR.convert("L"))
ORIENTATION = 0x0112
XMP_TURN = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>"""


def saved(photo: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    photo.save(file, kind, **options)
    return file.getvalue()


def turned(kind: str, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return saved(COLOUR, kind, exif=exif)


def lab() -> Image.Image:
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return ImageCms.profileToProfile(COLOUR, *profiles, outputMode="LAB")


def deep(factor: int, kind: type = np.uint16, offset: int = 0) -> Image.Image:
    return Image.fromarray((GREY.astype(kind) * factor + offset).astype(kind))


# Photos that show COLOUR or its grey, and so nearly its luma.
FAITHFUL: dict[str, Callable[[], bytes]] = {
    **{f"JPEG {mode}": partial(saved, COLOUR.convert(mode), "JPEG") for mode in ("L", "RGB", "CMYK")},
    "JPEG progressive": partial(saved, COLOUR, "JPEG", progressive=True),
    "JPEG of several photos": partial(saved, COLOUR, "MPO", save_all=True, append_images=[small_photo(2)]),
    "JPEG and more": lambda: saved(COLOUR, "JPEG") + b"appended by a phone",
    **{f"PNG {mode}": partial(saved, COLOUR.convert(mode), "PNG") for mode in ("L", "LA", "RGB", "RGBA")},
    "PNG P": lambda: saved(COLOUR.quantize(), "PNG"),
    "PNG of 16 bits": lambda: saved(deep(257), "PNG"),
    "PNG of 12 bits in 16": lambda: saved(deep(16), "PNG"),
    "PNG of 10 bits in 16": lambda: saved(deep(4), "PNG"),
    "PNG of 8 bits in 16": lambda: saved(deep(1), "PNG"),
    "TIFF of 12 bits in 16": lambda: saved(deep(16), "TIFF"),
    "TIFF of 12 bits in 32": lambda: saved(deep(16, np.int32), "TIFF"),
    **{
        f"TIFF {mode}": partial(saved, COLOUR.convert(mode), "TIFF")
        for mode in ("L", "LA", "RGB", "RGBA", "CMYK", "YCbCr")
    },
    "TIFF P": lambda: saved(COLOUR.quantize(), "TIFF"),
    "TIFF LAB": lambda: saved(lab(), "TIFF"),
    "TIFF of 16 bits": lambda: saved(deep(257), "TIFF"),
    "TIFF of 16 in 32 bits": lambda: saved(deep(257, np.int32), "TIFF"),
    "TIFF of floats": lambda: saved(Image.fromarray(GREY.astype(np.float32)), "TIFF"),
    **{f"{kind} RGB": partial(saved, COLOUR, kind) for kind in ("GIF", "BMP")},
    **{f"WEBP {mode}": partial(saved, COLOUR.convert(mode), "WEBP") for mode in ("RGB", "RGBA")},
}

# Photos of which only the rule counts that they are read by: the same in both places.
OTHER: dict[str, Callable[[], bytes]] = {
    "PNG of 1 bit": partial(saved, COLOUR.convert("1"), "PNG"),
    "TIFF with values below 0": lambda: saved(deep(514, np.int32, -65_536), "TIFF"),
    "TIFF with values above 16 bits": lambda: saved(deep(514, np.int32), "TIFF"),
    "JPEG turned in XMP": partial(saved, COLOUR, "JPEG", xmp=XMP_TURN),
    **{
        f"{kind} turned {orientation}": partial(turned, kind, orientation)
        for kind in ("JPEG", "PNG", "WEBP", "TIFF")
        for orientation in range(1, 10)
    },
}

CUT = {
    f"{kind} without its last {n} bytes": partial(lambda kind, n: saved(COLOUR, kind)[:-n], kind, n)
    for kind in ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP")
    for n in (1, 2, 4, 40, 400)
}

NO_PHOTOS: dict[str, Callable[[], bytes]] = {
    **{kind: partial(saved, COLOUR, kind) for kind in ("EPS", "PPM", "ICO", "JPEG2000")},
    "text": lambda: b"no photo",
    "start of a JPEG": lambda: b"\xff\xd8\xff\xe0",
    "huge header": lambda: saved(Image.new("1", (20_000, 20_000)), "TIFF")[:4000],
}


@pytest.fixture
def inspected(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], tuple[Photo, np.ndarray | None]]:
    """A function that inspects a photo and returns what was found, and the grey pixels that were judged."""

    def inspect(path: Path) -> tuple[Photo, np.ndarray | None]:
        judged: list[np.ndarray] = []
        hash_grey = inspection.perceptual_hashes
        with monkeypatch.context() as patch:
            patch.setattr(
                inspection,
                "perceptual_hashes",
                lambda grey: judged.append(np.asarray(grey)) or hash_grey(grey),
            )
            photo = inspect_photo(path.parent.resolve(), path.name, min_side_px=32, max_pixels=50_000_000)
        return photo, judged[0] if judged else None

    return inspect


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.jpg"


def mean_difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other).mean())


@pytest.mark.parametrize("kind", [*FAITHFUL, *OTHER])
def test_training_reads_the_pixels_that_were_inspected(path, inspected, kind):
    path.write_bytes((FAITHFUL | OTHER)[kind]())

    photo, grey = inspected(path)

    assert photo.rule == ""
    trained = read_photo(path)
    assert trained.shape == (photo.height, photo.width, 3)
    np.testing.assert_array_equal(grey, to_grey(trained))


@pytest.mark.parametrize("kind", FAITHFUL)
def test_a_photo_of_any_kind_keeps_its_shades(path, kind):
    path.write_bytes(FAITHFUL[kind]())

    assert mean_difference(to_grey(read_photo(path)), GREY) < 6


@pytest.mark.parametrize("kind", [*CUT, *NO_PHOTOS])
def test_what_training_cannot_read_is_an_error_of_validation(path, inspected, kind):
    path.write_bytes((CUT | NO_PHOTOS)[kind]())

    photo, grey = inspected(path)

    if photo.rule in ("", "missing_end_marker"):  # the pixels are whole
        np.testing.assert_array_equal(grey, to_grey(read_photo(path)))
    else:
        with pytest.raises(ValueError, match="cannot be decoded"):
            read_photo(path)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"exif": 6}])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_large_jpeg_is_inspected_at_a_part_of_its_size_and_reads_alike_at_every_other(
    path, inspected, mode, options
):
    noise = np.random.default_rng(0).integers(-20, 21, (1024, 1040, 1))
    large = Image.fromarray((np.asarray(small_photo(1, (1040, 1024))) + noise).clip(0, 255).astype(np.uint8))
    if "exif" in options:
        options = {"exif": Image.Exif()}
        options["exif"][ORIENTATION] = 6
    path.write_bytes(saved(large.convert(mode), "JPEG", **options))

    photo, grey = inspected(path)

    assert photo.rule == ""
    assert sorted(grey.shape) == [128, 130]
    for size in (64, 200, None):
        trained = to_grey(read_photo(path, size))
        assert size or trained.shape == (photo.height, photo.width)
        pair = [cv2.resize(pixels, (64, 64), interpolation=cv2.INTER_AREA) for pixels in (grey, trained)]
        assert mean_difference(*pair) < 3


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 4}])
def test_whether_a_cut_jpeg_is_read_does_not_depend_on_the_size_asked_for(path, inspected, options):
    noise = np.random.default_rng(0).integers(0, 256, (1040, 1100, 3), np.uint8)
    whole = saved(Image.fromarray(noise), "JPEG", **options)
    for n in (1, 2):
        path.write_bytes(whole[:-n])
        assert inspected(path)[0].rule == "missing_end_marker"
        for size in (64, 130, 260, None):
            read_photo(path, size)
    for n in (60, 5000, len(whole) // 2):
        path.write_bytes(whole[:-n])
        assert inspected(path)[0].rule == "truncated_photo"
        for size in (64, 130, 260, None):
            with pytest.raises(ValueError, match="truncated"):
                read_photo(path, size)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A photo of any kind, mode, size and orientation, perhaps transparent, deep, or changed on its way."""
    kind = draw(st.sampled_from(["JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP"]))
    modes = {
        "JPEG": ["L", "RGB", "CMYK"],
        "PNG": ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"],
        "TIFF": ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"],
        "WEBP": ["RGB", "RGBA"],
        "GIF": ["L", "P", "RGB", "RGBA"],
        "BMP": ["1", "L", "P", "RGB"],
    }[kind]
    mode = draw(st.sampled_from(modes))
    sides = st.integers(32, 150) | st.integers(700, 900)
    photo = small_photo(draw(st.integers(0, 99)), (draw(sides), draw(sides)))
    if mode in ("I;16", "I", "F"):
        dtype = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        factor = draw(st.sampled_from([1, 4, 16, 257]))
        photo = Image.fromarray((np.asarray(photo.convert("L")).astype(float) * factor).astype(dtype))
    elif mode in ("LA", "RGBA"):
        lowest = draw(st.integers(0, 255))
        photo.putalpha(photo.convert("L").point(lambda value: max(value, lowest)))
    photo = photo.convert(mode)
    options: dict[str, object] = {}
    if kind in ("JPEG", "PNG", "WEBP", "TIFF") and draw(st.booleans()):
        options["exif"] = Image.Exif()
        options["exif"][ORIENTATION] = draw(st.integers(0, 9))
    if kind == "JPEG":
        options["progressive"] = draw(st.booleans())
        options["quality"] = draw(st.sampled_from([50, 95]))
    content = saved(photo, kind, **options)
    change = draw(st.sampled_from(["", "", "cut", "zeros", "flips", "insertion"]))
    at = draw(st.integers(0, len(content) - 1))
    if change == "cut":
        return content[:at]
    if change == "zeros":
        return content[:at] + bytes(len(content[at : at + 50])) + content[at + 50 :]
    if change == "flips":
        return content[:at] + bytes([content[at] ^ draw(st.integers(1, 255))]) + content[at + 1 :]
    if change == "insertion":
        return content[:at] + draw(st.binary(min_size=1, max_size=20)) + content[at:]
    return content


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(content=files(), size=st.integers(16, 300))
def test_what_passes_is_read_with_the_same_pixels_and_what_is_damaged_is_not(
    path, inspected, capfd, content, size
):
    path.write_bytes(content)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        photo, grey = inspected(path)
        if photo.rule == "" or RULES[photo.rule].severity == WARNING:
            trained = read_photo(path)
            assert trained.shape == (photo.height, photo.width, 3)
            if grey.shape == trained.shape[:2]:
                np.testing.assert_array_equal(grey, to_grey(trained))
            assert read_photo(path, size).shape == (size, size, 3)
        elif photo.rule not in ("blank_photo", "too_small_photo", "too_many_pixels"):
            with pytest.raises(ValueError, match="cannot be decoded"):
                read_photo(path)

    assert capfd.readouterr() == ("", "")
