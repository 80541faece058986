"""Upright square crops of faces, the same for training photos and for photos at the till."""

import cv2
import numpy as np
from numpy.typing import NDArray

from shopper_age.detection.face import Face

# Where the five landmarks of an upright face lie on a square of side 1 from its brows to its chin.
# Source: the alignment of Deng et al. 2019, "ArcFace", CVPR, there for 112 x 112 pixels.
_TEMPLATE = (
    np.array(
        [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
    )
    / 112
)


def crop_face(
    photo: NDArray[np.uint8], face: Face, *, margin: float, size_px: int | None = None
) -> NDArray[np.uint8]:
    """The face upright on a square, uint8 RGB of shape (size, size, 3).

    The photo is turned, moved and scaled, never sheared or stretched, so that the landmarks come close to
    where an upright face has them. What lies beyond the photo repeats its border.

    Args:
        photo: uint8 RGB of shape (height, width, 3), on which `face` was found.
        margin: what is shown around the aligned face on each side, as a share of its side.
        size_px: side of the crop; None: as many pixels as the photo has there.
    """
    template = (_TEMPLATE + margin) / (1 + 2 * margin)
    scale, rotation, move = _similarity(face.landmarks, template)
    if size_px is None:
        size_px = max(1, round(1 / scale))
    matrix = np.hstack([size_px * scale * rotation, size_px * move[:, np.newaxis]])
    # whole pixels of the one become whole pixels of the other only if centres, not corners, are mapped
    matrix[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5
    shrinks = scale * size_px
    if shrinks < 0.5:  # a bilinear read of every second pixel or fewer would alias
        reduced = cv2.resize(photo, None, fx=2 * shrinks, fy=2 * shrinks, interpolation=cv2.INTER_AREA)
        x_ratio, y_ratio = reduced.shape[1] / photo.shape[1], reduced.shape[0] / photo.shape[0]
        back = np.diag([1 / x_ratio, 1 / y_ratio])
        matrix[:, 2] += matrix[:, :2] @ (back @ [0.5, 0.5] - 0.5)
        matrix[:, :2] = matrix[:, :2] @ back
        photo = reduced.astype(np.uint8, copy=False)
    crop = cv2.warpAffine(
        photo, matrix, (size_px, size_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return crop.astype(np.uint8, copy=False)


def _similarity(
    points: NDArray[np.float64], target: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Scale, rotation (2, 2) and move (2,) that bring points closest to a target, in squared distance.

    Source: Umeyama 1991, "Least-Squares Estimation of Transformation Parameters Between Two Point Patterns",
    IEEE TPAMI 13(4).
    """
    centre, target_centre = points.mean(axis=0), target.mean(axis=0)
    from_centre, from_target = points - centre, target - target_centre
    spread = float((from_centre**2).sum())
    if spread < 1e-9:  # one point has no direction and no size
        return 1.0, np.eye(2), target_centre - centre
    u, strengths, vt = np.linalg.svd(from_target.T @ from_centre)
    mirror = np.array([1.0, np.sign(np.linalg.det(u @ vt)) or 1.0])
    rotation = u @ np.diag(mirror) @ vt
    scale = float((strengths * mirror).sum()) / spread
    return scale, rotation, target_centre - scale * rotation @ centre
