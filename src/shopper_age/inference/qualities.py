"""Qualities of photos as the model sees them: brightness and sharpness."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray


class Qualities(NamedTuple):
    """What is measured of a photo, or of the crop of a face, in the size in which the model sees it."""

    brightness: float  # mean grey, 0 (black) to 255
    sharpness: float  # variance of the Laplacian of the grey values: low where a photo is blurred


def measure(photo: NDArray[np.uint8]) -> Qualities:
    """The qualities of a photo, uint8 RGB of shape (height, width, 3).

    Sharpness depends on the size of the photo, so only photos of one size can be compared.

    Source: grey, ITU-R BT.601, section 2.5.1; sharpness, Pech-Pacheco et al. 2000, "Diatom Autofocusing in
    Brightfield Microscopy: a Comparative Study", ICPR, method LAPV.
    """
    grey = cv2.cvtColor(photo.astype(np.float32), cv2.COLOR_RGB2GRAY).astype(np.float64)
    laplacian = cv2.Laplacian(grey, cv2.CV_64F, borderType=cv2.BORDER_REFLECT)
    return Qualities(float(grey.mean()), float(laplacian.var()))
