"""Landmarks of a drawn head: its outline, and where eyes, nose and mouth lie."""

from dataclasses import dataclass

import numpy as np

from shopper_age.demo.drawing.person import Person
from shopper_age.demo.drawing.shapes import Points, smooth, symmetrical

# The middle of the head is a little above the middle of the picture, to leave room for the shoulders.
_MIDDLE = -0.10


@dataclass(frozen=True)
class Head:
    """Landmarks in picture units; distances sideways are measured from the middle of the face."""

    top: float
    chin: float
    half_width: float
    eye_x: float
    eye_y: float
    eye_width: float
    brow_y: float
    nose_y: float
    nose_width: float
    mouth_y: float
    mouth_width: float
    outline: Points

    def width_at(self, y: float) -> float:
        """Half the width of the head at this height."""
        right = self.outline[self.outline[:, 0] >= 0]
        order = np.argsort(right[:, 1])
        return float(np.interp(y, right[order, 1], right[order, 0]))


def head_of(person: Person) -> Head:
    measure = person.measure
    height = measure["head_height"]
    top, chin = _MIDDLE - height / 2, _MIDDLE + height / 2
    w = 0.5 * measure["head_width"] * (0.97 if person.female else 1.0)
    cheek, jaw = measure["cheek"] * w, measure["jaw"] * w * (0.94 if person.female else 1.04)
    eye_y = top + measure["eye_level"] * height
    nose_y = eye_y + 0.03 + measure["nose_length"]
    right = [
        (0, top),
        (0.54 * w, top + 0.066 * height),
        (0.89 * w, top + 0.215 * height),
        (w, top + 0.42 * height),
        (0.99 * w, eye_y + 0.06),
        (cheek, top + 0.74 * height),
        (jaw, top + 0.88 * height),
        (0.52 * jaw, top + 0.975 * height),
        (0, chin),
    ]
    return Head(
        top=top,
        chin=chin,
        half_width=w,
        eye_x=0.46 * w * person.eye_distance,
        eye_y=eye_y,
        eye_width=measure["eye_width"],
        brow_y=eye_y - 0.135 - 0.5 * (measure["eye_width"] - 0.1),
        nose_y=nose_y,
        nose_width=measure["nose_width"],
        mouth_y=nose_y + 0.46 * (chin - nose_y),
        mouth_width=measure["mouth_width"],
        outline=smooth(symmetrical(right), closed=True),
    )
