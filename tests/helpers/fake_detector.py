"""A detector that finds the faces it is told of."""

import numpy as np

from shopper_age.detection.cropper import Cropper
from shopper_age.detection.face import Face
from shopper_age.detection.grade import Limits


def face(left=20.0, top=20.0, side=60.0, turn=0.0):
    """An upright face on a square; `turn` moves the nose towards its right eye."""
    eyes = [(0.3, 0.4), (0.7, 0.4)]
    points = np.array([*eyes, (0.5 + 0.2 * turn, 0.6), (0.35, 0.8), (0.65, 0.8)])
    return Face((left, top, left + side, top + side), points * side + (left, top), 0.99)


class FakeDetector:
    """Finds `faces` on every photo, or what `find(photo)` says."""

    name = "fake"

    def __init__(self, *faces, find=None):
        self._faces = list(faces)
        self._find = find
        self.n_calls = 0

    def find(self, photo):
        self.n_calls += 1
        return self._find(photo) if self._find else self._faces


LIMITS = Limits(min_eye_distance_px=8, min_sharpness=1, max_turn=0.8)


def cropper(*faces, find=None, margin=0.3, limits=LIMITS):
    return Cropper(FakeDetector(*faces, find=find), margin, limits)
