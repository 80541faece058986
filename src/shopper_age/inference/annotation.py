"""Photos with their answers drawn onto them."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from shopper_age.data.photos import read_photo
from shopper_age.inference.answers import FaceAnswer, PhotoAnswer
from shopper_age.runtime.files import replacing

_ASK, _PASS = (214, 69, 65), (38, 132, 84)  # red, green

_LONGEST_SIDE_PX = 1600


def annotate(answer: PhotoAnswer, folder: Path, number: int) -> Path | None:
    """Writes a photo with its answers to `folder`; None where the photo cannot be read.

    Args:
        answer: its source is the path of the photo.
        number: of the photo, which keeps photos of one name in different folders apart.
    """
    try:
        photo = read_photo(answer.source)
    except (ValueError, OSError):
        return None
    scale = min(1.0, _LONGEST_SIDE_PX / max(photo.shape[:2]))
    if scale < 1:
        photo = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)
    drawn = np.array(photo)  # a copy that may be written to
    for face in answer.faces:
        _draw(drawn, face, scale)
    path = folder / f"{number:06d}-{Path(answer.source).stem}.jpg"
    with replacing(path) as unfinished:
        unfinished.write_bytes(cv2.imencode(".jpg", drawn[..., ::-1])[1].tobytes())
    return path


def _draw(photo: NDArray[np.uint8], face: FaceAnswer, scale: float) -> None:
    height, width = photo.shape[:2]
    colour = _ASK if face.ask_for_id else _PASS
    line = max(1, round(max(height, width) / 300))
    left, top, right, bottom = (
        round(side * scale) for side in face.box or (0, 0, width / scale, height / scale)
    )
    cv2.rectangle(photo, (left, top), (right - 1, bottom - 1), colour, line)
    told = face.problem or f"{face.age:.0f} ({face.low:.0f}-{face.high:.0f})"
    text = f"{told}{', ask' if face.ask_for_id else ''}"
    size = max(0.35, min(1.2, (right - left) / 260))
    (text_width, text_height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    base = max(text_height + below, top) if face.box else text_height + below
    start = max(0, min(left, width - text_width))
    cv2.rectangle(photo, (start, base - text_height - below), (start + text_width, base), colour, -1)
    cv2.putText(
        photo, text, (start, base - below), cv2.FONT_HERSHEY_SIMPLEX, size, (255, 255, 255), 1, cv2.LINE_AA
    )
