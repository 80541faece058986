"""Training folders: loose photos, packed ones, or packed ones in an object store, read the same way."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from shopper_age.data.shards.manifest import (
    INDEX_FILE,
    SHARD_NAMES,
    SHARDS_FILE,
    DamagedShardError,
    damaged,
    file_sha256,
    read_manifest,
)
from shopper_age.data.shards.photos import PackedPhoto, PackedPhotos
from shopper_age.data.shards.remote import RemoteFolder
from shopper_age.data.tables import PHOTO_FOLDER
from shopper_age.runtime.object_store import is_url

# A photo as a file: `open("rb")`, `read_bytes()`, `is_file()`, `stat()`, `suffix`.
PhotoFile: TypeAlias = Path | PackedPhoto


@dataclass(frozen=True)
class FacesFolder:
    """A training folder: `path` has its labels.csv, and `photos / file_name` is a photo, loose or packed."""

    path: Path
    photos: Path | PackedPhotos


def open_folder(data_path: str | Path) -> FacesFolder:
    """The training folder that data_path names: a folder with labels.csv and final_files/ or with shards, or
    the address of one with shards in an object store.

    Nothing is said of loose photos that are not there.

    Raises:
        FileNotFoundError: there is nothing packed at this address.
        DamagedShardError: the folder was packed, and is not as it was.
        ObjectStoreError: the object store cannot be reached or refuses.
    """
    if is_url(data_path):
        return _open_remote(str(data_path).rstrip("/"))
    path = Path(data_path)
    if (manifest := path / SHARDS_FILE).is_file():
        return _open_packed(path, path.absolute(), manifest.stat().st_mtime_ns)
    if (path / SHARD_NAMES.format(0)).is_file():
        raise DamagedShardError(
            f"{path} is not packed to its end ({SHARDS_FILE} is missing): run the same `shopper-age pack` "
            "again, which goes on from there"
        )
    return FacesFolder(path, path / PHOTO_FOLDER)


@lru_cache(maxsize=4)
def _open_packed(path: Path, *_: object) -> FacesFolder:
    """A packed folder; the further arguments tell it from others of the same name."""
    manifest = read_manifest(path / SHARDS_FILE)
    for name, sha256 in manifest.files.items():
        if not (path / name).is_file() or file_sha256(path / name) != sha256:
            raise damaged(path, name, f"it is not the one that was packed, which {SHARDS_FILE} describes")
    names = [shard.name for shard in manifest.shards]
    return FacesFolder(
        path, PackedPhotos(str(path), manifest, path / INDEX_FILE, lambda number: path / names[number])
    )


@lru_cache(maxsize=4)
def _open_remote(url: str) -> FacesFolder:
    remote = RemoteFolder(url)
    index = remote.folder / INDEX_FILE
    return FacesFolder(remote.folder, PackedPhotos(url, remote.manifest, index, remote.shard_path))
