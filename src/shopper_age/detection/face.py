"""A face on a photo, and what can find faces."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

LEFT_EYE, RIGHT_EYE, NOSE, LEFT_MOUTH, RIGHT_MOUTH = range(5)


@dataclass(frozen=True)
class Face:
    """Where a face lies on a photo, in pixels from its upper left corner; left and right as one sees it."""

    box: tuple[float, float, float, float]  # left, top, right, bottom; may reach beyond the photo
    landmarks: NDArray[np.float64]  # shape (5, 2), x and y of both eyes, the nose and both mouth corners
    score: float  # from 0 to 1, as the detector gives it

    @property
    def eye_distance(self) -> float:
        """Distance between the eyes, in pixels."""
        return float(np.linalg.norm(self.landmarks[RIGHT_EYE] - self.landmarks[LEFT_EYE]))

    @property
    def area(self) -> float:
        left, top, right, bottom = self.box
        return max(0.0, right - left) * max(0.0, bottom - top)


class Detector(Protocol):
    """Finds faces. One detector must serve training and till: what it crops is what the model learns."""

    name: str

    def find(self, photo: NDArray[np.uint8]) -> list[Face]:
        """The faces of an upright photo, uint8 RGB of shape (height, width, 3), largest first."""
        ...
