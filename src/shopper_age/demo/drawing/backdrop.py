"""Backgrounds of a drawn portrait: a wall, lights, shop shelves, a park or a striped wall."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from shopper_age.demo.drawing.shapes import Colour, ink, mixed

_SIDE_PX = 112  # out of focus anyway

_WALLS: tuple[Colour, ...] = (
    (205, 218, 226), (226, 214, 196), (188, 204, 186), (222, 200, 198), (176, 186, 206), (238, 232, 220),
    (120, 134, 150), (96, 112, 106), (150, 128, 118), (92, 88, 108),
)  # fmt: skip

_GOODS: tuple[Colour, ...] = (
    (206, 84, 72), (236, 178, 76), (88, 146, 116), (82, 124, 172),
    (158, 104, 150), (240, 232, 214), (122, 92, 70),
)  # fmt: skip


def paint_backdrop(side_px: int, rng: np.random.Generator) -> Image.Image:
    """A random blurred RGB background, `side_px` square."""
    wall, other = (_WALLS[i] for i in rng.choice(len(_WALLS), 2, replace=False))
    picture = _gradient(wall, mixed(wall, other, 0.7), rng)
    draw = ImageDraw.Draw(picture, "RGBA")
    kind = ("wall", "lights", "shelves", "park", "stripes")[int(rng.integers(5))]
    match kind:
        case "lights":
            for _ in range(16):
                (x, y), radius = rng.uniform(0, _SIDE_PX, 2), rng.uniform(4, 15)
                colour = mixed(other, (255, 246, 226), rng.uniform(0.2, 1))
                draw.ellipse(_around(x, y, radius), fill=ink(colour, 0.5))
        case "shelves":
            for y in np.arange(rng.uniform(-8, 4), _SIDE_PX, 27):
                x = rng.uniform(-8, 0)
                while x < _SIDE_PX:
                    width, height = rng.uniform(6, 15), rng.uniform(12, 22)
                    goods = _GOODS[int(rng.integers(len(_GOODS)))]
                    draw.rectangle((x, y + 23 - height, x + width - 1, y + 23), fill=ink(goods, 0.5))
                    x += width + 0.5
                draw.rectangle((0, y + 23, _SIDE_PX, y + 26), fill=ink((98, 84, 74), 0.5))
        case "park":
            horizon = rng.uniform(58, 84)
            draw.rectangle((0, horizon, _SIDE_PX, _SIDE_PX), fill=ink((126, 152, 92), 1))
            for _ in range(12):
                x, radius = rng.uniform(0, _SIDE_PX), rng.uniform(9, 19)
                green = mixed((72, 112, 66), (146, 168, 88), rng.random())
                draw.ellipse(_around(x, horizon - 0.7 * radius, radius), fill=ink(green, 0.9))
        case "stripes":
            step = rng.uniform(9, 22)
            lean = rng.uniform(-30, 30)
            for x in np.arange(-40, _SIDE_PX + 40, 2 * step):
                stripe = [(x, 0), (x + step, 0), (x + step + lean, _SIDE_PX), (x + lean, _SIDE_PX)]
                draw.polygon(stripe, fill=ink(other, 0.45))
    blurred = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(1.2, 3.0))))
    return blurred.resize((side_px, side_px), Image.Resampling.BILINEAR)


def _gradient(start: Colour, end: Colour, rng: np.random.Generator) -> Image.Image:
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : _SIDE_PX * 1j, -1 : 1 : _SIDE_PX * 1j]
    share = np.clip(0.5 + 0.4 * (x * np.cos(angle) + y * np.sin(angle)), 0, 1)[..., None]
    pixels = np.asarray(start) * (1 - share) + np.asarray(end) * share
    return Image.fromarray(np.round(pixels).astype(np.uint8))


def _around(x: float, y: float, radius: float) -> tuple[float, float, float, float]:
    return x - radius, y - radius, x + radius, y + radius
