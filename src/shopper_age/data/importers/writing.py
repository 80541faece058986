"""Import of a public set: its photos and labels.csv as the pipeline takes them.

Photos are hard links where the disk allows it, else copies; never symbolic links, which DVC does not follow.
labels.csv is written last and whole, so that an import that was stopped is no data set yet; the same command
goes on with it. What is known of an import stands in a hidden file beside the folder.
"""

import filecmp
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from shopper_age.data.importers.formats import find_format
from shopper_age.data.importers.records import Box, Options, Record, Skip, is_utf8
from shopper_age.data.tables import FILE_NAME, LABELS_FILE, REAL_AGE, photo_path
from shopper_age.runtime.files import replacing, write_csv, write_json
from shopper_age.runtime.hashing import file_md5
from shopper_age.runtime.messages import shorten

SKIPPED_FILE = "skipped.csv"

_JPEG_QUALITY = 95


@dataclass(frozen=True)
class Import:
    """What an import did."""

    labels: pd.DataFrame  # labels.csv as it was written
    skipped: pd.DataFrame  # skipped.csv: file_name, reason
    n_linked: int
    n_copied: int  # or cut out
    n_kept: int  # were there from an earlier run


def import_photos(
    format_name: str, source: Path, target: Path, *, options: Options, copy: bool = False
) -> Import:
    """Reads a set in one of `FORMATS` and writes labels.csv, final_files/ and skipped.csv into `target`.

    Args:
        copy: copies photos where they could be linked: a change of one is then none of the other.

    Raises:
        FileNotFoundError: there is no such folder, or it does not hold such a set.
        ValueError: the format or an option is unknown, a table cannot be read, no photo can be taken, or
            `target` holds something else than an earlier import of the same set; nothing is changed then.
    """
    found = find_format(format_name, options)
    if not source.is_dir():
        raise FileNotFoundError(f"{source} is no folder: name the folder with the unpacked set.")
    source = Path(os.path.realpath(source))
    identity = {"format": format_name, "source": str(source), **asdict(options)}
    _check_apart(source, target)
    _check_target(target, identity)

    records, skipped = _read(found.read(source, options))
    if not records:
        raise ValueError(
            f"no photo of {source} can be taken as {format_name}: {_first_reasons(skipped)}. Is it that set?"
        )
    target.mkdir(parents=True, exist_ok=True)
    _write_state(target, identity)
    counts = {"linked": 0, "copied": 0, "kept": 0}
    taken = []
    for record in tqdm(records, desc="photos", unit="photo", disable=None):
        try:
            counts[_place(record, photo_path(target, record.file_name), copy=copy)] += 1
        except _UnreadablePhotoError as error:
            skipped.append(Skip(record.file_name, str(error)))
        else:
            taken.append(record)
    if not taken:
        raise ValueError(f"no photo of {source} could be cut: {_first_reasons(skipped)}.")
    labels = _labels(taken)
    names = [skip.name.encode(errors="backslashreplace").decode() for skip in skipped]
    reasons = [skip.reason for skip in skipped]
    left_out = pd.DataFrame({FILE_NAME: names, "reason": reasons}, dtype="str")
    write_csv(target / SKIPPED_FILE, left_out)
    with replacing(target / LABELS_FILE) as temporary:
        write_csv(temporary, labels, guarded=False)
        _write_state(target, identity, temporary)
    return Import(labels, left_out, counts["linked"], counts["copied"], counts["kept"])


class _UnreadablePhotoError(Exception):
    """A photo cannot be cut; the message is the reason to skip it."""


def _check_apart(source: Path, target: Path) -> None:
    place = Path(os.path.realpath(target))
    if place.is_relative_to(source) or source.is_relative_to(place):
        raise ValueError(
            f"{target} and {source} lie in one another: import into another folder, such as data/faces"
        )


