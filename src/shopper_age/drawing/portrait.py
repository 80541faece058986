"""Paints one look as a head-and-shoulders portrait, from the back of the picture to the front."""

import numpy as np

from shopper_age.drawing.body import paint_body
from shopper_age.drawing.canvas import Canvas
from shopper_age.drawing.features import (
    paint_brow,
    paint_ear,
    paint_eye,
    paint_glasses,
    paint_mouth,
    paint_nose,
)
from shopper_age.drawing.hair import paint_back_hair, paint_beard, paint_front_hair
from shopper_age.drawing.head import head_of
from shopper_age.drawing.looks import Look
from shopper_age.drawing.skin import paint_skin

_SIDES = (-1, 1)


def paint_portrait(canvas: Canvas, look: Look, rng: np.random.Generator) -> None:
    """Paints the person onto whatever the canvas shows already; `rng` places spots and strands."""
    head = head_of(look)
    paint_back_hair(canvas, look, head, rng)
    paint_body(canvas, look, head)
    for side in _SIDES:
        paint_ear(canvas, look, head, side)
    paint_skin(canvas, look, head, rng)
    for side in _SIDES:
        paint_eye(canvas, look, head, side)
    paint_nose(canvas, look, head)
    paint_beard(canvas, look, head, rng)
    paint_mouth(canvas, look, head)
    paint_front_hair(canvas, look, head, rng)
    for side in _SIDES:
        paint_brow(canvas, look, head, side)
    paint_glasses(canvas, look, head)
