"""Runs a stage on rows without photos; what opening the photos would have told was made up beforehand.

    python benchmarks/rows_alone.py STAGE HASHES.npy

Only the opening is replaced: everything that a stage does with the rows, reads and writes is its own. `eda`
shows grey squares on its contact sheet.
"""

import runpy
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

STAGES = Path(__file__).parents[1] / "stages"


def _replace_inspection(hashes: np.ndarray) -> None:
    from shopper_age.data.tables import FILE_NAME, HEIGHT, MODE, N_BYTES, WIDTH, read_labels
    from shopper_age.validation import checks as validation
    from shopper_age.validation.photos import Inspection

    def inspect_photos(_: Path, file_names: Sequence[str], **__: Any) -> Inspection:
        numbers = np.arange(len(file_names))
        texts = pd.DataFrame({"rule": "", "detail": "", MODE: "RGB"}, index=numbers, dtype="str")
        measures = {WIDTH: 200, HEIGHT: 200, N_BYTES: 5000 + numbers % 4000, "content": numbers}
        return Inspection(texts.assign(**measures), hashes)

    validation.validate = partial(validation.validate, inspect=inspect_photos)
    validation.list_photos = lambda data_path: sorted(read_labels(data_path)[FILE_NAME])


def _replace_previews() -> None:
    from shopper_age.eda import summary as eda

    eda.read_preview = lambda _: np.full((eda.PREVIEW_SIDE_PX,) * 2 + (3,), 128, np.uint8)


def main() -> None:
    stage, hashes_path = sys.argv[1:]
    if stage == "validate_data":
        _replace_inspection(np.load(hashes_path))
    elif stage == "eda":
        _replace_previews()
    sys.argv = [str(STAGES / f"{stage}.py")]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
