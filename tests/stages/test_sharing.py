"""Photos and a model shared through an S3 store, as docs/sharing.md says, over connections that break."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from checkout import Checkout
from flaky_connection import link_to
from s3_store import CREDENTIALS, s3_store, set_key, set_up_remote

PHOTOS = Path("data/faces/final_files")
MODEL = Path("data/weights.keras")
N_PHOTOS, PHOTO_BYTES = 12, 20_000
LARGE_PHOTOS, LARGE_PHOTO_BYTES = [PHOTOS / "a.jpg", PHOTOS / "b.jpg"], 1_000_000
# Beyond 100 MiB an upload goes in parts, and one of a ResNet50 with its optimizer does.
MODEL_BYTES = 101 << 20

pytestmark = pytest.mark.pipeline


def random_file(path: Path, n_bytes: int, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(np.random.default_rng(seed).bytes(n_bytes))


def contents(folder: Path) -> dict[str, str]:
    """The MD5 of every file below a folder, by its path there."""
    return {
        path.relative_to(folder).as_posix(): hashlib.md5(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def are_whole(md5s: dict[str, str]) -> bool:
    """Whether each file of a cache or store has the content that its name, an MD5, promises."""
    return all("".join(key.split("/")[-2:]).removesuffix(".dir") == md5 for key, md5 in md5s.items())


@pytest.fixture(scope="module")
def store():
    with s3_store() as running:
        yield running


@pytest.fixture(scope="module")
def link(store):
    with link_to(store.port) as running:
        yield running


@pytest.fixture(scope="module")
def publisher(tmp_path_factory, link):
    """A checkout with photos and a model file, and a store that it reaches through the link."""
    project = Checkout(tmp_path_factory.mktemp("publisher"))
    project.environment["AWS_MAX_ATTEMPTS"] = "1"  # or each file would be tried for half a minute
    for number in range(N_PHOTOS):
        random_file(project.folder / PHOTOS / f"{number:06d}.jpg", PHOTO_BYTES, seed=number)
    for number, path in enumerate([*LARGE_PHOTOS, MODEL], start=N_PHOTOS):
        n_bytes = MODEL_BYTES if path == MODEL else LARGE_PHOTO_BYTES
        random_file(project.folder / path, n_bytes, seed=number)
    for command in set_up_remote(link.port):
        project.run(*command)
    project.run("dvc", "add", "data/faces", str(MODEL))
    commit(project)
    return project


def commit(project: Checkout) -> None:
    project.run("git", "add", "--all")
    project.run("git", "commit", "--quiet", "--message", "photos")


@pytest.fixture(scope="module")
def colleague(tmp_path_factory, publisher):
    """A clone of the same, with the store's key in the environment."""
    project = publisher.clone(tmp_path_factory.mktemp("colleague") / "clone")
    project.environment |= CREDENTIALS
    return project


def cached(project: Checkout) -> dict[str, str]:
    return contents(project.folder / ".dvc/cache/files/md5")


def stored(store) -> dict[str, str]:
    return {key: hashlib.md5(content).hexdigest() for key, content in store.objects().items()}


def test_a_key_for_this_machine_alone_stays_out_of_git(publisher):
    for command in set_key("s3cret"):
        publisher.run(*command)
    config = Path(".dvc/config.local")
    assert (publisher.folder / config).read_text().count("s3cret") == 2
    publisher.run("git", "check-ignore", str(config))
    publisher.run("git", "grep", "s3cret", fails=True)


def test_pushes_that_break_off_leave_whole_files_and_the_next_one_goes_on(publisher, store, link):
    before = contents(publisher.folder / "data")
    everything = {key.replace("/", "") for key in cached(publisher)}

    link.break_after(LARGE_PHOTO_BYTES * 3 // 2)
    assert "failed to push" in publisher.make("push", fails=True)
    photos = stored(store)
    assert are_whole(photos)
    assert 0 < len(photos) < len(everything) - 2
    assert not [key for key in photos if key.endswith(".dir")], "a folder is there only when all of it is"

    link.break_after(MODEL_BYTES * 2 // 3)
    assert "failed to push" in publisher.make("push", fails=True)
    all_photos = stored(store)
    assert are_whole(all_photos)
    assert len(all_photos) == len(everything) - 1, "all photos and their folder, but nothing of the model"
    assert contents(publisher.folder / "data") == before
    assert are_whole(cached(publisher))

    link.mend()
    assert "1 file pushed" in publisher.make("push")
    complete = stored(store)
    assert are_whole(complete)
    assert {"".join(key.split("/")[-2:]) for key in complete} == everything


def test_a_pull_that_breaks_off_leaves_whole_files_and_the_next_one_goes_on(publisher, colleague, link):
    wanted = contents(publisher.folder / "data")

    link.break_after(MODEL_BYTES // 2)
    assert "failed to pull" in colleague.make("pull", fails=True)
    assert are_whole(cached(colleague))
    assert contents(colleague.folder / "data").items() <= wanted.items()

    link.mend()
    colleague.make("pull")
    assert contents(colleague.folder / "data") == wanted


def test_half_of_a_photo_is_not_taken_for_a_whole_one(publisher, colleague, link):
    for photo in LARGE_PHOTOS:  # two are missing, as after an update of the folder
        md5 = hashlib.md5((colleague.folder / photo).read_bytes()).hexdigest()
        (colleague.folder / photo).unlink()
        (colleague.folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]).unlink()

    link.break_after(LARGE_PHOTO_BYTES * 3 // 2)
    assert "failed to pull" in colleague.make("pull", fails=True)
    assert are_whole(cached(colleague))

    link.mend()
    colleague.make("pull")
    assert contents(colleague.folder / "data") == contents(publisher.folder / "data")
