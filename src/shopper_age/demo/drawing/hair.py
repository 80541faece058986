"""Hair and beards of a drawn head."""

import numpy as np

from shopper_age.demo.drawing.canvas import Blob, Canvas
from shopper_age.demo.drawing.head import Head
from shopper_age.demo.drawing.person import Person
from shopper_age.demo.drawing.shapes import (
    Colour,
    Points,
    darker,
    ellipse,
    flipped,
    mixed,
    resampled,
    smooth,
    symmetrical,
)

_SIDES = (-1, 1)

_N = 61  # points along the crown and along the hairline

_GLOSS: Colour = (255, 250, 240)

# How far the hair stands off the head.
_THICK = {"short": 0.05, "parted": 0.085, "curly": 0.1, "bun": 0.05, "ponytail": 0.05}

_USUAL_THICK = 0.075


def paint_back_hair(canvas: Canvas, person: Person, head: Head, rng: np.random.Generator) -> None:
    """The hair seen behind head and shoulders."""
    w, top, ear, chin = head.half_width, head.top, head.eye_y + 0.08, head.chin
    colour = darker(person.hair, 0.28)
    match person.hairdo:
        case "bob":
            right = [(0.5 * w, top - 0.05), (w + 0.1, top + 0.3), (w + 0.14, ear + 0.1)]
            right += [(w + 0.12, head.mouth_y + 0.1), (0.6 * w, chin)]
            canvas.fill(smooth(symmetrical(right), closed=True), colour)
        case "long":
            right = [(0.5 * w, top - 0.05), (w + 0.09, top + 0.3), (w + 0.12, ear + 0.1)]
            right += [(w + 0.16, chin), (w + 0.2, chin + 0.34), (0.3, chin + 0.42)]
            canvas.fill(smooth(symmetrical(right), closed=True), colour)
        case "bun":
            canvas.ellipse(0, top - 0.08, 0.24, 0.19, colour)
            for x, y in ((0.2, 0.24), (0.15, 0.18), (0.1, 0.12)):
                turn = smooth([(-x, top - 0.1), (0, top - y), (x, top - 0.1)])
                canvas.stroke(turn, darker(person.hair, 0.55), 0.014, 0.6)
        case "pigtails":
            tail = [(-0.04, 0), (0.13, -0.03), (0.24, 0.16), (0.2, 0.4), (0.1, 0.5), (0.05, 0.3)]
            for side in _SIDES:
                canvas.fill(flipped(smooth(tail, closed=True) + np.array([w, ear]), side), colour)
                canvas.ellipse(side * (w + 0.04), ear + 0.01, 0.045, 0.05, person.clothes)
        case "ponytail":
            tail = [
                (0.5 * w, top + 0.05),
                (w + 0.1, top + 0.16),
                (w + 0.2, ear - 0.1),
                (w + 0.17, head.mouth_y),
            ]
            tail += [(w + 0.22, chin + 0.16), (w + 0.09, chin - 0.02), (w + 0.02, ear)]
            canvas.fill(smooth(tail, closed=True), colour)
        case "curly":
            end = ear + (0.34 if person.female else 0.02)
            half = [(w + 0.05, end), (w + 0.09, top + 0.35), (0.7 * w, top + 0.02)]
            for x, y in resampled(smooth([*flipped(half), (0, top - 0.1), *half[::-1]]), 26):
                radius = rng.uniform(0.10, 0.15)
                canvas.ellipse(x, y, radius, radius, colour)


def paint_front_hair(canvas: Canvas, person: Person, head: Head, rng: np.random.Generator) -> None:
    """The hair over forehead and temples."""
    match person.hairdo:
        case "fuzz":
            _paint_fuzz(canvas, person, head)
        case "horseshoe":
            _paint_horseshoe(canvas, person, head)
        case _:
            _paint_cap(canvas, person, head, rng)
            if person.hairdo in ("long", "bob"):
                _paint_locks(canvas, person, head)


