"""From a photo to crops of its faces, the same way for training and at the till."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shopper_age.detection.crop import crop_face
from shopper_age.detection.face import Detector, Face
from shopper_age.detection.grade import Grade, Limits, Problem, grade, problem_of


class FaceCrop(NamedTuple):
    """A face of a photo."""

    face: Face
    measured: Grade
    problem: Problem | None  # what makes it unfit for an estimate
    pixels: NDArray[np.uint8]  # the upright crop, RGB of shape (size, size, 3)


@dataclass(frozen=True)
class Cropper:
    """Finds, grades and crops faces.

    Args:
        detector: the same for training photos and at the till.
        margin: what a crop shows around a face on each side, as a share of the aligned face's side.
        limits: what a face needs to be fit.
    """

    detector: Detector
    margin: float
    limits: Limits

    def crops(self, photo: NDArray[np.uint8], size_px: int | None = None) -> list[FaceCrop]:
        """The faces of an upright photo, uint8 RGB of shape (height, width, 3), largest first.

        With `size_px` crops have this side, else as many pixels as the photo has there.
        """
        found = []
        for face in self.detector.find(photo):
            measured = grade(photo, face)
            pixels = crop_face(photo, face, margin=self.margin, size_px=size_px)
            found.append(FaceCrop(face, measured, problem_of(measured, self.limits), pixels))
        return found
