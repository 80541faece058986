"""Grades of faces: size, sharpness and direction, and what makes one unfit for an estimate."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from shopper_age.detection.crop import crop_face
from shopper_age.detection.face import LEFT_EYE, NOSE, RIGHT_EYE, Face

Problem = Literal["no_face", "several_faces", "too_small", "too_blurred", "turned_away"]

# Sharpness is measured on crops of one size, or a larger photo of the same face would seem blurred.
_SHARPNESS_SIDE_PX = 64


@dataclass(frozen=True)
class Grade:
    """What was measured of a face."""

    eye_distance: float  # pixels
    sharpness: float  # variance of the Laplacian of the grey values, on a crop of 64 x 64 pixels
    turn: float  # 0 = frontal; 1 = the nose stands below an eye


@dataclass(frozen=True)
class Limits:
    """What a face needs to be fit for an estimate."""

    min_eye_distance_px: float
    min_sharpness: float
    max_turn: float


def grade(photo: NDArray[np.uint8], face: Face) -> Grade:
    """Measures a face on a photo, uint8 RGB of shape (height, width, 3).

    Source of sharpness: Pech-Pacheco et al. 2000, "Diatom Autofocusing in Brightfield Microscopy", ICPR,
    method LAPV.
    """
    crop = crop_face(photo, face, margin=0, size_px=_SHARPNESS_SIDE_PX)
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY).astype(np.float64)
    return Grade(face.eye_distance, float(cv2.Laplacian(grey, cv2.CV_64F).var()), _turn(face))


def problem_of(measured: Grade, limits: Limits) -> Problem | None:
    """The first thing that makes a face unfit, or None."""
    if measured.eye_distance < limits.min_eye_distance_px:
        return "too_small"
    if measured.turn > limits.max_turn:
        return "turned_away"
    if measured.sharpness < limits.min_sharpness:
        return "too_blurred"
    return None


def _turn(face: Face) -> float:
    """How far the nose stands off the middle between the eyes, in halves of their distance."""
    left, right = face.landmarks[LEFT_EYE], face.landmarks[RIGHT_EYE]
    along = right - left
    length = float(np.linalg.norm(along))
    if length == 0:
        return float("inf")
    offset = (face.landmarks[NOSE] - (left + right) / 2) @ along / length
    return float(abs(offset) / (length / 2))
