"""Colours of a drawing: red, green, blue in 0-255."""

import numpy as np

Colour = tuple[float, float, float]

WHITE: Colour = (252, 251, 248)


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
