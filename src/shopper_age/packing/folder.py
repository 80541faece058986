"""A packed folder, made from a training folder of loose photos."""

import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from shopper_age.data.shards.manifest import (
    INDEX_FILE,
    SHARD_NAMES,
    SHARDS_FILE,
    Manifest,
    Shard,
    file_sha256,
    write_manifest,
)
from shopper_age.data.tables import FACES_FILE, FILE_NAME, LABELS_FILE, PHOTO_FOLDER, read_labels
from shopper_age.packing.shard import Packed, ShardWriter, read_shard
from shopper_age.runtime.files import replacing, write_csv
from shopper_age.runtime.progress import progress_bar
from shopper_age.runtime.threads import in_threads
from shopper_age.validation.labels import is_given, names_on_disk, plain_names, stays_inside
from shopper_age.validation.photos import list_photos

LEFT_OUT_FILE = "left_out.csv"

_ALL_SHARDS = SHARD_NAMES.replace("{:05d}", "*")

# What a killed process left half written.
_UNFINISHED = (".photos-", ".index-", ".labels-", ".faces-", ".left_out-", ".shards-")

# What may lie in the folder besides shards.
_OTHER_FILES = (SHARDS_FILE, INDEX_FILE, LABELS_FILE, FACES_FILE, LEFT_OUT_FILE, ".gitignore")

_GIB = 2**30


@dataclass(frozen=True)
class Packing:
    """What came of it: the manifest, how many of its shards were there already, and the photos left out."""

    manifest: Manifest
    n_kept_shards: int
    n_unlabelled: int  # photos that no row names
    left_out: Mapping[str, str]  # why, by name


def pack(source: Path, target: Path, *, shard_bytes: int) -> Packing:
    """Packs the photos that labels.csv names into shards, in its order, beside all else that stages read.

    The target gets the shards, index.parquet (where each photo lies), labels.csv and faces.json as they are,
    left_out.csv with the photos that cannot be read or decoded, and shards.json, which comes last: without it
    the folder is not complete. A shard that is there already is compared with the photos and kept where it
    holds them: what was interrupted goes on, and a folder that has grown at its end gets new shards alone.

    Args:
        source: a folder with labels.csv and final_files/.
        target: a folder that is missing, empty or packed.
        shard_bytes: photos fill a shard up to this size.

    Raises:
        FileNotFoundError: `source` has no labels.csv or no photo folder.
        ValueError: labels.csv is no such table, no photo can be packed, or the target holds something else.
        OSError: the disk has not the space, or a file cannot be written.
    """
    if (source / SHARDS_FILE).is_file():
        raise ValueError(f"{source} is packed already: name the folder of the loose photos")
    labels, on_disk = read_labels(source), list_photos(source)
    rows = _rows_by_name(labels, on_disk)
    _check_target(target, source)
    folder = (source / PHOTO_FOLDER).resolve()
    sizes = _sizes(folder, list(rows))
    _check_space(target, sum(sizes.values()))
    (target / SHARDS_FILE).unlink(missing_ok=True)

    left_out: dict[str, str] = {}
    shards: list[Shard] = []
    places: list[pa.Table] = []
    first = n_kept = 0
    with progress_bar("packing", len(rows)) as advance:
        for names in _shares(sizes, shard_bytes):
            path = target / SHARD_NAMES.format(len(shards))
            cells = _cells(labels, {name: rows[name] for name in names})
            writer = ShardWriter(folder, cells, first, advance)
            is_kept = path.is_file() and writer.is_packed(path, names)
            if not is_kept:
                writer.write(path, names)
            found = list(read_shard(path))
            n_kept += is_kept
            first += len(names)
            left_out |= writer.problems
            places.append(_places(found, len(shards)))
            shards.append(Shard(path.name, len(found), path.stat().st_size, file_sha256(path)))
    if not sum(shard.n_photos for shard in shards):
        raise ValueError(f"no photo that {source / LABELS_FILE} names can be packed: {_example(left_out)}")
    for path in set(target.glob(_ALL_SHARDS)) - {target / shard.name for shard in shards}:
        path.unlink()
    manifest = Manifest(_write_files(source, target, places, left_out), tuple(shards))
    write_manifest(target, manifest)
    n_unlabelled = len(set(on_disk) - rows.keys())
    return Packing(manifest, n_kept, n_unlabelled, left_out)


