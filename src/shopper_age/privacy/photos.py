"""Photos of a data folder by name or path, and their removal with their rows."""

import csv
import hashlib
import os
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from shopper_age.data.folders import open_folder
from shopper_age.data.tables import FILE_NAME, LABELS_FILE, PHOTO_FOLDER, photo_path, read_labels
from shopper_age.runtime.files import replacing
from shopper_age.runtime.hashing import file_md5
from shopper_age.runtime.messages import shorten_list
from shopper_age.validation.labels import plain_names
from shopper_age.validation.photos import list_photos


@dataclass(frozen=True)
class KnownPhoto:
    """A photo that labels.csv names or that lies in the photo folder."""

    file_name: str  # counted from the photo folder, as it lies there
    rows: tuple[int, ...]  # lines of labels.csv where its rows begin, counted from 1
    path: Path | None  # None where there is no such file, or it lies outside of the photo folder
    md5: str | None  # of the content: DVC's name of the file
    content_hash: str | None  # of the content, as in the manifest
    link_target: Path | None = None  # where the file is a link
    n_links: int = 1  # names that the disk knows the file by


def find_photos(data_path: str | Path, wanted: Iterable[str]) -> list[KnownPhoto]:
    """The photos that are meant, each once, in the order in which they are named first.

    Args:
        wanted: names as in labels.csv, or paths of files in the photo folder.

    Raises:
        FileNotFoundError: there is no labels.csv.
        ValueError: labels.csv is no table, or some are unknown; the message lists them. Or the photos are
            packed, of which single ones cannot be taken out.
    """
    if not isinstance(open_folder(data_path).photos, Path):
        raise ValueError(
            f"{data_path} is packed, and a shard keeps all its photos: nothing was removed. Set data_path in "
            "params.yaml to the folder that it was packed from, forget the photos there, pack it into a new "
            "folder, and delete this one"
        )
    data_path = Path(data_path)
    labels = read_labels(data_path)
    rows: dict[str, list[int]] = {}
    on_disk = {_composed(name): name for name in list_photos(data_path)}
    for line, name in plain_names(labels[FILE_NAME].str.strip()).items():
        rows.setdefault(on_disk.get(_composed(name), name), []).append(line)
    known = {_composed(name): name for name in (*rows, *on_disk.values()) if name}
    names = {text: _name_of(text, data_path, known) for text in wanted}
    if unknown := [text for text, name in names.items() if name is None]:
        raise ValueError(
            f"{Path(data_path, LABELS_FILE)} and {Path(data_path, PHOTO_FOLDER)} know no "
            f"{shorten_list(unknown)}: nothing was removed. Pass names as they stand there, or paths"
        )
    found = dict.fromkeys(name for name in names.values() if name is not None)
    return [_photo(data_path, name, rows.get(name, [])) for name in found]


def remove_photos(data_path: Path, photos: Sequence[KnownPhoto]) -> None:
    """Removes the photos' rows from labels.csv, every other byte of which stays, and then their files.

    A file that is a link, into DVC's cache for instance, is taken out of the folder; what it leads to stays.
    """
    lines = {row for photo in photos for row in photo.rows}
    if lines:
        _remove_rows(Path(data_path, LABELS_FILE), lines)
    for photo in photos:
        if photo.path is not None:
            photo.path.unlink(missing_ok=True)


def _remove_rows(path: Path, rows: set[int]) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(file)
    reader = csv.reader(lines, strict=True)
    next(reader)
    end = reader.line_num
    kept = lines[:end]
    for _ in reader:  # a quoted cell may span lines
        if end + 1 not in rows:
            kept += lines[end : reader.line_num]
        end = reader.line_num
    with replacing(
        path
    ) as unfinished:  # a new file in its place: a link into the cache is not written through
        unfinished.write_text("".join(kept), encoding="utf-8", newline="")


def _name_of(text: str, data_path: Path, known: dict[str, str]) -> str | None:
    """The photo's name in the spelling of the folder; None where no such photo is known."""
    folder = os.path.abspath(Path(data_path, PHOTO_FOLDER))  # noqa: PTH100 - links stay as they are
    path = os.path.abspath(text)  # noqa: PTH100
    real = str(Path(os.path.realpath(Path(path).parent), Path(path).name))
    candidates = [os.path.normpath(text)]
    candidates += [
        os.path.relpath(place, root)
        for place, root in ((path, folder), (real, os.path.realpath(folder)))
        if place.startswith(root + os.sep)
    ]
    names = (_composed(candidate.replace(os.sep, "/")) for candidate in candidates)
    return next((known[name] for name in names if name in known), None)


def _composed(name: str) -> str:
    """The name in one Unicode form, for archives made on a Mac spell accents otherwise."""
    return unicodedata.normalize("NFC", name)


def _photo(data_path: Path, name: str, rows: Sequence[int]) -> KnownPhoto:
    path = photo_path(data_path, name)
    is_inside = ".." not in PurePosixPath(name).parts and not PurePosixPath(name).is_absolute()
    if not is_inside or not (path.is_symlink() or path.is_file()):
        return KnownPhoto(name, tuple(rows), None, None, None)
    target = Path(os.path.realpath(path)) if path.is_symlink() else None
    if not path.is_file():  # a link to nothing
        return KnownPhoto(name, tuple(rows), path, None, None, target)
    with path.open("rb") as file:
        content = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).hexdigest()
    n_links = 1 if target else path.stat().st_nlink
    return KnownPhoto(name, tuple(rows), path, file_md5(path), content, target, n_links)
