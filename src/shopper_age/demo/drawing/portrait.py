"""Portraits: a person painted whole, from shoulders and clothes to the glasses."""

import numpy as np

from shopper_age.demo.drawing.canvas import Blob, Canvas
from shopper_age.demo.drawing.features import (
    paint_brow,
    paint_ear,
    paint_eye,
    paint_glasses,
    paint_mouth,
    paint_nose,
)
from shopper_age.demo.drawing.hair import paint_back_hair, paint_beard, paint_front_hair
from shopper_age.demo.drawing.head import Head, head_of
from shopper_age.demo.drawing.person import Person
from shopper_age.demo.drawing.shapes import WHITE, deeper, flipped, mixed, smooth, symmetrical
from shopper_age.demo.drawing.skin import paint_skin

_SIDES = (-1, 1)

_NECKLINE_DEPTH = {"round": 0.12, "shirt": 0.16, "v": 0.26, "roll": -0.05}


def paint_body(canvas: Canvas, person: Person, head: Head) -> None:
    neck, shoulders, chin = person.measure["neck"], person.measure["shoulders"], head.chin
    base = chin + 0.17
    nape = [(0.9 * neck, chin - 0.25), (0.92 * neck, base - 0.06), (1.25 * neck, base + 0.03)]
    slope = np.array([(0.8 * shoulders, base + 0.13), (shoulders, base + 0.28), (1.06 * shoulders, 1.9)])
    # Narrower than the clothes, which cover it.
    canvas.fill(smooth(symmetrical([*nape, *(slope * (0.94, 1))])), person.skin)
    throat = canvas.mask(symmetrical([*nape, (neck, 1.2)]))
    canvas.shade([Blob(0, chin + 0.02, 0.75 * neck, 0.09, 0.55)], deeper(person.skin, 0.5), throat)
    for y in chin + np.array([0.07, 0.11, 0.15]):
        line = smooth([(-0.6 * neck, y), (0, y + 0.02), (0.6 * neck, y)])
        canvas.stroke(line, deeper(person.skin, 0.6), 0.014, 0.6 * person.measure["sagging"])

    depth = _NECKLINE_DEPTH[person.collar]
    shoulder = smooth([(1.12 * neck, base - 0.01), *slope])
    edge = [(1.12 * neck, base - 0.01), (0.62 * neck, base + 0.75 * depth)]
    if person.collar == "v":
        edge = edge[:1]
    neckline = np.concatenate([flipped(edge), [(0, base + depth)], edge[::-1]])
    if person.collar != "v":
        neckline = smooth(neckline)
    garment = np.concatenate([shoulder, flipped(shoulder[::-1]), neckline[1:-1]])
    canvas.fill(garment, person.clothes)
    canvas.stroke(neckline, deeper(person.clothes, 0.35), 0.03, 0.8, taper=0)
    if person.collar == "shirt":
        _paint_shirt_collar(canvas, person, base, base + depth)
    elif person.collar == "roll":
        roll = [(0, base - 0.07), (0.98 * neck, base - 0.13), (1.1 * neck, base + 0.06), (0, base + 0.13)]
        canvas.fill(smooth(symmetrical(roll), closed=True), mixed(person.clothes, (0, 0, 0), 0.1))
    canvas.shade([Blob(0, chin + 0.24, 1.1 * neck, 0.07, 0.3)], (30, 20, 30), canvas.mask(garment))


def _paint_shirt_collar(canvas: Canvas, person: Person, base: float, low: float) -> None:
    neck = person.measure["neck"]
    wing = [(1.12 * neck, base - 0.05), (0.01, low), (0.72 * neck, low + 0.14), (1.3 * neck, base + 0.04)]
    for side in _SIDES:
        canvas.fill(flipped(wing, side), mixed(person.clothes, WHITE, 0.35))
        canvas.stroke(flipped(wing[1:], side), deeper(person.clothes, 0.4), 0.012, 0.8, taper=0)


def paint_portrait(canvas: Canvas, person: Person, rng: np.random.Generator) -> None:
    """Paints the person onto whatever the canvas shows already; `rng` places spots and strands."""
    head = head_of(person)
    paint_back_hair(canvas, person, head, rng)
    paint_body(canvas, person, head)
    for side in _SIDES:
        paint_ear(canvas, person, head, side)
    paint_skin(canvas, person, head, rng)
    for side in _SIDES:
        paint_eye(canvas, person, head, side)
    paint_nose(canvas, person, head)
    paint_beard(canvas, person, head, rng)
    paint_mouth(canvas, person, head)
    paint_front_hair(canvas, person, head, rng)
    for side in _SIDES:
        paint_brow(canvas, person, head, side)
    paint_glasses(canvas, person, head)
