"""Features of a drawn face: eyes, brows, nose, mouth, ears, glasses."""

import numpy as np

from shopper_age.demo.drawing.canvas import Blob, Canvas
from shopper_age.demo.drawing.head import Head
from shopper_age.demo.drawing.person import Person
from shopper_age.demo.drawing.shapes import (
    WHITE,
    Colour,
    Points,
    between,
    deeper,
    ellipse,
    flipped,
    mixed,
    smooth,
)

_BLACK: Colour = (22, 18, 20)

_LASH: Colour = (42, 28, 26)

_LIPSTICK: Colour = (186, 62, 66)

_MOUTH: Colour = (112, 40, 44)

_GOLD: Colour = (236, 200, 104)


def paint_ear(canvas: Canvas, person: Person, head: Head, side: int) -> None:
    size = person.measure["ears"]
    middle = head.eye_y + 0.5 * size
    centre = np.array([head.width_at(middle) + 0.2 * size, middle])
    shell = [(0.1, -0.95), (0.42, -0.8), (0.5, -0.2), (0.3, 0.45), (0.05, 0.95), (-0.3, 0.7), (-0.3, -0.7)]
    fold = [(0.05, -0.7), (0.3, -0.5), (0.3, 0), (0.12, 0.35)]
    canvas.fill(flipped(centre + size * smooth(shell, closed=True), side), person.skin)
    x, y = flipped(centre, side)
    canvas.shade([Blob(x, y, 0.2 * size, 0.5 * size, 0.45)], deeper(person.skin, 0.55))
    canvas.stroke(flipped(centre + size * smooth(fold), side), deeper(person.skin, 0.5), 0.018, 0.6)
    if person.earrings:
        canvas.ellipse(x, y + size, 0.026, 0.03, _GOLD)


def paint_eye(canvas: Canvas, person: Person, head: Head, side: int) -> None:
    x0, y0, a = side * head.eye_x, head.eye_y, head.eye_width
    opening, sagging = person.measure["eye_opening"] * a, person.measure["sagging"]
    u = np.linspace(-1, 1, 31)
    outwards, arch, x = u * side, (1 - np.abs(u) ** 2.3) ** 0.75, x0 + a * u
    # The outer half of the lid droops with age.
    upper = y0 - opening * arch * (1 - 0.35 * sagging * np.clip(outwards, 0, 1)) - 0.012 * outwards
    lower = y0 + 0.72 * opening * arch - 0.012 * outwards
    canvas.fill(between(x, upper, lower), mixed(WHITE, (236, 220, 190), 0.8 * sagging))

    def disc(radius: float, colour: Colour, dx: float = 0.0, dy: float = 0.0) -> None:
        """A round thing, as far as the lids leave it open."""
        points = ellipse(x0 + dx, y0 - 0.1 * opening + dy, radius, radius)
        points[:, 1] = np.clip(
            points[:, 1], np.interp(points[:, 0], x, upper), np.interp(points[:, 0], x, lower)
        )
        canvas.fill(points, colour)

    radius = min(0.6 * a, 0.064 + 0.16 * (a - 0.08))
    disc(radius, deeper(person.iris, 0.45))
    disc(0.86 * radius, mixed(person.iris, (190, 200, 205), 0.35 * sagging))
    disc(0.46 * radius, _BLACK)
    disc(0.24 * radius, (255, 255, 255), -0.3 * radius, -0.35 * radius)

    lash = mixed(_LASH, person.hair, 0.3)
    canvas.stroke(np.column_stack([x, upper]), lash, 0.034 if person.female else 0.026, 0.95, taper=0.6)
    canvas.stroke(np.column_stack([x, lower]), deeper(person.skin, 0.7), 0.012, 0.7)
    crease = np.column_stack([x, upper - 0.035 + 0.02 * sagging])[2:-2]
    canvas.stroke(crease, deeper(person.skin, 0.6), 0.014 + 0.016 * sagging, 0.55)
    if person.female:
        for i in (np.abs(outwards - t).argmin() for t in (0.62, 0.8, 0.95)):
            curl = flipped([(0, 0), (0.018, -0.014), (0.034, -0.034)], side)
            canvas.stroke(curl + np.array([x[i], upper[i]]), lash, 0.016, 0.9)


