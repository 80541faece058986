import os
import pickle
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from photos import small_photo
from PIL import Image

from shopper_age.validation import photos as inspection
from shopper_age.validation.photos import Photo, inspect_photo, inspect_photos, list_photos

ORIENTATION = 0x0112


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path.resolve() / "final_files"
    path.mkdir()
    return path


def inspect(folder: Path, name: str, **limits: int) -> Photo:
    return inspect_photo(folder, name, **{"min_side_px": 32, "max_pixels": 50_000_000, **limits})


def huge_png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def test_a_photo_is_measured(folder):
    small_photo(1, (80, 64)).save(folder / "a.jpg")

    photo = inspect(folder, "a.jpg")

    assert photo.rule == ""
    assert (photo.width, photo.height, photo.mode) == (80, 64, "RGB")
    assert photo.n_bytes == (folder / "a.jpg").stat().st_size
    assert photo.hashes.all()


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
def test_jpegs_of_any_colour_model_pass(folder, mode):
    small_photo(1).convert(mode).save(folder / "a.jpg")

    assert inspect(folder, "a.jpg")[:5] == ("", "", 64, 64, mode)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "RGBA", "RGB"])
def test_pngs_named_jpg_pass_in_any_mode(folder, mode):
    small_photo(1).convert(mode).save(folder / "a.jpg", "PNG")

    assert inspect(folder, "a.jpg")[:5] == ("", "", 64, 64, mode)


@pytest.mark.parametrize("kind", ["WEBP", "GIF", "BMP", "TIFF"])
def test_other_kinds_named_jpg_pass(folder, kind):
    small_photo(1).save(folder / "a.jpg", kind)

    assert inspect(folder, "a.jpg").rule == ""


def test_a_photo_of_16_bits_hashes_like_one_of_8(folder):
    grey = small_photo(1).convert("L")
    grey.save(folder / "8.png")
    Image.fromarray(np.asarray(grey).astype(np.uint16) * 257).save(folder / "16.png")

    deep = inspect(folder, "16.png")

    assert deep.mode == "I;16"
    np.testing.assert_array_equal(deep.hashes, inspect(folder, "8.png").hashes)


@pytest.mark.parametrize("size", [(80, 64), (1024, 1023)])
def test_a_rotated_photo_has_the_size_and_hash_it_is_displayed_with(folder, size):
    upright = small_photo(1, size)
    upright.save(folder / "upright.png")
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # to be turned clockwise
    upright.transpose(Image.Transpose.ROTATE_90).save(folder / "turned.jpg", exif=exif, quality=95)

    photo = inspect(folder, "turned.jpg")

    assert (photo.width, photo.height) == size
    bits = np.bitwise_count(photo.hashes[0, 0] ^ inspect(folder, "upright.png").hashes[0, 0])
    assert bits <= 4


def test_a_large_jpeg_is_decoded_small_and_hashes_the_same(folder):
    small_photo(1, (1600, 1200)).save(folder / "large.jpg")
    small_photo(1, (160, 120)).save(folder / "small.jpg")

    large, small = inspect(folder, "large.jpg"), inspect(folder, "small.jpg")

    assert (large.width, large.height) == (1600, 1200)
    assert np.bitwise_count(large.hashes[0, 0] ^ small.hashes[0, 0]) <= 2


def test_copies_have_the_same_content_and_others_not(folder):
    small_photo(1).save(folder / "a.png")
    small_photo(2).save(folder / "b.png")
    (folder / "copy.jpg").write_bytes((folder / "a.png").read_bytes())

    a, b, copy = (inspect(folder, name).content for name in ("a.png", "b.png", "copy.jpg"))

    assert a == copy != b


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.5, 0.9])
@pytest.mark.parametrize("size", [(64, 64), (640, 512)])
def test_a_truncated_photo_is_found(folder, kind, share, size):
    small_photo(1, size).save(folder / "whole", kind)
    content = (folder / "whole").read_bytes()
    (folder / "cut").write_bytes(content[: int(len(content) * share)])

    assert inspect(folder, "cut").rule == "truncated_photo"


