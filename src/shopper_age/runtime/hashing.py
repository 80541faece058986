"""Hashes of files and settings, equal on every machine."""

import hashlib
import json
from pathlib import Path
from typing import Any


def file_md5(path: str | Path) -> str:
    """The md5 of the file's bytes, 32 hex digits: DVC's name for a file, no seal against forgery."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def content_key(*parts: Any) -> str:
    """16 hex digits that change when any part changes.

    A part is anything JSON can hold, nested as it likes (keys in any order, NaN refused), where a `Path`
    stands for the content of that file: a renamed file keeps the key, an edited one changes it.

    Raises:
        FileNotFoundError: a `Path` names no file.
        TypeError: a part is neither JSON nor a `Path`.
    """
    text = json.dumps(parts, sort_keys=True, allow_nan=False, default=_by_content)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _by_content(value: Any) -> dict[str, str]:
    if isinstance(value, Path):
        return {"md5 of file": file_md5(value)}
    raise TypeError(f"content_key takes JSON values and Paths, not {type(value).__name__} ({value!r})")