def paint_brow(canvas: Canvas, person: Person, head: Head, side: int) -> None:
    x, y, a = head.eye_x, head.brow_y + person.brow_tilt * side, head.eye_width
    thick = person.measure["brows"] * (0.75 if person.female else 1.1)
    droop = 0.05 * person.measure["sagging"]
    arc = [(-1.1, 0.02), (-0.1, -0.022), (0.65, -0.012 + 0.6 * droop), (1.3, 0.035 + droop)]
    line = flipped(smooth([(x + a * u, y + dy) for u, dy in arc]), side)
    colour = mixed(person.beard_hair, deeper(person.hair, 0.6), 0.5)
    canvas.stroke(line, colour, 1.5 * thick, float(np.clip(thick / 0.03, 0.3, 0.92)), taper=0.75)


def paint_nose(canvas: Canvas, person: Person, head: Head) -> None:
    w, y, length = head.nose_width, head.nose_y, person.measure["nose_length"]
    line = deeper(person.skin, 0.62)
    canvas.shade([Blob(0, y + 0.012, 0.6 * w, 0.022, 0.5)], deeper(person.skin, 0.5))
    bridge = [(0.30 * w, y - 0.9 * length), (0.34 * w, y - 0.5 * length)]
    bridge += [(0.52 * w, y - 0.2 * length), (0.72 * w, y - 0.06)]
    canvas.stroke(smooth(bridge), line, 0.02, 0.15 + 0.9 * max(0.0, length - 0.12))
    half = [(0.9 * w, y - 0.045), (0.95 * w, y - 0.005), (0.5 * w, y + 0.004)]
    tip = np.concatenate([flipped(half), [(0, y + 0.026)], half[::-1]])
    canvas.stroke(smooth(tip), line, 0.024, 0.8, taper=0.7)
    for side in (-1, 1):
        canvas.ellipse(side * 0.45 * w, y - 0.002, 0.22 * w, 0.012, deeper(person.skin, 0.9), 0.7)
    canvas.shade([Blob(0, y - 0.04, 0.25 * w, 0.025, 0.4)], mixed(person.skin, WHITE, 0.7))


def paint_mouth(canvas: Canvas, person: Person, head: Head) -> None:
    w, y, full = head.mouth_width, head.mouth_y, person.measure["lips"]
    sagging, lines = person.measure["sagging"], person.measure["lines"]
    lift = 0.07 * person.smile - 0.025 * sagging
    red = mixed(person.skin, _LIPSTICK, (0.62 if person.female else 0.42) * (1 - 0.4 * sagging))
    u = np.linspace(-1, 1, 25)
    x, middle = w * u, y - lift * u**2 + 0.004 * np.cos(3 * u)
    bow = (1 - u**2) ** 0.8 * (1 - 0.28 * np.exp(-((u / 0.16) ** 2)))
    open_ = person.open_mouth and person.smile > 0.1
    gap = 0.05 * (1 - u**2) * (0.4 + person.smile) * open_
    canvas.fill(between(x, middle - full * bow, middle + gap + 1.25 * full * (1 - u**2) ** 0.7), red)
    if open_:
        canvas.fill(between(x, middle, middle + gap), _MOUTH)
        canvas.fill(between(0.86 * x, middle, middle + 0.6 * gap), mixed(WHITE, (228, 206, 150), 0.6 * lines))
    canvas.stroke(np.column_stack([1.06 * x, middle]), deeper(red, 0.55), 0.018, 0.85, taper=0.8)
    below = y + gap.max() + full
    canvas.shade([Blob(0, below - 0.3 * full, 0.4 * w, 0.35 * full + 0.004, 0.45)], mixed(red, WHITE, 0.5))
    canvas.shade([Blob(0, below + 0.5 * full + 0.03, 0.45 * w, 0.016, 0.35)], deeper(person.skin, 0.5))


def paint_glasses(canvas: Canvas, person: Person, head: Head) -> None:
    if person.glasses == "none":
        return
    x, y = head.eye_x, head.eye_y + 0.015
    rx = min(0.17, 0.86 * x)
    temple = [(x + rx, y - 0.03), (head.half_width, y - 0.05)]
    bridge = smooth([(rx - x, y - 0.02), (0, y - 0.045), (x - rx, y - 0.02)])
    for side in (-1, 1):
        lens = flipped((x, y) + _lens(person) * (rx, 0.135), side)
        canvas.fill(lens, (235, 244, 250), 0.12)
        for line in (lens, flipped(temple, side)):
            canvas.stroke(line, person.glasses_colour, 0.026, 0.95, taper=0)
    canvas.stroke(bridge, person.glasses_colour, 0.024, 0.95, taper=0)


def _lens(person: Person) -> Points:
    """A superellipse of half-axes 1: round, or nearly a rectangle."""
    angle = np.linspace(0, 2 * np.pi, 61)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    return np.sign(circle) * np.abs(circle) ** (1.0 if person.glasses == "round" else 0.55)
