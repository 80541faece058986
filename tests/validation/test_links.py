import subprocess

import pytest
from checkout import Checkout
from photos import VALIDATION, make_faces, small_photo

from shopper_age.validation import links
from shopper_age.validation.checks import validate
from shopper_age.validation.photos import inspect_photo

SETTINGS = VALIDATION


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A photo folder free of links, beside a cache of DVC that nobody has to ask for."""
    (tmp_path / "cache" / "ab").mkdir(parents=True)
    monkeypatch.setattr(links, "dvc_cache_folder", lambda _: (tmp_path / "cache").resolve())
    folder = (tmp_path / "data" / "final_files").resolve()
    folder.mkdir(parents=True)
    return folder


def inspect(folder, name):
    return inspect_photo(folder, name, min_side_px=32, max_pixels=1_000_000)[:2]


def test_a_link_into_the_cache_of_dvc_is_followed(folder):
    kept = folder.parent.parent / "cache" / "ab" / "cdef"
    small_photo(1).save(kept, "PNG")
    (folder / "a.png").symlink_to(kept)
    assert inspect(folder, "a.png") == ("", "")


def test_a_folder_that_is_linked_into_the_cache_is_not(folder):
    kept = folder.parent.parent / "cache" / "ab" / "cdef"
    small_photo(1).save(kept, "PNG")
    (folder / "shop").symlink_to(kept.parent)
    assert inspect(folder, "shop/cdef") == ("unsafe_path", f"leads to {kept}")


@pytest.mark.parametrize("place", ["nowhere/a.png", "data/b.png", "data/final_files/b.png"])
def test_a_link_says_that_its_target_is_gone(folder, place):
    target = folder.parent.parent / place
    (folder / "a.png").symlink_to(target)
    assert inspect(folder, "a.png") == ("missing_photo", f"a link to {target}, which is gone.")


def test_a_photo_that_is_gone_from_the_cache_can_be_had_back(folder):
    (folder / "a.png").symlink_to(folder.parent.parent / "cache" / "ab" / "cdef")
    rule, detail = inspect(folder, "a.png")
    assert rule == "missing_photo"
    assert detail.endswith("cdef, which is gone. Get it back by `dvc checkout` or `dvc pull`.")


def test_what_is_gone_behind_a_linked_folder_is_told(folder):
    (folder / "shop").symlink_to(folder.parent.parent / "nowhere")
    assert inspect(folder, "shop/a.png")[0] == "missing_photo"


def test_dvc_is_asked_only_about_a_link_that_leads_out(folder, monkeypatch):
    monkeypatch.setattr(links, "dvc_cache_folder", lambda _: pytest.fail("asked"))
    small_photo(1).save(folder / "b.png")
    (folder / "a.png").symlink_to("b.png")
    assert [inspect(folder, name)[0] for name in ("a.png", "b.png", "c.png")] == ["", "", "missing_photo"]


def test_the_cache_is_that_of_the_project_or_none(tmp_path):
    assert links.dvc_cache_folder(tmp_path) is None
    subprocess.run(["dvc", "init", "--quiet", "--no-scm"], cwd=tmp_path, check=True)
    links.dvc_cache_folder.cache_clear()
    assert links.dvc_cache_folder(tmp_path) == (tmp_path / ".dvc" / "cache").resolve()


def test_a_linked_photo_folder_is_refused_with_what_to_link_instead(tmp_path):
    make_faces(tmp_path / "disk", "file_name,real_age\na.png,30\n", {"a.png": small_photo(1)})
    make_faces(tmp_path / "faces", "file_name,real_age\na.png,30\n", {})
    (tmp_path / "faces" / "final_files").rmdir()
    (tmp_path / "faces" / "final_files").symlink_to(tmp_path / "disk" / "final_files")

    with pytest.raises(
        ValueError, match=r"final_files is a link to .*Make .*faces itself the link, or set"
    ) as told:
        validate(tmp_path / "faces", SETTINGS)

    assert "\n" not in str(told.value)
    (tmp_path / "whole").symlink_to(tmp_path / "disk")
    assert validate(tmp_path / "whole", SETTINGS).summary["n_usable"] == 1


@pytest.mark.pipeline
def test_photos_that_dvc_keeps_as_links_are_used(tmp_path):
    checkout = Checkout(tmp_path / "project")
    photos = {f"{n}.png": small_photo(n) for n in range(12)}
    rows = "".join(f"{name},{20 + n}\n" for n, name in enumerate(photos))
    make_faces(checkout.faces, f"file_name,real_age\n{rows}", photos)
    checkout.run("dvc", "config", "cache.type", "symlink")
    checkout.run("dvc", "config", "--local", "cache.dir", str(tmp_path / "shared"))
    checkout.run("dvc", "add", "data/faces")
    assert (checkout.faces / "final_files" / "0.png").is_symlink()

    checkout.run("dvc", "repro", "split", "eda")

    assert checkout.json("reports/validate_data/summary.json")["n_usable"] == 12