def test_a_jpeg_without_its_end_marker_is_named_and_measured(folder):
    small_photo(1, (640, 512)).save(folder / "a.jpg")
    whole = inspect(folder, "a.jpg")
    (folder / "a.jpg").write_bytes((folder / "a.jpg").read_bytes()[:-2])

    photo = inspect(folder, "a.jpg")

    assert (photo.rule, photo.width, photo.height) == ("missing_end_marker", 640, 512)
    np.testing.assert_array_equal(photo.hashes, whole.hashes)


def test_damage_inside_a_jpeg_is_found_with_its_share(folder):
    small_photo(1, (640, 512)).save(folder / "a.jpg", quality=95)
    content = (folder / "a.jpg").read_bytes()
    middle = len(content) // 2
    (folder / "a.jpg").write_bytes(content[:middle] + b"\xff\xd0" + content[middle:])

    photo = inspect(folder, "a.jpg")

    assert photo.rule == "damaged_photo"
    assert re.search(r"premature end of data segment; [45]\d% of the picture are missing", photo.detail)


@pytest.mark.parametrize(("mode", "kind"), [("RGBA", "PNG"), ("LA", "PNG"), ("RGBA", "WEBP"), ("P", "GIF")])
def test_transparent_pixels_are_named_and_opaque_ones_not(folder, mode, kind):
    photo = small_photo(1).convert("RGBA")
    photo.convert(mode).save(folder / "opaque", kind)
    photo.putalpha(Image.linear_gradient("L").resize(photo.size).point(lambda value: 255 * (value > 99)))
    photo.convert(mode).save(folder / "clear", kind, **({"transparency": 0} if mode == "P" else {}))

    assert inspect(folder, "clear").rule == "has_transparency"
    assert inspect(folder, "opaque").rule == ""


def test_a_truncated_webp_is_found(folder):
    small_photo(1).save(folder / "a.webp")
    (folder / "a.webp").write_bytes((folder / "a.webp").read_bytes()[:-40])

    assert inspect(folder, "a.webp").rule == "undecodable_photo"


@pytest.mark.parametrize("content", [b"hello", b"<html></html>" * 100, b"\xff\xd8\xff\xe0", b"\0" * 1000])
def test_what_is_no_picture_is_undecodable(folder, content):
    (folder / "a.jpg").write_bytes(content)

    assert inspect(folder, "a.jpg").rule == "undecodable_photo"


def test_a_format_that_runs_a_program_is_not_opened(folder):
    small_photo(1).save(folder / "a.jpg", "EPS")

    assert inspect(folder, "a.jpg")[:2] == ("undecodable_photo", "none of JPEG, PNG, WEBP, GIF, BMP, TIFF")


def test_an_empty_file_is_found(folder):
    (folder / "a.jpg").touch()

    assert inspect(folder, "a.jpg").rule == "empty_photo"


@pytest.mark.parametrize("name", ["a.jpg", "a/b.jpg", "a" * 200 + ".jpg", "😀.jpg"])
def test_a_missing_file_is_found(folder, name):
    assert inspect(folder, name)[:2] == ("missing_photo", "no such file")


def test_a_name_too_long_for_the_disk_is_a_finding(folder):
    assert inspect(folder, "a" * 300).rule == "unreadable_photo"


@pytest.mark.parametrize(
    ("size", "limits", "rule"),
    [
        ((64, 31), {}, "too_small_photo"),
        ((64, 32), {}, ""),
        ((64, 64), {"max_pixels": 64 * 64}, ""),
        ((64, 64), {"max_pixels": 64 * 64 - 1}, "too_many_pixels"),
    ],
)
def test_a_photo_must_keep_to_the_limits_of_size(folder, size, limits, rule):
    small_photo(1, size).save(folder / "a.jpg")

    assert inspect(folder, "a.jpg", **limits).rule == rule


@pytest.mark.parametrize("side", [10_000, 50_000, 2**31 + 5])
def test_a_decompression_bomb_is_refused_by_its_header(folder, side):
    (folder / "a.png").write_bytes(huge_png(side, side))

    assert inspect(folder, "a.png").rule == "too_many_pixels"


@pytest.mark.parametrize("colour", ["white", "black", (90, 30, 200)])
def test_a_photo_of_one_colour_is_blank(folder, colour):
    Image.new("RGB", (64, 64), colour).save(folder / "a.jpg")

    assert inspect(folder, "a.jpg").rule == "blank_photo"


