"""Packed folders in object stores: what is read of them is kept on this machine, as it was packed."""

import hashlib
from collections import defaultdict
from pathlib import Path
from threading import Lock

from shopper_age.data.shards.manifest import SHARDS_FILE, Manifest, damaged, file_sha256, read_manifest
from shopper_age.runtime.checkout import project_root
from shopper_age.runtime.files import replacing
from shopper_age.runtime.object_store import read_object, save_object

# In the user's checkout. May be deleted whenever nothing runs: it is fetched again.
_KEPT_IN = ".shards"


class RemoteFolder:
    """A packed folder at an address: `folder` has all but its shards, which are fetched when they are read.

    Each file is checked against the manifest when it arrives, and kept under its checksum: a folder that has
    grown is fetched only where it has.

    Raises:
        FileNotFoundError: there is no packed folder at the address.
        DamagedShardError: what lies there is not what was packed.
        ObjectStoreError: the store cannot be reached or refuses.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._kept = project_root() / _KEPT_IN
        self._locks: defaultdict[int, Lock] = defaultdict(Lock)
        self.folder, self.manifest = self._fetched()

    def shard_path(self, number: int) -> Path:
        """The file of a shard, fetched where it is not kept yet."""
        shard = self.manifest.shards[number]
        path = self._kept / f"{shard.sha256}.tar"
        if not path.is_file():
            with self._locks[number]:
                self._fetch(shard.name, path, shard.sha256)
        return path

    def _fetched(self) -> tuple[Path, Manifest]:
        try:
            told = read_object(self._url, SHARDS_FILE)
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"{error}: data_path may be the address of a folder that `shopper-age pack` has made and "
                "that was copied there whole"
            ) from None
        folder = self._kept / hashlib.sha256(told).hexdigest()[:16]
        with replacing(folder / SHARDS_FILE) as unfinished:
            unfinished.write_bytes(told)
        manifest = read_manifest(folder / SHARDS_FILE, place=f"{self._url}/{SHARDS_FILE}")
        for name, sha256 in manifest.files.items():
            self._fetch(name, folder / name, sha256)
        return folder, manifest

    def _fetch(self, name: str, path: Path, sha256: str) -> None:
        if path.is_file():
            return
        with replacing(path) as unfinished:
            save_object(self._url, name, unfinished)
            if file_sha256(unfinished) != sha256:
                raise damaged(self._url, name, "its checksum is not that of shards.json")