def paint_beard(canvas: Canvas, person: Person, head: Head, rng: np.random.Generator) -> None:
    """Stubble, moustache or full beard, in front of the skin and behind the lips."""
    mouth, y, full, colour = head.mouth_width, head.mouth_y, person.measure["lips"], person.beard_hair
    if person.beard in ("stubble", "full"):
        start, longer = head.eye_y + 0.12, 0.05 if person.beard == "full" else 0.0
        right = head.outline[(head.outline[:, 1] > start) & (head.outline[:, 0] >= 0)]
        right = right[np.argsort(right[:, 1])]
        right[:, 1] += longer * (right[:, 1] - start) / (head.chin - start)
        wide = right[0, 0]
        cheek = [(0.93 * wide, start), (1.5 * mouth, y - 0.02), (1.15 * mouth, y - 0.075)]
        inner = smooth([*flipped(cheek), (0, head.nose_y + 0.035), *cheek[::-1]])
        outline = np.concatenate([right, flipped(right[::-1]), inner])
        canvas.fill(outline, colour, 0.92 if person.beard == "full" else 0.17)
    if person.beard == "full":
        for x, v in rng.uniform((-0.8 * wide, y + 0.08), (0.8 * wide, head.chin + 0.02), (40, 2)):
            if abs(x) < head.width_at(v) - 0.04:
                hair = [(x, v - 0.03), (1.02 * x, v), (1.03 * x, v + 0.04)]
                canvas.stroke(hair, darker(colour, 0.4), 0.014, 0.45)
    if person.beard in ("moustache", "full"):
        right_wing = [(0, head.nose_y + 0.04), (0.7 * mouth, y - full - 0.03), (1.2 * mouth, y + 0.02)]
        right_wing += [(0.7 * mouth, y - 0.2 * full), (0, y - 0.4 * full)]
        canvas.fill(smooth(symmetrical(right_wing), closed=True), darker(colour, 0.1))


def _paint_fuzz(canvas: Canvas, person: Person, head: Head) -> None:
    top, w = head.top, head.half_width
    down = [Blob(0, top + 0.04, 0.62 * w, 0.1, 0.5), Blob(0, top, 0.9 * w, 0.2, 0.12)]
    canvas.shade(down, person.hair, canvas.mask(head.outline))
    for x in (-0.06, 0.0, 0.06):
        curl = smooth([(x, top + 0.03), (x + 0.02, top - 0.06), (x + 0.07, top - 0.05)])
        canvas.stroke(curl, person.hair, 0.022, 0.8)


def _paint_horseshoe(canvas: Canvas, person: Person, head: Head) -> None:
    """What is left at the sides of a bald head."""
    w, ear = head.half_width, head.eye_y + 0.06
    patch = [(w - 0.03, ear), (w + 0.05, ear + 0.02), (w + 0.085, ear - 0.16), (w + 0.035, ear - 0.36)]
    patch += [(0.86 * w, ear - 0.44), (0.9 * w, ear - 0.24), (0.955 * w, ear - 0.1)]
    for side in _SIDES:
        canvas.fill(flipped(smooth(patch, closed=True), side), person.hair)
        for t in np.arange(6) / 6:
            strand = [((0.9 + 0.1 * t) * w, ear - 0.38 + 0.3 * t), (w + 0.06, ear - 0.2 + 0.2 * t)]
            canvas.stroke(flipped(strand, side), darker(person.hair, 0.4), 0.014, 0.45)


