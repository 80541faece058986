"""A stage on rows without photos; what opening the photos would have told was made up beforehand.

    python benchmarks/tables_only.py STAGE HASHES.npy

Only the opening is replaced: everything that a stage does with the rows, reads and writes is its own. `eda`
shows grey squares on its contact sheet.
"""

import runpy
import sys
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from project import ROOT


def _without_inspection(hashes: np.ndarray) -> Any:
    """Replaces the opening of photos in validate_data while it is entered."""
    from shopper_age.data.tables import FILE_NAME, HEIGHT, MODE, N_BYTES, WIDTH, read_labels
    from shopper_age.validation.photos import Inspection

    def inspect_photos(_: Path, file_names: Sequence[str], **__: Any) -> Inspection:
        numbers = np.arange(len(file_names))
        texts = pd.DataFrame({"rule": "", "detail": "", MODE: "RGB"}, index=numbers, dtype="str")
        measures = {WIDTH: 200, HEIGHT: 200, N_BYTES: 5000 + numbers % 4000, "content": numbers}
        return Inspection(texts.assign(**measures), hashes)

    def list_photos(data_path: Path) -> list[str]:
        return sorted(read_labels(data_path)[FILE_NAME])

    replaced = ExitStack()
    replaced.enter_context(patch("shopper_age.validation.photos.inspect_photos", inspect_photos))
    replaced.enter_context(patch("shopper_age.validation.checks.list_photos", list_photos))
    return replaced


def _without_previews() -> Any:
    """Replaces the opening of photos in eda while it is entered."""
    from shopper_age.eda.summary import PREVIEW_SIDE_PX

    grey = np.full((PREVIEW_SIDE_PX, PREVIEW_SIDE_PX, 3), 128, np.uint8)
    return patch("shopper_age.eda.summary.read_preview", lambda _: grey)


def main() -> None:
    stage, hashes_path = sys.argv[1:]
    replaced: Any = nullcontext()
    if stage == "validate_data":
        replaced = _without_inspection(np.load(hashes_path))
    elif stage == "eda":
        replaced = _without_previews()
    sys.argv = [str(ROOT / "stages" / f"{stage}.py")]
    with replaced:
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
