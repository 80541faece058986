"""A training folder of face crops, made from a folder of photos with labels.csv."""

import json
import posixpath
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from shopper_age.data.photos import read_photo
from shopper_age.data.tables import FACES_FILE, FILE_NAME, LABELS_FILE, PHOTO_FOLDER, photo_path, read_labels
from shopper_age.detection.cropper import Cropper
from shopper_age.runtime.files import replacing, write_csv, write_json, write_text
from shopper_age.runtime.threads import in_threads

LEFT_OUT_FILE = "left_out.csv"

# A further column of labels.csv, by which errors are sliced.
EYE_DISTANCE = "eye distance (px)"

_LOG = ".prepared.jsonl"

_PHOTOS_PER_PORTION = 64

_JPEG_QUALITY = 95


@dataclass(frozen=True)
class Preparation:
    """What came of the photos of a folder: how many were cropped, already before or now, and left out why."""

    n_rows: int
    n_cropped: int
    n_resumed: int
    left_out: Counter[str]


def prepare(source: Path, target: Path, cropper: Cropper) -> Preparation:
    """Crops the one face of each photo that labels.csv names into a new folder of the same kind.

    The target gets final_files with the crops (JPEG), labels.csv with the rows that have one, all their
    columns and `EYE_DISTANCE`, left_out.csv with the others and why, and faces.json with how it was done.
    Photos whose face is not clear, because there is none, there are several or it is unfit, are left out.
    Interrupted, it goes on where it stopped; labels.csv comes last.

    Args:
        source: folder with labels.csv and final_files.
        target: a folder that is missing, empty, or was prepared in the same way.

    Raises:
        FileNotFoundError: `source` has no labels.csv.
        ValueError: the target holds something else, or two photos would get one name.
    """
    labels = read_labels(source)
    names = list(dict.fromkeys(labels[FILE_NAME].str.strip()))
    crops = _crop_names(names)
    _open_target(target, {"source": str(source), **how(cropper)})
    done = _read_log(target / _LOG)
    n_resumed = sum(name in done for name in names)
    waiting = [name for name in names if name not in done]
    with tqdm(total=len(names), initial=n_resumed, desc="faces", unit="photo", disable=None) as progress:
        for start in range(0, len(waiting), _PHOTOS_PER_PORTION):
            portion = waiting[start : start + _PHOTOS_PER_PORTION]
            found = _crop_portion(source, target, portion, crops, cropper)
            with (target / _LOG).open("a", encoding="utf-8") as log:
                log.writelines(_line(name, *told) for name, told in found.items())
            done |= found
            progress.update(len(portion))
    return _write_tables(target, labels, crops, done, n_resumed)


def how(cropper: Cropper) -> dict[str, Any]:
    """Detector, margin and limits of a cropper, as they stand in faces.json."""
    return {"detector": cropper.detector.name, "margin": cropper.margin, **asdict(cropper.limits)}


def _crop_names(names: list[str]) -> dict[str, str]:
    """The name of each photo's crop: its own, with .jpg behind it where it is no JPEG."""
    crops = {
        name: name if posixpath.splitext(name)[1].lower() in (".jpg", ".jpeg") else f"{name}.jpg"
        for name in names
    }
    twice = [crop for crop, n in Counter(crops.values()).items() if n > 1]
    if twice:
        raise ValueError(f"two photos of labels.csv would both become {twice[0]}: rename one of them")
    return crops


def _open_target(target: Path, told: dict[str, Any]) -> None:
    file = target / FACES_FILE
    if file.is_file():
        if json.loads(file.read_text(encoding="utf-8")) != told:
            raise ValueError(
                f"{target} was prepared from other photos or with other settings (see {file}): "
                "name a new folder, or delete this one"
            )
    elif target.is_dir() and any(target.iterdir()):
        raise ValueError(f"{target} is not empty and was not prepared from photos: name a new folder")
    (target / PHOTO_FOLDER).mkdir(parents=True, exist_ok=True)
    write_json(file, told)


def _read_log(path: Path) -> dict[str, tuple[float | None, str]]:
    """What is done already; what a kill left half written is taken out of the file."""
    if not path.is_file():
        return {}
    done = dict(_logged(path))
    write_text(path, "".join(_line(name, *told) for name, told in done.items()))
    return done


def _line(name: str, eye_distance: float | None, reason: str) -> str:
    return json.dumps([name, eye_distance, reason]) + "\n"


def _logged(path: Path) -> Iterator[tuple[str, tuple[float | None, str]]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            name, eye_distance, reason = json.loads(line)
        except ValueError:  # the line at which it was killed
            continue
        yield name, (eye_distance, reason)


def _crop_portion(
    source: Path, target: Path, names: list[str], crops: dict[str, str], cropper: Cropper
) -> dict[str, tuple[float | None, str]]:
    """The distance between the eyes where there is a crop now, or why there is none."""
    told: list[tuple[float | None, str]] = [(None, "")] * len(names)

    def crop(index: int) -> None:
        name = names[index]
        try:
            path = _inside(source / PHOTO_FOLDER, photo_path(source, name))
            pixels, eye_distance = _only_face(read_photo(path), cropper)
        except (ValueError, OSError) as error:
            told[index] = None, str(error)
            return
        _write_jpeg(target / PHOTO_FOLDER / crops[name], pixels)
        told[index] = eye_distance, ""

    in_threads(crop, len(names))
    return dict(zip(names, told, strict=True))


def _inside(folder: Path, path: Path) -> Path:
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError("unsafe_path")
    return path


def _only_face(photo: NDArray[np.uint8], cropper: Cropper) -> tuple[NDArray[np.uint8], float]:
    found = cropper.crops(photo)
    if not found:
        raise ValueError("no_face")
    if len(found) > 1:
        raise ValueError("several_faces")
    (face,) = found
    if face.problem is not None:
        raise ValueError(face.problem)
    return face.pixels, round(face.measured.eye_distance, 1)


def _write_jpeg(path: Path, pixels: NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    encoded = cv2.imencode(
        ".jpg",
        cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR),
        [
            cv2.IMWRITE_JPEG_QUALITY,
            _JPEG_QUALITY,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
        ],
    )[1]
    with replacing(path) as unfinished:
        unfinished.write_bytes(encoded.tobytes())


def _write_tables(
    target: Path,
    labels: pd.DataFrame,
    crops: dict[str, str],
    done: dict[str, tuple[float | None, str]],
    n_resumed: int,
) -> Preparation:
    names = labels[FILE_NAME].str.strip()
    distances = pd.Series([done[name][0] for name in names], index=labels.index, dtype=float)
    reasons = pd.Series([done[name][1] for name in names], index=labels.index, dtype="str")
    has_crop = distances.notna()
    kept = labels[has_crop].assign(
        **{FILE_NAME: names[has_crop].map(crops), EYE_DISTANCE: distances[has_crop]}
    )
    left_out = labels.loc[~has_crop, [FILE_NAME]].assign(reason=reasons[~has_crop])
    write_csv(target / LEFT_OUT_FILE, left_out)
    write_csv(target / LABELS_FILE, kept, guarded=False)
    counts = Counter(_kind(reason) for reason in left_out["reason"])
    return Preparation(len(labels), int(has_crop.sum()), n_resumed, counts)


_KINDS = {"no_face", "several_faces", "too_small", "too_blurred", "turned_away", "unsafe_path"}


def _kind(reason: str) -> str:
    return reason if reason in _KINDS else "unreadable_photo"
