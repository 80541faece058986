"""Skin of a drawn face: light and shade, red cheeks, spots, folds and lines."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from shopper_age.demo.drawing.canvas import Blob, Canvas
from shopper_age.demo.drawing.head import Head
from shopper_age.demo.drawing.person import Person
from shopper_age.demo.drawing.shapes import WHITE, Colour, deeper, flipped, mixed, smooth

_SIDES = (-1, 1)

_BLUSH: Colour = (226, 88, 84)


def paint_skin(canvas: Canvas, person: Person, head: Head, rng: np.random.Generator) -> None:
    canvas.fill(head.outline, person.skin)
    inside = canvas.mask(head.outline)
    _shade(canvas, person, head, inside)
    _paint_spots(canvas, person, head, inside, rng)
    if person.measure["lines"] > 0:
        _paint_forehead_lines(canvas, person, head)
        for side in _SIDES:
            _paint_folds(canvas, person, head, side)
        _paint_lip_lines(canvas, person, head)


def _shade(canvas: Canvas, person: Person, head: Head, inside: Image.Image) -> None:
    lines, sagging, rosy = (person.measure[name] for name in ("lines", "sagging", "rosy"))
    w, cheek_y = head.half_width, 0.55 * head.nose_y + 0.45 * head.mouth_y
    shadow = [Blob(0, head.chin + 0.02, 0.6 * w, 0.05, 0.25)]
    light = [
        Blob(0, 0.5 * (head.top + head.eye_y), 0.4 * w, 0.13, 0.20 * (1 - 0.7 * lines)),
        Blob(0, head.nose_y - 0.1, 0.03, 0.1, 0.2),
        Blob(0, head.chin - 0.1, 0.12, 0.06, 0.16),
    ]
    blush = []
    for side in _SIDES:
        shadow += [
            Blob(side * w, head.eye_y + 0.2, 0.1 * w, 0.45, 0.30),
            Blob(side * 0.05, 0.5 * (head.eye_y + head.nose_y), 0.03, 0.12, 0.08 + 0.12 * lines),
            # With age the eyes sink in, bags form under them, temples and cheeks hollow, jowls hang.
            Blob(side * head.eye_x, head.eye_y - 0.02, 0.15, 0.08, 0.10 + 0.28 * sagging),
            Blob(side * head.eye_x, head.eye_y + 0.115, 0.1, 0.03, 0.06 + 0.50 * lines),
            Blob(side * 0.86 * w, head.eye_y - 0.15, 0.08, 0.13, 0.35 * sagging),
            Blob(side * 0.74 * w, cheek_y + 0.02, 0.07, 0.17, 0.50 * sagging, side * 0.3),
            Blob(side * 0.52 * w, head.mouth_y + 0.1, 0.05, 0.1, 0.30 * sagging, side * 0.2),
        ]
        light.append(Blob(side * 0.5 * w, cheek_y - 0.1, 0.13, 0.08, 0.32 * (1 - lines)))
        blush.append(Blob(side * 0.62 * w, cheek_y, 0.13, 0.10, 0.06 + 0.42 * rosy))
    canvas.shade(shadow, deeper(person.skin, 0.62), inside)
    canvas.shade(light, mixed(person.skin, WHITE, 0.6), inside)
    canvas.shade(blush, mixed(person.skin, _BLUSH, 0.75), inside)


def _paint_spots(
    canvas: Canvas, person: Person, head: Head, inside: Image.Image, rng: np.random.Generator
) -> None:
    blotches, w, face = person.measure["blotches"], head.half_width, inside.getbbox()
    if face is None:  # the head is out of the picture
        return
    # Skin loses its evenness: a fine and a coarse random pattern.
    canvas.blend(0.40 * blotches * rng.random((44, 44)) ** 3, deeper(person.skin, 0.60), face, inside)
    canvas.blend(0.35 * blotches * rng.random((18, 18)) ** 2, deeper(person.skin, 0.45), face, inside)
    for _ in range(round(26 * blotches)):
        x, y = rng.uniform(-0.85, 0.85) * w, rng.uniform(head.top + 0.12, head.chin - 0.12)
        rx, ry = rng.uniform(0.010, 0.034) * np.array([rng.uniform(1, 1.5), 1])
        if abs(x) < head.width_at(y) - rx:
            canvas.ellipse(x, y, rx, ry, deeper(person.skin, 0.5), 0.3)
    if person.freckles:
        for x, y in np.clip(rng.normal(0, 0.5, (40, 2)), -1, 1):
            canvas.ellipse(
                0.75 * w * x, head.nose_y - 0.05 + 0.16 * y, 0.009, 0.009, deeper(person.skin, 0.45), 0.5
            )


def _paint_forehead_lines(canvas: Canvas, person: Person, head: Head) -> None:
    forehead = head.brow_y - 0.05 - head.top
    for i in range(4):
        y, reach = head.brow_y - forehead * (0.16 + 0.14 * i), (0.58 - 0.06 * i) * head.half_width
        wave = zip((-1, -0.5, 0, 0.5, 1), (0.02, -0.014, 0.008, -0.014, 0.02), strict=True)
        line = smooth([(reach * x, y + dy) for x, dy in wave])
        canvas.stroke(
            line, deeper(person.skin, 0.72), 0.022, _share(1.2 * person.measure["lines"] - 0.22 * i)
        )


def _paint_folds(canvas: Canvas, person: Person, head: Head, side: int) -> None:
    lines, w = person.measure["lines"], head.half_width
    x, y, a, brow_y = head.eye_x, head.eye_y, head.eye_width, head.brow_y
    corner, nose_y, mouth_y, lip = x + a, head.nose_y, head.mouth_y, head.mouth_width
    wing = 0.55 * head.nose_width + 0.05
    nasolabial = (wing, nose_y - 0.05), (lip + 0.03, mouth_y - 0.06), (lip + 0.065, mouth_y + 0.04)
    marionette = (lip + 0.01, mouth_y + 0.02), (lip + 0.03, mouth_y + 0.09), (lip + 0.02, mouth_y + 0.16)
    bag = (x - 0.75 * a, y + 0.085), (x, y + 0.125), (x + 0.85 * a, y + 0.085)
    frown = (0.05, brow_y - 0.04), (0.036, brow_y + 0.02), (0.045, brow_y + 0.07)
    # Line, width, opacity.
    folds: list[tuple[Sequence[tuple[float, float]], float, float]] = [
        (nasolabial, 0.030, 0.04 + 0.8 * lines),
        (marionette, 0.022, 1.1 * lines - 0.45),
        (bag, 0.020, 1.1 * lines - 0.08),
        (frown, 0.020, 1.2 * lines - 0.25),
    ]
    for tilt in (-1, 0, 1):
        crow_foot = [
            (corner + dx, y + tilt * dy) for dx, dy in ((0.025, 0.016), (0.075, 0.044), (0.12, 0.094))
        ]
        folds.append((crow_foot, 0.016, 1.25 * lines - 0.1))
    for share in (0.72, 0.62):
        cheek = (
            (share * w, nose_y - 0.04),
            (share * w + 0.04 * w, mouth_y - 0.06),
            (share * w, mouth_y + 0.06),
        )
        folds.append((cheek, 0.016, 1.4 * lines - 0.75))
    for points, width, opacity in folds:
        canvas.stroke(flipped(smooth(points), side), deeper(person.skin, 0.72), width, _share(opacity))


def _paint_lip_lines(canvas: Canvas, person: Person, head: Head) -> None:
    for x in np.linspace(-0.7, 0.7, 7) * head.mouth_width:
        line = [(x, head.mouth_y - 0.085), (0.95 * x, head.mouth_y - 0.06), (0.9 * x, head.mouth_y - 0.035)]
        canvas.stroke(line, deeper(person.skin, 0.72), 0.012, _share(1.8 * person.measure["lines"] - 1.15))


def _share(value: float) -> float:
    return float(np.clip(value, 0, 1))