def _paint_cap(canvas: Canvas, person: Person, head: Head, rng: np.random.Generator) -> None:
    crown, hairline = _crown(person, head), _hairline(person, head)
    outline = np.concatenate([crown, hairline[::-1]])
    shades = _shades(person.hair)
    canvas.fill(outline, person.hair)
    gloss = Blob(0.4 * person.part, head.top + 0.06, 0.6 * head.half_width, 0.05, 0.5)
    canvas.shade([gloss], shades[1], canvas.mask(outline))
    for i in range(34):
        if _has_fringe(person):
            # Combed down, from the crown to the fringe.
            at = rng.integers(4, _N - 4)
            low, high = rng.uniform(0, 0.3), rng.uniform(0.6, 0.95)
            fall = np.linspace(low, high, 6)[:, None] * (crown[at + rng.integers(-2, 3)] - hairline[at])
            strand = hairline[at] + fall
        else:
            # Combed away from the parting, along the head.
            parting, n = round((0.5 + 0.25 * person.part) * (_N - 1)), int(rng.integers(8, 16))
            start = rng.integers(3, parting - n) if rng.random() < 0.5 else rng.integers(parting, _N - 3 - n)
            along, height = slice(start, start + n), rng.uniform(0.12, 0.92)
            strand = (1 - height) * hairline[along] + height * crown[along]
        canvas.stroke(strand, shades[i % 3], 0.016, 0.42)
    if person.hairdo == "curly":
        curls = (0.45 * hairline + 0.55 * crown)[9:-9]
        for x, y in resampled(curls, 15):
            canvas.ellipse(x, y, 0.085, 0.08, person.hair)
        for x, y in resampled(curls, 30) + rng.normal(0, 0.025, (30, 2)):
            curl = np.roll(ellipse(x, y, 0.045, 0.04), rng.integers(40), axis=0)[:24]
            canvas.stroke(curl, shades[0], 0.014, 0.5)


def _paint_locks(canvas: Canvas, person: Person, head: Head) -> None:
    """Open hair that falls in front of the ears."""
    w, top, nose_y = head.half_width, head.top, head.nose_y
    end = head.chin + 0.25 if person.hairdo == "long" else head.mouth_y + 0.08
    lock = [(0.9 * w, top + 0.28), (w + 0.07, top + 0.36), (w + 0.12, nose_y), (w + 0.1, end)]
    lock += [(w - 0.02, end - 0.06), (w - 0.03, nose_y), (w - 0.02, head.eye_y)]
    for side in _SIDES:
        canvas.fill(flipped(smooth(lock, closed=True), side), person.hair)
        for i, x in enumerate(w + np.array([-0.01, 0.02, 0.05, 0.08])):
            strand = smooth([(x - 0.02, top + 0.4), (x + 0.01, nose_y), (x, end - 0.05)])
            canvas.stroke(flipped(strand, side), _shades(person.hair)[i % 3], 0.016, 0.5)


def _crown(person: Person, head: Head) -> Points:
    """The upper edge of the hair from left to right, `_N` points."""
    w, top = head.half_width, head.top
    thick = _THICK.get(person.hairdo, _USUAL_THICK) * (0.5 + 0.5 * person.measure["hair_grown"])
    half = [
        (w - 0.01, _side_end(person, head)),
        (w + 0.7 * thick, head.eye_y - 0.12),
        (0.92 * w + thick, top + 0.24),
    ]
    half.append((0.56 * w + 0.7 * thick, top + 0.055 - 0.7 * thick))
    return resampled(smooth([*flipped(half), (0, top - 1.45 * thick), *half[::-1]]), _N)


def _hairline(person: Person, head: Head) -> Points:
    """The lower edge of the hair from left to right, `_N` points."""
    w, top, brow_y = head.half_width, head.top, head.brow_y
    forehead, gone = brow_y - top, person.measure["recession"] * (0.35 if person.female else 1.0)
    middle, corner = top + forehead * (0.52 - 0.25 * gone), top + forehead * (0.5 - 0.46 * gone)
    if _has_fringe(person):
        middle = corner = brow_y - 0.05 - 0.1 * (1 - person.fringe)
    elif person.hairdo in ("parted", "bob", "long"):
        middle -= 0.22 * forehead
    half = [(0.97 * w, _side_end(person, head)), (0.93 * w, brow_y + 0.04)]
    half += [((0.86 - 0.1 * gone) * w, brow_y - 0.3 * forehead), (0.55 * w, corner)]
    return resampled(smooth([*flipped(half), (0.5 * person.part * w, middle), *half[::-1]]), _N)


def _side_end(person: Person, head: Head) -> float:
    return head.eye_y + (0.02 if person.female else 0.1)


def _has_fringe(person: Person) -> bool:
    can_have = person.hairdo in ("bob", "long", "pigtails", "short")
    return can_have and person.fringe > 0.55 and person.measure["recession"] < 0.4


def _shades(hair: Colour) -> tuple[Colour, Colour, Colour]:
    return darker(hair, 0.4), mixed(hair, _GLOSS, 0.22), darker(hair, 0.25)