def test_a_dim_photo_is_not_blank(folder):
    small_photo(1).point(lambda value: value // 8).save(folder / "a.png")

    assert inspect(folder, "a.png").rule == ""


def test_a_folder_and_a_pipe_are_no_photos(folder):
    (folder / "a.jpg").mkdir()
    os.mkfifo(folder / "b.jpg")

    assert inspect(folder, "a.jpg")[:2] == ("not_a_file", "a folder")
    assert inspect(folder, "b.jpg")[:2] == ("not_a_file", "a device or pipe")


def test_a_link_may_not_lead_out_of_the_folder(folder):
    small_photo(1).save(folder.parent / "outside.png")
    small_photo(1).save(folder / "inside.png")
    (folder / "out.png").symlink_to(folder.parent / "outside.png")
    (folder / "in.png").symlink_to("inside.png")
    (folder / "up").symlink_to(folder.parent)
    (folder / "round.png").symlink_to("round.png")

    assert inspect(folder, "out.png").rule == "unsafe_path"
    assert inspect(folder, "up/outside.png").rule == "unsafe_path"
    assert inspect(folder, "in.png").rule == ""
    assert inspect(folder, "round.png").rule == "unreadable_photo"


def test_a_file_that_the_system_refuses_to_read_is_found(folder, monkeypatch):
    small_photo(1).save(folder / "a.png")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)

    assert inspect(folder, "a.png")[:2] == ("unreadable_photo", "Permission denied")


@pytest.mark.parametrize("error", [RuntimeError("odd"), MemoryError("none left"), SyntaxError("broken")])
def test_any_error_of_a_reader_is_a_finding(folder, monkeypatch, error):
    small_photo(1).save(folder / "a.png")

    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(inspection, "perceptual_hashes", fail)

    assert inspect(folder, "a.png")[:2] == ("undecodable_photo", f"{type(error).__name__}: {error}")


def in_other_processes(work, portions):
    """What other processes get and give back."""
    for portion in portions:
        yield pickle.loads(pickle.dumps(work))(portion)


@pytest.mark.parametrize("mapped", [map, in_other_processes])
def test_photos_come_back_in_the_order_asked_for(folder, monkeypatch, mapped):
    monkeypatch.setattr(inspection, "PHOTOS_PER_PORTION", 3)
    names = [f"{number}.png" for number in range(8)]
    for number, name in enumerate(names):
        if number != 4:
            small_photo(number, (64, 40 + number)).save(folder / name)

    table, hashes = inspect_photos(
        folder.parent, names[::-1], min_side_px=32, max_pixels=10_000, mapped=mapped
    )

    assert table["height"].tolist() == [47, 46, 45, 0, 43, 42, 41, 40]
    assert table["rule"].tolist() == ["", "", "", "missing_photo", "", "", "", ""]
    assert hashes.shape == (8, 2, 5)
    assert len(np.unique(hashes[:, 0, 0])) == 8


def test_a_linked_data_folder_is_fine(folder):
    small_photo(1).save(folder / "a.png")
    (folder.parent / "linked").symlink_to(folder.parent)

    table, _ = inspect_photos(folder.parent / "linked", ["a.png"], min_side_px=32, max_pixels=10_000)

    assert table["rule"].tolist() == [""]


def test_no_photos_give_an_empty_table(folder):
    table, hashes = inspect_photos(folder.parent, [], min_side_px=32, max_pixels=10_000)

    assert table.empty
    assert hashes.shape == (0, 2, 5)


def test_photos_are_listed_with_their_folders(folder):
    for name in ("b.JPG", "a.webp", "notes.txt", ".hidden.jpg", ".thumbs/c.jpg", "shop/1/d.jpeg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / os.fsdecode(b"caf\xe9.jpg")).touch()

    assert list_photos(folder.parent) == ["a.webp", "b.JPG", "caf\\udce9.jpg", "shop/1/d.jpeg"]


def test_a_missing_photo_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="final_files not found"):
        list_photos(tmp_path)


@pytest.mark.parametrize("name", ["Final_Files", "final files", "final-files", "faces/final_files"])
def test_a_photo_folder_of_nearly_that_name_is_named(tmp_path, name):
    (tmp_path / name).mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=f"There is .*{name}: (rename|move) it"):
        list_photos(tmp_path)
