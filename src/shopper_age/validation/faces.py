"""Faces on the usable photos, counted: photos that show none, or several."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from shopper_age.data.folders import open_folder
from shopper_age.data.photos import read_photo
from shopper_age.data.tables import FILE_NAME
from shopper_age.detection.face import Detector
from shopper_age.runtime.progress import progress_bar
from shopper_age.runtime.threads import in_threads
from shopper_age.validation.rules import NO_FACE, SEVERAL_FACES, findings

# Between two steps of the progress bar.
_PHOTOS_PER_PORTION = 64


def load_detector() -> Detector:
    """The detector that `shopper-age prepare` and the till use.

    Raises:
        ValueError: it is not installed.
    """
    try:
        from shopper_age.detection.mtcnn import Mtcnn

        return Mtcnn()
    except ModuleNotFoundError as error:
        raise ValueError(
            f"validate_data.count_faces finds no detector ({error}): install it, or set false"
        ) from None


def face_findings(data_path: str | Path, manifest: pd.DataFrame, detector: Detector) -> pd.DataFrame:
    """A finding for each photo of a manifest, indexed by line, on which not exactly one face is found.

    Raises:
        ValueError: a photo cannot be read any more.
    """
    folder, names = open_folder(data_path).photos, manifest[FILE_NAME].tolist()
    n_faces = np.zeros(len(names), np.int64)

    def count(number: int) -> None:
        n_faces[number] = len(detector.find(read_photo(folder / names[number])))

    def count_from(start: int) -> Callable[[int], None]:
        return lambda number: count(start + number)

    with progress_bar("counting faces", len(names)) as advance:
        for start in range(0, len(names), _PHOTOS_PER_PORTION):
            portion = range(start, min(start + _PHOTOS_PER_PORTION, len(names)))
            in_threads(count_from(start), len(portion))
            advance(len(portion))
    none, several = manifest[FILE_NAME][n_faces == 0], manifest[FILE_NAME][n_faces > 1]
    told = [f"{n} faces" for n in n_faces[n_faces > 1]]
    return pd.concat([findings(NO_FACE, none, ""), findings(SEVERAL_FACES, several, told)])
