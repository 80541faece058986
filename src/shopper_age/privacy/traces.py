"""Traces of photos: revisions, models, reports and caches that knew them.

A revision is a commit or DVC experiment with a dvc.lock. It knew a photo if its manifest has the content,
under whatever name; the manifest is looked up in DVC's cache by its hash.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from shopper_age import paths
from shopper_age.data.tables import CONTENT_HASH, DUPLICATE_GROUP, FILE_NAME, FOLD, SPLIT, TRAIN
from shopper_age.privacy.photos import KnownPhoto
from shopper_age.runtime.checkout import git, project_root
from shopper_age.runtime.csv_tables import ENCODING
from shopper_age.runtime.files import read_csv

# Folders beside the project with decoded photos, states of trainings, and logs that wait to be sent.
_FOLDERS = (".photo_cache", ".checkpoints", ".tracking/spool")

_DIRECTORY = ".dir"


@dataclass
class Traces:
    """What knew some photos; revisions are named as people would: by experiment, or a short commit."""

    revisions: list[str] = field(default_factory=list)
    # Models by the md5 of their file, with their revisions, and those that learnt from one of the photos.
    models: dict[str, list[str]] = field(default_factory=dict)
    learnt: set[str] = field(default_factory=set)
    experiments: list[str] = field(default_factory=list)
    data_md5s: set[str] = field(default_factory=set)  # of data folders with one of them
    not_at_hand: list[str] = field(default_factory=list)  # revisions whose manifest is in no cache here
    cached: list[Path] = field(default_factory=list)  # the photos themselves in DVC's cache
    reports: list[Path] = field(default_factory=list)  # tables and reports here that name them
    folders: list[Path] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)  # other files that show the same picture


def find_traces(photos: Sequence[KnownPhoto], data_path: Path, cache_folder: Path | None) -> Traces:
    """The traces of photos in the workspace, in Git's history with all DVC experiments, and in DVC's cache.

    Args:
        photos: of one whose file is gone the content is looked up in the manifest.
        cache_folder: of DVC; None where there is none.
    """
    traces = Traces()
    names = {photo.file_name for photo in photos}
    contents = {photo.content_hash for photo in photos if photo.content_hash}
    manifest = read_csv(paths.MANIFEST) if paths.MANIFEST.is_file() else None
    if manifest is not None and {FILE_NAME, CONTENT_HASH} <= {*manifest}:
        gone = {photo.file_name for photo in photos if not photo.content_hash}
        contents |= {*manifest.loc[manifest[FILE_NAME].isin(gone), CONTENT_HASH]}
        traces.copies = _copies(manifest, names)
    look_up = _Objects(cache_folder)
    for revision, text in _locks():
        _search(traces, revision, text, photos, names, contents, data_path, look_up)
    traces.experiments = [name for _, name in _experiments() if name in traces.revisions]
    traces.cached = [place for photo in photos if photo.md5 for place in look_up.places(photo.md5)]
    traces.reports = [path for path in _texts() if _names_any(path, names, contents)]
    traces.folders = [folder for folder in (project_root() / name for name in _FOLDERS) if folder.is_dir()]
    return traces


class _Objects:
    """Files in DVC's cache by their md5."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.table = cache(self._table)
        self.listing = cache(self._listing)

    def places(self, md5: str) -> list[Path]:
        """Where the file lies: in the cache of DVC 3, in that of DVC 2, or in both."""
        if self._folder is None:
            return []
        places = (self._folder / "files" / "md5", self._folder)
        return [path for path in (place / md5[:2] / md5[2:] for place in places) if path.is_file()]

    def _table(self, md5: str | None) -> Any:
        """The table, or None where it is not at hand."""
        found = self.places(md5) if md5 else []
        try:
            table = read_csv(found[0]) if found else None
        except ValueError:  # of a version that wrote tables otherwise
            return None
        return table if table is not None and FILE_NAME in table else None

    def _listing(self, md5: str) -> set[str] | None:
        """The md5 of each file of a folder, or None where that is not at hand."""
        found = self.places(md5)
        return {file["md5"] for file in json.loads(found[0].read_text(encoding="utf-8"))} if found else None


