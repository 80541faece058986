import hashlib
import json
import os
import subprocess

import pandas as pd
import pytest
import yaml

from shopper_age import paths
from shopper_age.privacy.photos import find_photos
from shopper_age.privacy.traces import find_traces
from shopper_age.runtime.files import write_csv

CONTENTS = {"a.jpg": b"a", "b.jpg": b"b", "copy.jpg": b"nearly a"}


def content_hash(content):
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def git(*command):
    identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]
    done = subprocess.run(["git", *identity, *command], check=True, capture_output=True, text=True)
    return done.stdout.strip()


class Project:
    """A project under Git in the working folder, whose commits are trainings of different photos."""

    def __init__(self, folder):
        self.cache = folder / "cache"
        self.data = folder.joinpath("data/faces").relative_to(folder)
        (self.data / "final_files").mkdir(parents=True)
        for name, content in CONTENTS.items():
            (self.data / "final_files" / name).write_bytes(content)
        rows = "".join(f"{name},20\n" for name in CONTENTS)
        (self.data / "labels.csv").write_text(f"file_name,real_age\n{rows}")
        git("init", "--quiet")
        paths.MANIFEST.parent.mkdir(parents=True)
        paths.SPLITS.parent.mkdir(parents=True)

    def keep(self, content, suffix=""):
        """The md5 of a content, which is put into the cache."""
        md5 = hashlib.md5(content).hexdigest()
        place = self.cache / "files/md5" / md5[:2] / (md5[2:] + suffix)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        return md5 + suffix

    def train(self, model, parts):
        """A commit of a model that was made of photos: their names in the folder then, content and part."""
        rows = pd.DataFrame(parts, columns=["file_name", "content", "split"])
        write_csv(
            paths.MANIFEST, rows.assign(content_hash=rows["content"].map(content_hash), duplicate_group=0)
        )
        write_csv(paths.SPLITS, rows[["file_name", "split"]])
        listing = [
            {"md5": hashlib.md5(content).hexdigest(), "relpath": f"final_files/{name}"}
            for name, content, _ in parts
        ]
        data = self.keep(json.dumps(listing).encode(), ".dir")
        outs = {path: self.keep(path.read_bytes()) for path in (paths.MANIFEST, paths.SPLITS)}
        entries = [{"path": path.as_posix(), "md5": md5} for path, md5 in outs.items()]
        entries.append({"path": paths.MODEL.as_posix(), "md5": model})
        deps = [{"path": self.data.as_posix(), "md5": data}]
        paths.DVC_LOCK.write_text(yaml.safe_dump({"stages": {"all": {"deps": deps, "outs": entries}}}))
        git("add", "dvc.lock")
        git("commit", "--quiet", "--message", model)
        return git("rev-parse", "HEAD"), data

    def traces(self, *names):
        return find_traces(find_photos(self.data, names), self.data, self.cache)


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith(("DVC_", "GIT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


def test_models_are_found_by_the_photos_content_under_whatever_name(project):
    first, first_data = project.train("learnt", [("old name.jpg", b"a", "train"), ("b.jpg", b"b", "test")])
    second, second_data = project.train("measured", [("a.jpg", b"a", "test"), ("b.jpg", b"b", "train")])
    project.train("other", [("a.jpg", b"somebody else", "train"), ("b.jpg", b"b", "test")])
    found = project.traces("a.jpg")
    assert found.models == {"measured": [second[:7]], "learnt": [first[:7]]}
    assert found.learnt == {"learnt"}
    assert found.data_md5s == {first_data, second_data}
    assert found.not_at_hand == []


def test_an_experiment_is_called_by_its_name(project):
    commit, _ = project.train("model", [("a.jpg", b"a", "train")])
    project.train("later", [("b.jpg", b"b", "train")])
    git("update-ref", f"refs/exps/{commit[:2]}/{commit[2:]}/brave-one", commit)
    found = project.traces("a.jpg")
    assert found.experiments == ["brave-one"]
    assert found.models == {"model": ["brave-one"]}


def test_a_revision_whose_tables_are_not_at_hand_is_not_known(project):
    commit, _ = project.train("model", [("a.jpg", b"a", "train")])
    for path in (project.cache / "files/md5").rglob("*"):
        if path.is_file():
            path.unlink()
    found = project.traces("a.jpg")
    assert found.not_at_hand == ["workspace", commit[:7]]
    assert not found.models


def test_the_folder_alone_tells_where_the_manifest_left_the_photo_out(project):
    project.train("model", [("b.jpg", b"b", "train")])
    lock = yaml.safe_load(paths.DVC_LOCK.read_text())
    listing = [{"md5": hashlib.md5(b"a").hexdigest(), "relpath": "final_files/a.jpg"}]
    lock["stages"]["all"]["deps"][0]["md5"] = data = project.keep(json.dumps(listing).encode(), ".dir")
    paths.DVC_LOCK.write_text(yaml.safe_dump(lock))
    found = project.traces("a.jpg")
    assert found.models == {"model": ["workspace"]}
    assert found.learnt == set()
    assert found.data_md5s == {data}


def test_copies_caches_and_reports_are_named(project, tmp_path):
    project.train("model", [("a.jpg", b"a", "train"), ("copy.jpg", b"nearly a", "train")])
    project.keep(b"a")
    (tmp_path / ".photo_cache").mkdir()
    paths.EVALUATION.mkdir()
    (paths.EVALUATION / "report.md").write_text("The worst is a.jpg.")
    (paths.EVALUATION / "other.md").write_text("The worst is data.jpg, or x/a.jpg.")
    found = project.traces("a.jpg")
    assert found.copies == ["copy.jpg"]
    assert [path.read_bytes() for path in found.cached] == [b"a"]
    assert found.folders == [tmp_path / ".photo_cache"]
    assert found.reports == [paths.SPLITS, paths.EVALUATION / "report.md", paths.MANIFEST]


def test_without_git_dvc_and_reports_there_is_nothing_to_find(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faces/final_files").mkdir(parents=True)
    (tmp_path / "faces/labels.csv").write_text("file_name,real_age\na.jpg,3\n")
    found = find_traces(find_photos(tmp_path / "faces", ["a.jpg"]), tmp_path / "faces", None)
    assert not any(vars(found).values())
