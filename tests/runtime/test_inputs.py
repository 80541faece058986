import os
import time

import fsspec
import pytest

from shopper_age.runtime.inputs import Inputs, InputsChangedError

DVC = """
stages:
  train: {params: [epochs, train, data_path]}
  split: {params: [split]}
"""
PARAMS = "epochs: 4\ntrain: {clip_norm: 0.0}\ndata_path: faces\nsplit: {test_share: 0.1}\n"


@pytest.fixture
def faces(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.yaml").write_text(DVC)
    (tmp_path / "params.yaml").write_text(PARAMS)
    photos = tmp_path / "faces" / "final_files"
    (photos / "deeper").mkdir(parents=True)
    (photos / "a.jpg").write_bytes(b"a")
    (photos / "deeper" / "b.jpg").write_bytes(b"b")
    (tmp_path / "faces" / "labels.csv").write_text("file_name,real_age\na.jpg,51\n")
    return tmp_path / "faces"


def _rewrite(path, content):
    """As an editor that leaves size and time as they were."""
    times = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _older(path):
    path.write_bytes(b"c")
    os.utime(path, (1, 1))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda f: _rewrite(f / "labels.csv", b"file_name,real_age\na.jpg,78\n"),
            r"labels\.csv changed while",
        ),
        (lambda f: (f / "labels.csv").unlink(), r"labels\.csv changed"),
        (
            lambda f: (f / "final_files/c.jpg").write_bytes(b"c"),
            r"2 files before, 3 now; the newest is c\.jpg",
        ),
        (lambda f: (f / "final_files/deeper/b.jpg").unlink(), "2 files before, 1 now"),
        (lambda f: (f / "final_files/a.jpg").write_bytes(b"later"), "final_files changed"),
        (lambda f: _older(f / "final_files/a.jpg"), "final_files changed"),
        (lambda f: (f / "final_files/a.jpg").rename(f / "final_files/z.jpg"), "final_files changed"),
        (lambda f: (f / "final_files").rename(f / "moved"), "2 files before, 0 now"),
        (
            lambda f: (f.parent / "params.yaml").write_text(PARAMS.replace("4", "1")),
            r"params\.yaml .*\(epochs\)",
        ),
        (
            lambda f: (f.parent / "params.yaml").write_text(PARAMS.replace("0.0", "1")),
            r"\(train\.clip_norm\)",
        ),
        (lambda f: (f.parent / "params.yaml").write_text("epochs: ["), r"params\.yaml changed"),
        (lambda f: (f.parent / "params.yaml").unlink(), r"params\.yaml changed"),
    ],
)
def test_what_changes_while_a_stage_runs_is_named(faces, change, told):
    inputs = Inputs("train", faces, kept="All is kept. ")
    change(faces)
    with pytest.raises(InputsChangedError, match=rf"(?s){told}.*All is kept\. Run `dvc repro` again"):
        inputs.check()


@pytest.mark.parametrize(
    "change",
    [
        lambda _: None,
        lambda f: (f / "final_files/.DS_Store").write_bytes(b"of a file manager"),
        lambda f: (f / "final_files/a.jpg").read_bytes(),
        lambda f: (f.parent / "params.yaml").write_text("# a remark\n" + PARAMS),
        lambda f: (f.parent / "params.yaml").write_text(PARAMS.replace("0.1", "0.2")),  # of another stage
    ],
)
def test_what_the_stage_does_not_depend_on_may_change(faces, change):
    inputs = Inputs("train", faces)
    change(faces)
    inputs.check()


def test_a_stage_without_photos_looks_at_its_settings_alone(faces):
    inputs = Inputs("split")
    (faces / "labels.csv").unlink()
    inputs.check()
    (faces.parent / "params.yaml").write_text(PARAMS.replace("0.1", "0.2"))
    with pytest.raises(InputsChangedError, match=r"split\.test_share"):
        inputs.check()


def test_data_that_are_missing_are_the_business_of_the_stage(faces):
    Inputs("train", faces / "nowhere").check()


def test_many_photos_cost_little(faces):
    for number in range(2_000):
        (faces / "final_files" / f"{number}.jpg").touch()
    start = time.perf_counter()
    Inputs("train", faces)
    assert time.perf_counter() - start < 1  # 10 microseconds each or so


def test_a_packed_folder_is_watched_by_its_shards(faces):
    (faces / "shards.json").write_text("{}")
    shard = faces / "photos-00000.tar"
    shard.write_bytes(b"a")
    inputs = Inputs("train", faces)
    inputs.check()
    shard.write_bytes(b"ab")
    with pytest.raises(
        InputsChangedError, match=r"faces changed while it was being read \(.*photos-00000.tar"
    ):
        inputs.check()


@pytest.mark.usefixtures("faces")
def test_a_folder_in_an_object_store_is_watched_by_its_manifest():
    store = fsspec.filesystem("memory")
    store.pipe("/watched/shards.json", b"{}")
    inputs = Inputs("train", "memory://watched")
    inputs.check()
    store.pipe("/watched/shards.json", b"{} ")
    with pytest.raises(InputsChangedError, match=r"memory://watched/shards\.json changed while"):
        inputs.check()
    store.rm("/watched", recursive=True)