def _search(
    traces: Traces,
    revision: str,
    text: str,
    photos: Sequence[KnownPhoto],
    names: set[str],
    contents: set[str],
    data_path: Path,
    look_up: _Objects,
) -> None:
    """Adds what a revision knew."""
    entries = _entries(text)
    data_md5 = entries.get(data_path.as_posix())
    listing = look_up.listing(data_md5) if data_md5 and data_md5.endswith(_DIRECTORY) else None
    in_data = listing is not None and any(photo.md5 in listing for photo in photos)
    manifest = look_up.table(entries.get(paths.MANIFEST.as_posix()))
    known = set() if manifest is None else _known_names(manifest, photos, contents)
    if manifest is None and listing is None:
        traces.not_at_hand.append(revision)
    if not known and not in_data:
        return
    traces.revisions.append(revision)
    if data_md5:
        traces.data_md5s.add(data_md5)
    if md5 := entries.get(paths.MODEL.as_posix()):
        traces.models.setdefault(md5, []).append(revision)
        splits = look_up.table(entries.get(paths.SPLITS.as_posix()))
        if splits is None or _learnt_from(splits, known or names):
            traces.learnt.add(md5)


def _known_names(manifest: Any, photos: Sequence[KnownPhoto], contents: set[str]) -> set[str]:
    """Names in a manifest of the photos, by content where that is known, else by name."""
    has_content = CONTENT_HASH in manifest
    by_name = {photo.file_name for photo in photos if not (has_content and photo.content_hash)}
    rows = manifest[FILE_NAME].isin(by_name)
    if has_content:
        rows |= manifest[CONTENT_HASH].isin(contents)
    return {*manifest.loc[rows, FILE_NAME]}


def _learnt_from(splits: Any, names: set[str]) -> bool:
    """Whether a model, or with cross-calibration one of its folds' models, learnt from one of the photos."""
    rows = splits[splits[FILE_NAME].isin(names)]
    return bool((rows[SPLIT] == TRAIN).any() or (FOLD in rows and (rows[FOLD] != "").any()))


def _copies(manifest: Any, names: set[str]) -> list[str]:
    if DUPLICATE_GROUP not in manifest:
        return []
    is_meant = manifest[FILE_NAME].isin(names)
    same = manifest[manifest[DUPLICATE_GROUP].isin(manifest.loc[is_meant, DUPLICATE_GROUP]) & ~is_meant]
    return [*same[FILE_NAME]]


def _locks() -> Iterator[tuple[str, str]]:
    """The workspace's dvc.lock, and that of each commit of any branch, tag or experiment that changed it."""
    if paths.DVC_LOCK.is_file():
        yield "workspace", paths.DVC_LOCK.read_text(encoding="utf-8")
    named = dict(_experiments())
    for commit in (git("log", "--all", "--format=%H", "--", paths.DVC_LOCK.as_posix()) or "").split():
        if text := git("show", f"{commit}:./{paths.DVC_LOCK.as_posix()}"):
            yield named.get(commit, commit[:7]), text


def _experiments() -> list[tuple[str, str]]:
    """The commit of each DVC experiment and its name, but for what the queue keeps for itself."""
    listed = (git("for-each-ref", "--format=%(objectname) %(refname)", "refs/exps") or "").splitlines()
    found = [line.split(" ", 1) for line in listed]
    return [
        (commit, ref.split("/")[-1]) for commit, ref in found if ref.count("/") == 4 and "/celery/" not in ref
    ]


def _entries(text: str) -> dict[str, str]:
    """The md5 of each path in a dvc.lock."""
    stages = (yaml.safe_load(text) or {}).get("stages", {})
    return {
        entry["path"]: entry["md5"]
        for stage in stages.values()
        for entry in (*stage.get("deps", []), *stage.get("outs", []))
        if entry.get("md5")
    }


def _texts() -> list[Path]:
    """Tables and reports of the workspace; pictures may show anybody and are made anew with them."""
    kinds = ("*.csv", "*.md", "*.html", "*.jsonl")
    folders = (Path("reports"), paths.SPLITS.parent)
    return sorted(path for folder in folders for kind in kinds for path in folder.rglob(kind))


def _names_any(path: Path, names: Iterable[str], contents: Iterable[str]) -> bool:
    """Whether a text has one of the names, whole and not as the end of another one, or a content's hash."""
    wanted = "|".join(map(re.escape, (*names, *contents)))
    text = path.read_text(**ENCODING)
    return bool(re.search(rf"(?<![\w./-])(?:{wanted})(?![\w-]|\.\w)", text))
