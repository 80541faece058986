"""The manifest of a packed folder: its files and shards with their counts and checksums."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shopper_age.runtime.files import write_json

# A folder with this file is a packed one.
SHARDS_FILE = "shards.json"

# Where each photo lies: columns file_name, shard (its number), offset and n_bytes, sha256 (of the photo).
INDEX_FILE = "index.parquet"

SHARD_NAMES = "photos-{:05d}.tar"

_FORMAT = "photos in tar shards, 1"


class DamagedShardError(ValueError):
    """A packed folder is not as it was packed."""


@dataclass(frozen=True)
class Shard:
    """A tar file of photos: a photo and, under the same number, a JSON with its name, checksum and labels."""

    name: str
    n_photos: int
    n_bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a packed folder holds: `files` are the SHA-256 of the others, by name."""

    files: Mapping[str, str]
    shards: tuple[Shard, ...]

    @property
    def n_photos(self) -> int:
        """The photos of all shards."""
        return sum(shard.n_photos for shard in self.shards)


def file_sha256(path: Path) -> str:
    """The SHA-256 of the file's bytes, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    write_json(
        folder / SHARDS_FILE,
        {
            "format": _FORMAT,
            "n_photos": manifest.n_photos,
            "files": dict(manifest.files),
            "shards": [asdict(shard) for shard in manifest.shards],
        },
    )


def read_manifest(path: Path, *, place: str = "") -> Manifest:
    """The manifest in a file; `place` is how errors call it.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedShardError: it is not as `shopper-age pack` writes it.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["format"] != _FORMAT:
            raise ValueError(f"its format is {told['format']!r}")
        manifest = Manifest(dict(told["files"]), tuple(Shard(**shard) for shard in told["shards"]))
        if told["n_photos"] != manifest.n_photos or INDEX_FILE not in manifest.files:
            raise ValueError("its parts do not belong together")
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedShardError(
            f"{place or path} is not as `shopper-age pack` writes it ({error}): pack the photos again, or "
            "bring the folder back from where it is kept"
        ) from None
    return manifest


def damaged(folder: Any, name: str, why: str) -> DamagedShardError:
    """An error that names a file of a packed folder and what to do."""
    return DamagedShardError(
        f"{name} of {folder} is damaged ({why}): delete it and run the same `shopper-age pack` again, which "
        f"makes it anew, or bring it back by `dvc checkout` or from where the packed folder is kept"
    )