def _rows_by_name(labels: pd.DataFrame, on_disk: list[str]) -> dict[str, list[int]]:
    """The positions of the rows that name each photo, by its name on the disk."""
    positions = np.flatnonzero(is_given(labels[FILE_NAME]) & stays_inside(labels[FILE_NAME]))
    files = names_on_disk(plain_names(labels[FILE_NAME].iloc[positions]), on_disk)
    rows = defaultdict(list)
    for file, position in zip(files, positions.tolist(), strict=True):
        rows[file].append(position)
    return rows


def _cells(labels: pd.DataFrame, positions: Mapping[str, list[int]]) -> dict[str, list[dict[str, str]]]:
    """The rows themselves, a dictionary each, by the name of the photo."""
    cells = iter(labels.iloc[[row for rows in positions.values() for row in rows]].to_dict("records"))
    return {name: [next(cells) for _ in rows] for name, rows in positions.items()}


def _check_target(target: Path, source: Path) -> None:
    if target.resolve() == source.resolve():
        raise ValueError(f"{target} is the folder to pack: name another for the shards")
    for path in sorted(target.iterdir() if target.is_dir() else ()):
        if path.name.startswith(_UNFINISHED):
            path.unlink()
        elif path.name not in _OTHER_FILES and not path.match(_ALL_SHARDS):
            raise ValueError(f"{target} holds something else ({path.name}): name a new folder")


def _sizes(folder: Path, names: list[str]) -> dict[str, int]:
    sizes = [0] * len(names)

    def measure(index: int) -> None:
        try:
            sizes[index] = (folder / names[index]).stat().st_size
        except OSError:
            return  # it is told when it is read

    in_threads(measure, len(names))
    return dict(zip(names, sizes, strict=True))


def _check_space(target: Path, n_bytes: int) -> None:
    there = sum(path.stat().st_size for path in target.glob(_ALL_SHARDS))
    place = next(path for path in (target.absolute(), *target.absolute().parents) if path.is_dir())
    free = shutil.disk_usage(place).free
    if n_bytes - there > free:
        raise OSError(
            f"{target} needs {(n_bytes - there) / _GIB:.1f} GiB, but the disk has {free / _GIB:.1f} GiB left"
        )


def _shares(sizes: Mapping[str, int], shard_bytes: int) -> Iterator[list[str]]:
    """The names of each shard: as many as fit, at least one."""
    names: list[str] = []
    total = 0
    for name, size in sizes.items():
        if names and total + size > shard_bytes:
            yield names
            names, total = [], 0
        names.append(name)
        total += size
    if names:
        yield names


def _places(found: list[Packed], shard: int) -> pa.Table:
    """The rows of the index for a shard."""
    return pa.table(
        {
            FILE_NAME: pa.array([photo.told[FILE_NAME] for photo in found], pa.string()),
            "shard": pa.array([shard] * len(found), pa.int32()),
            "offset": pa.array([photo.offset for photo in found], pa.int64()),
            "n_bytes": pa.array([photo.n_bytes for photo in found], pa.int64()),
            "sha256": pa.array([bytes.fromhex(photo.told["sha256"]) for photo in found], pa.binary(32)),
        }
    )


def _write_files(
    source: Path, target: Path, places: list[pa.Table], left_out: Mapping[str, str]
) -> dict[str, str]:
    """Writes what lies beside the shards; the checksums of what belongs to the manifest, by name."""
    with replacing(target / INDEX_FILE) as unfinished:
        pq.write_table(pa.concat_tables(places), unfinished)
    names = [INDEX_FILE]
    for name in (LABELS_FILE, FACES_FILE):
        (target / name).unlink(missing_ok=True)
        if (source / name).is_file():
            with replacing(target / name) as unfinished:
                shutil.copyfile(source / name, unfinished)
            names.append(name)
    (target / LEFT_OUT_FILE).unlink(missing_ok=True)
    if left_out:
        table = pd.DataFrame({FILE_NAME: list(left_out), "reason": list(left_out.values())})
        write_csv(target / LEFT_OUT_FILE, table)
    return {name: file_sha256(target / name) for name in names}


def _example(left_out: Mapping[str, str]) -> str:
    name, reason = next(iter(left_out.items()), ("", ""))
    return f"{name}: {reason}" if name else "it names none"
