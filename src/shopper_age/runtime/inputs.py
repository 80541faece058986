"""Inputs of a stage that are the user's: settings and data that must not change before it has ended.

DVC hashes settings and data after a stage. What is edited meanwhile would stand in dvc.lock as what the
results were made from, and stay "up to date" for good.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shopper_age.runtime.hashing import file_md5
from shopper_age.runtime.object_store import is_url, read_object

# In a packed folder; its photos are the shards.
_SHARDS_FILE = "shards.json"


class InputsChangedError(ValueError):
    """Settings or data were edited while a stage worked with them."""


class Inputs:
    """The settings and the data of a stage as they are now.

    Args:
        stage: its name in dvc.yaml, which tells the settings that it depends on.
        data_path: the folder of labels.csv and final_files or shards, where the stage reads them.
        kept: a sentence for the error on what is not lost.
    """

    def __init__(self, stage: str, data_path: str | Path | None = None, *, kept: str = "") -> None:
        self._stage = stage
        self._data_path = data_path
        self._kept = kept
        self._before = _inputs(stage, data_path)

    def check(self) -> None:
        """Returns while nothing has changed.

        Raises:
            InputsChangedError: something has.
        """
        before, now = self._before, _inputs(self._stage, self._data_path)
        changes = [
            f"{name} changed {_detail(before[name], now[name])}" for name in now if now[name] != before[name]
        ]
        if changes:
            raise InputsChangedError(
                f"{'; '.join(changes)}: results would stand for what they were not made from. {self._kept}"
                "Run `dvc repro` again"
            )


def _inputs(stage: str, data_path: str | Path | None) -> dict[str, Any]:
    found: dict[str, Any] = {"params.yaml": _settings(stage)}
    if isinstance(data_path, str) and is_url(data_path):
        found[f"{data_path}/{_SHARDS_FILE}"] = _object(data_path)
    elif data_path is not None:
        labels, photos = Path(data_path, "labels.csv"), Path(data_path, "final_files")
        if Path(data_path, _SHARDS_FILE).is_file():
            photos = Path(data_path)
        found |= {str(labels): _file(labels), str(photos): _photos(photos)}
    return found


def _detail(before: Any, now: Any) -> str:
    if isinstance(before, dict) and isinstance(now, dict):
        names = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
        return f"while this stage ran ({', '.join(names)})"
    if isinstance(before, _Photos) and isinstance(now, _Photos):
        n_files = f"{before.n:,} files" if before.n == now.n else f"{before.n:,} files before, {now.n:,} now"
        return f"while it was being read ({n_files}; the newest is {now.newest or 'missing'})"
    return "while it was being read"


def _settings(stage: str) -> Any:
    """Values of params.yaml, by their names with dots, that dvc.yaml gives the stage.

    A file that cannot be read, as half of one that is being saved, equals no other.
    """
    import yaml

    try:
        stages = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"]
        settings = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
        return dict(_leaves({name: settings.get(name) for name in stages[stage]["params"]}))
    except FileNotFoundError:
        return None
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        return str(error)


def _leaves(tree: dict[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _file(path: Path) -> tuple[int, int, str] | None:
    """Size, time and hash: within one tick of the clock time and size may stay."""
    try:
        told = path.stat()
        return told.st_size, told.st_mtime_ns, file_md5(path)
    except OSError:
        return None


def _object(url: str) -> str | None:
    """The hash of the manifest at an address, which has those of all shards."""
    try:
        return hashlib.sha256(read_object(url, _SHARDS_FILE)).hexdigest()
    except OSError:  # opening the folder is where that is told
        return None


@dataclass(frozen=True)
class _Photos:
    n: int
    newest_ns: int
    newest: str
    sum: int  # of the hashes of name, size and time of each, which tells an older photo put in place too


def _photos(folder: Path) -> _Photos:
    """All files of a folder, by name, size and time; hidden ones, which file managers leave, do not count."""
    n = newest_ns = total = 0
    newest = ""
    folders = [str(folder)]
    while folders:
        try:
            entries = os.scandir(folders.pop())
        except OSError:
            continue
        with entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                    continue
                try:
                    told = entry.stat()
                except OSError:  # a dangling link, or just removed
                    total += hash(entry.path)
                    continue
                n += 1
                total += hash((entry.path, told.st_size, told.st_mtime_ns))
                if told.st_mtime_ns >= newest_ns:
                    newest_ns, newest = told.st_mtime_ns, entry.name
    return _Photos(n, newest_ns, newest, total)