def _check_target(target: Path, identity: Mapping[str, Any]) -> None:
    """Raises ValueError unless the target is new, empty, or an import of the same that nobody changed."""
    if target.exists() and not target.is_dir():
        raise ValueError(f"{target} is a file: name a folder")
    if not target.exists() or not any(target.iterdir()):
        return
    elsewhere = "Name another folder, or move this one away."
    try:
        state = json.loads(_state_path(target).read_text(encoding="utf-8"))
        known = list(state["labels_md5"])
    except (OSError, ValueError, KeyError, TypeError):
        raise ValueError(
            f"{target} is not empty, and no import is known to have filled it. {elsewhere}"
        ) from None
    if differing := [name for name in identity if state.get(name) != identity[name]]:
        told = ", ".join(f"{name} {shorten(state.get(name))}" for name in differing)
        raise ValueError(f"{target} holds another import ({told}). {elsewhere}")
    labels = target / LABELS_FILE
    if labels.exists() and file_md5(labels) not in known:
        raise ValueError(f"{labels} was changed after it was imported, and would be overwritten. {elsewhere}")


def _write_state(target: Path, identity: Mapping[str, Any], *new: Path) -> None:
    """Notes the import with the labels.csv that is there and the one about to replace it."""
    labels = [path for path in (target / LABELS_FILE, *new) if path.exists()]
    write_json(_state_path(target), {**identity, "labels_md5": [file_md5(path) for path in labels]})


def _state_path(target: Path) -> Path:
    """Beside the folder, whose hash shall not depend on where the set lay."""
    target = target.absolute()
    return target.with_name(f".{target.name}.import.json")


def _read(found: Iterator[Record | Skip]) -> tuple[list[Record], list[Skip]]:
    """The photos to take, a repeated row once, and all that is left out."""
    records: list[Record] = []
    skipped: list[Skip] = []
    known: dict[str, list[Record]] = {}
    for item in found:
        if isinstance(item, Skip):
            skipped.append(item)
        elif not is_utf8(item.file_name):
            skipped.append(Skip(item.file_name, "its name is not UTF-8: rename it"))
        elif item in known.setdefault(item.file_name, []):
            skipped.append(Skip(item.file_name, "the row repeats an earlier one"))
        else:
            known[item.file_name].append(item)
            records.append(item)
    return records, skipped


def _first_reasons(skipped: list[Skip]) -> str:
    if not skipped:
        return "it has no rows"
    return "; ".join(f"{shorten(name)}: {reason}" for name, reason in skipped[:3])


def _place(record: Record, place: Path, *, copy: bool) -> str:
    """Puts a photo into its place and says how: linked, copied or kept.

    Raises:
        ValueError: another photo lies there.
        _UnreadablePhotoError: it should be cut, but cannot be.
    """
    source = Path(os.path.realpath(record.source))  # a link is never imported as a link
    if place.exists():
        if record.box or place.samefile(source) or filecmp.cmp(source, place, shallow=False):
            return "kept"
        raise ValueError(
            f"{place} differs from {source}, of which it was imported. Move it away to have it imported anew."
        )
    place.parent.mkdir(parents=True, exist_ok=True)
    if record.box:
        _cut(source, record.box, place)
        return "copied"
    if not copy:
        try:
            os.link(source, place)
            return "linked"
        except OSError:  # another disk, or one without links; what is really wrong, copying says too
            pass
    with replacing(place) as temporary:
        shutil.copyfile(source, temporary)
    return "copied"


def _cut(source: Path, box: Box, place: Path) -> None:
    """Saves a part of a photo, kept inside it, as JPEG."""
    from PIL import Image, ImageOps

    try:
        with Image.open(source) as image:
            photo = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise _UnreadablePhotoError("the photo cannot be opened") from None
    left, top = max(box[0], 0), max(box[1], 0)
    right, bottom = min(box[2], photo.width), min(box[3], photo.height)
    if left >= right or top >= bottom:
        raise _UnreadablePhotoError("the face lies outside the photo")
    with replacing(place) as temporary:
        photo.crop((left, top, right, bottom)).save(temporary, "JPEG", quality=_JPEG_QUALITY)


def _labels(records: list[Record]) -> pd.DataFrame:
    """labels.csv of the records; a further column without a filled cell is left out."""
    names = dict.fromkeys(name for record in records for name, cell in record.attributes.items() if cell)
    columns = {
        FILE_NAME: [record.file_name for record in records],
        REAL_AGE: [record.real_age for record in records],
        **{name: [record.attributes.get(name, "") for record in records] for name in names},
    }
    return pd.DataFrame(columns, dtype="str")
