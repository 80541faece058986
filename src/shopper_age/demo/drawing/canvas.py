"""A canvas for cartoon pictures: filled outlines, tapered strokes and soft shades, in picture units.

The picture spans -1..1 in both directions, x to the right and y down, whatever its size in pixels, so a
drawing reads the same at every resolution. Opacity and strength are 0-1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageChops, ImageDraw

from shopper_age.demo.drawing.shapes import Colour, Points, ellipse, ink

Box = tuple[int, int, int, int]  # left, upper, right, lower, in pixels

# Soft shades vary slowly: they are reckoned for one pixel in this many each way and enlarged smoothly.
_SHADE_STEP_PX = 7


@dataclass(frozen=True)
class Pose:
    """How the drawing sits in the picture: turned about its centre, then enlarged, then moved."""

    turn_degrees: float = 0.0
    scale: float = 1.0
    shift_x: float = 0.0
    shift_y: float = 0.0

    def apply(self, points: ArrayLike) -> Points:
        return np.asarray(points, float) @ self._turned().T * self.scale + (self.shift_x, self.shift_y)

    def undo(self, points: Points) -> Points:
        return (points - (self.shift_x, self.shift_y)) / self.scale @ self._turned()

    def _turned(self) -> np.ndarray:
        angle = np.radians(self.turn_degrees)
        return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


@dataclass(frozen=True)
class Blob:
    """A soft spot: centre, standard deviations along its axes, strength in the centre, turn in radians."""

    x: float
    y: float
    rx: float
    ry: float
    strength: float
    turn: float = 0.0


class Canvas:
    """Draws onto `picture` (RGB, square, changed in place) as seen in `pose`."""

    def __init__(self, picture: Image.Image, pose: Pose) -> None:
        self.picture = picture
        self.pose = pose
        self._draw = ImageDraw.Draw(picture, "RGBA")  # on an RGB picture this mode blends by opacity

    def fill(self, outline: ArrayLike, colour: Colour, opacity: float = 1.0) -> None:
        self._draw.polygon(self._pixels(outline), fill=ink(colour, opacity))

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour, opacity: float = 1.0) -> None:
        self.fill(ellipse(x, y, rx, ry), colour, opacity)

    def stroke(
        self, line: ArrayLike, colour: Colour, width: float, opacity: float = 1.0, *, taper: float = 1.0
    ) -> None:
        """Draws an open line, `width` thick in the middle and thinner by the share `taper` at its ends."""
        if opacity < 1 / 255:  # a young face has many invisible lines
            return
        line = np.asarray(line, float)
        along = np.gradient(line, axis=0)
        along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
        profile = 1 - taper * (2 * np.linspace(0, 1, len(line)) - 1) ** 2
        offset = np.column_stack([-along[:, 1], along[:, 0]]) * (0.5 * width * profile)[:, None]
        # One polygon: a line of many short pieces would be darker where see-through pieces overlap.
        self.fill(np.concatenate([line + offset, (line - offset)[::-1]]), colour, opacity)

    def mask(self, outline: ArrayLike) -> Image.Image:
        """The inside of an outline as a picture of mode L, white inside."""
        mask = Image.new("L", self.picture.size, 0)
        ImageDraw.Draw(mask).polygon(self._pixels(outline), fill=255)
        return mask

    def shade(self, blobs: Sequence[Blob], colour: Colour, within: Image.Image | None = None) -> None:
        """Blends towards `colour` by the sum of the blobs, inside the mask `within` where one is given."""
        box = self._box_around(blobs)
        if within is not None:
            box = _overlap(box, within.getbbox() or (0, 0, 0, 0))
        left, upper, right, lower = box
        if left >= right or upper >= lower:
            return
        columns, rows = -(-(right - left) // _SHADE_STEP_PX), -(-(lower - upper) // _SHADE_STEP_PX)
        across = left + (np.arange(columns) + 0.5) * (right - left) / columns
        down = upper + (np.arange(rows) + 0.5) * (lower - upper) / rows
        grid = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2) / self._pixels_per_unit - 1
        x, y = self.pose.undo(grid).T
        opacity = np.zeros(len(x))
        for blob in blobs:
            dx, dy, cos, sin = x - blob.x, y - blob.y, np.cos(blob.turn), np.sin(blob.turn)
            u, v = (dx * cos + dy * sin) / blob.rx, (dy * cos - dx * sin) / blob.ry
            opacity += blob.strength * np.exp(-0.5 * (u * u + v * v))
        self.blend(opacity.reshape(rows, columns), colour, box, within)

    def blend(self, opacity: np.ndarray, colour: Colour, box: Box, within: Image.Image | None = None) -> None:
        """Blends towards `colour` by a coarse map of opacity, stretched over a box of pixels."""
        left, upper, right, lower = box
        levels = np.round(255 * np.clip(opacity, 0, 1)).astype(np.uint8)
        mask = Image.fromarray(levels).resize((right - left, lower - upper), Image.Resampling.BILINEAR)
        if within is not None:
            mask = ImageChops.multiply(mask, within.crop(box))
        self.picture.paste(ink(colour, 1)[:3], box, mask)

    @property
    def _pixels_per_unit(self) -> float:
        return 0.5 * self.picture.width

    def _pixels(self, points: ArrayLike) -> list[tuple[float, float]]:
        return [(x, y) for x, y in ((self.pose.apply(points) + 1) * self._pixels_per_unit).tolist()]

    def _box_around(self, blobs: Sequence[Blob]) -> Box:
        """The pixels that the blobs change."""
        centres = np.array(self._pixels([(blob.x, blob.y) for blob in blobs]))
        reach = 3 * np.array([[max(blob.rx, blob.ry)] for blob in blobs])
        reach = reach * self.pose.scale * self._pixels_per_unit
        low, high = (centres - reach).min(axis=0), (centres + reach).max(axis=0)
        corners = np.clip(np.round([*low, *high]), 0, self.picture.width).astype(int)
        left, upper, right, lower = corners.tolist()
        return left, upper, right, lower


def _overlap(first: Box, second: Box) -> Box:
    left, upper = np.maximum(first[:2], second[:2]).tolist()
    right, lower = np.minimum(first[2:], second[2:]).tolist()
    return left, upper, right, lower
