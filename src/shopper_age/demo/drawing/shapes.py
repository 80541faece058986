"""Shapes and colours of a drawing: outlines as arrays of points of shape (n, 2), and blended colours."""

import numpy as np
from numpy.typing import ArrayLike

Points = np.ndarray

Colour = tuple[float, float, float]

WHITE: Colour = (252, 251, 248)


def smooth(corners: ArrayLike, *, closed: bool = False, steps: int = 10) -> Points:
    """The Catmull-Rom curve through the corners, `steps` points for each piece."""
    corners = np.asarray(corners, float)
    if closed:
        before, after = corners[-1:], corners[:2]
    else:
        before, after = 2 * corners[:1] - corners[1:2], 2 * corners[-1:] - corners[-2:-1]
    p = np.concatenate([before, corners, after])
    p0, p1, p2, p3 = p[:-3, None], p[1:-2, None], p[2:-1, None], p[3:, None]
    t = np.arange(steps)[None, :, None] / steps
    a, b, c = p2 - p0, 2 * p0 - 5 * p1 + 4 * p2 - p3, 3 * (p1 - p2) + p3 - p0
    curve = (p1 + 0.5 * t * (a + t * (b + t * c))).reshape(-1, 2)
    return curve if closed else np.concatenate([curve, corners[-1:]])


def ellipse(x: float, y: float, rx: float, ry: float, n: int = 40) -> Points:
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.column_stack([x + rx * np.cos(angle), y + ry * np.sin(angle)])


def flipped(points: ArrayLike, side: int = -1) -> Points:
    """The points on the left side of the face (side -1) or where they are (side 1)."""
    return np.asarray(points, float) * (side, 1)


def symmetrical(right: ArrayLike) -> Points:
    """A closed outline from its right side, given from top to bottom or from bottom to top."""
    right = np.asarray(right, float)
    off_axis = right[np.abs(right[:, 0]) > 1e-9]
    return np.concatenate([right, flipped(off_axis[::-1])])


def between(x: np.ndarray, upper: np.ndarray, lower: np.ndarray) -> Points:
    """The outline of what lies between two curves over the same `x`."""
    return np.concatenate([np.column_stack([x, upper]), np.column_stack([x, lower])[::-1]])


def resampled(line: Points, n: int) -> Points:
    """`n` points at equal distances along a line."""
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    at = np.linspace(0, length[-1], n)
    return np.column_stack([np.interp(at, length, line[:, 0]), np.interp(at, length, line[:, 1])])


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """A colour on the way from the first (share 0) to the second (share 1)."""
    a, b = np.asarray(first, float), np.asarray(second, float)
    red, green, blue = (a + (b - a) * np.clip(share, 0, 1)).tolist()
    return red, green, blue


def deeper(colour: Colour, share: float) -> Colour:
    """A shade of skin or cloth; green and blue fall more than red, so that it stays warm."""
    red, green, blue = colour
    return mixed(colour, (0.45 * red, 0.22 * green, 0.20 * blue), share)


def darker(colour: Colour, share: float) -> Colour:
    """A shade of hair; the hue stays, or grey hair would turn brown."""
    red, green, blue = colour
    return mixed(colour, (0.3 * red + 8, 0.28 * green + 6, 0.3 * blue + 10), share)


def ink(colour: Colour, opacity: float) -> tuple[int, int, int, int]:
    """The colour as Pillow takes it for drawing; opacity is 0-1."""
    red, green, blue, alpha = np.clip(np.round([*colour, 255 * opacity]), 0, 255).astype(int).tolist()
    return red, green, blue, alpha
