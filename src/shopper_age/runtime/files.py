"""Files written whole or not at all: made beside their place and renamed into it."""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shopper_age.runtime.csv_tables import ENCODING, read_table, write_table
from shopper_age.runtime.progress import with_progress

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`, with its suffix, that takes its place when the block ends well.

    Missing folders are made. When the block raises, `path` stays as it was and nothing is left behind.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())  # mkstemp made it private
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, content: Mapping[str, Any]) -> None:
    """Writes JSON with one key per line, so that Git and DVC show what changed; NaN is refused."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(path: str | Path, table: "pd.DataFrame", *, guarded: bool = True) -> None:
    """Writes a table, as `csv_tables` says; only a labels.csv, which is the user's own, stays unguarded."""
    with replacing(path) as temporary, temporary.open("w", newline="", **ENCODING) as file:
        write_table(file, table, guarded=guarded)


def read_csv(
    path: str | Path, types: Mapping[str, type | str] | None = None, *, other: type | str = str
) -> "pd.DataFrame":
    """The table that `write_csv` wrote; `types` and `other` as in `csv_tables.read_table`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no table of this project; the message names it.
    """
    with Path(path).open(newline="", **ENCODING) as file:
        try:
            return read_table(file, types, other=other)
        except ValueError as error:
            raise ValueError(f"{path} is not as this project writes it: {error}") from None


def save_figure(path: str | Path, figure: "Figure") -> None:
    """Saves a PNG without the date and version that would change its hash."""
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=120, bbox_inches="tight", metadata={"Software": None})


def save_picture(path: str | Path, pixels: "np.ndarray") -> None:
    """Saves uint8 RGB of shape (height, width, 3) as PNG."""
    from PIL import Image

    with replacing(path) as temporary:
        Image.fromarray(pixels).save(temporary)


def write_files(folder: str | Path, contents: Mapping[str, Any]) -> None:
    """Writes each content into the file of its name: a table, a figure, text, a mapping or uint8 RGB pixels.

    What a content can do tells its kind, so that nobody imports pandas or Matplotlib for this.

    Raises:
        TypeError: a content is none of these.
    """
    for name, content in with_progress(contents.items(), "writing", len(contents), "files"):
        path = Path(folder, name)
        if isinstance(content, str):
            write_text(path, content)
        elif isinstance(content, Mapping):
            write_json(path, content)
        elif hasattr(content, "to_csv"):
            write_csv(path, content)
        elif hasattr(content, "savefig"):
            save_figure(path, content)
        elif hasattr(content, "__array_interface__"):
            save_picture(path, content)
        else:
            raise TypeError(
                f"{path} cannot be written: {type(content).__name__} is no table, figure, text, "
                "mapping or picture"
            )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
