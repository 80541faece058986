"""Random people of a given age: the measures and colours that a drawing shows.

The curves follow what every portrait painter knows: a baby's eyes are large and low in a round face; with
growth the face lengthens and the nose, ears and jaw grow; later come lines, grey hair, thin lips and heavy
lids. They are made up for pictures, not measured on people.
"""

from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from shopper_age.demo.drawing.shapes import Colour, mixed

_AGES = (0, 3, 7, 12, 16, 20, 30, 40, 50, 60, 70, 80, 90)

# Lengths in picture units (the picture spans 2), the rest as said.
_BY_AGE = {
    "head_height": (1.18, 1.20, 1.23, 1.28, 1.31, 1.34, 1.35, 1.35, 1.35, 1.35, 1.34, 1.33, 1.31),
    "head_width": (1.12, 1.09, 1.07, 1.04, 1.02, 1.00, 0.99, 0.99, 0.99, 0.98, 0.97, 0.95, 0.93),
    # Widths at the cheeks and the jaw as shares of the head's width.
    "cheek": (1.01, 0.98, 0.94, 0.90, 0.88, 0.87, 0.86, 0.86, 0.87, 0.87, 0.86, 0.83, 0.79),
    "jaw": (0.80, 0.77, 0.74, 0.71, 0.70, 0.70, 0.71, 0.73, 0.76, 0.78, 0.79, 0.78, 0.76),
    # Height of the eyes as a share of the head's height, from the top.
    "eye_level": (0.630, 0.606, 0.578, 0.546, 0.524, 0.510, 0.500, 0.493, 0.486, 0.479, 0.472, 0.465, 0.458),
    "eye_width": (0.150, 0.144, 0.136, 0.126, 0.120, 0.115, 0.110, 0.105, 0.100, 0.095, 0.090, 0.085, 0.081),
    # Height of the open eye as a share of its width.
    "eye_opening": (0.86, 0.82, 0.76, 0.69, 0.64, 0.61, 0.57, 0.53, 0.49, 0.45, 0.41, 0.37, 0.33),
    "nose_length": (0.11, 0.135, 0.165, 0.205, 0.23, 0.245, 0.257, 0.268, 0.28, 0.292, 0.304, 0.316, 0.328),
    "nose_width": (0.060, 0.065, 0.072, 0.080, 0.086, 0.090, 0.094, 0.099, 0.104, 0.109, 0.114, 0.119, 0.124),
    "mouth_width": (0.13, 0.142, 0.156, 0.174, 0.186, 0.194, 0.20, 0.204, 0.206, 0.208, 0.208, 0.206, 0.202),
    "lips": (0.046, 0.048, 0.049, 0.050, 0.051, 0.051, 0.048, 0.043, 0.037, 0.031, 0.025, 0.020, 0.016),
    "brows": (0.010, 0.014, 0.020, 0.026, 0.031, 0.034, 0.036, 0.037, 0.038, 0.038, 0.038, 0.037, 0.036),
    "ears": (0.125, 0.132, 0.142, 0.152, 0.160, 0.166, 0.174, 0.183, 0.193, 0.204, 0.216, 0.228, 0.240),
    "neck": (0.24, 0.24, 0.25, 0.27, 0.29, 0.31, 0.33, 0.34, 0.35, 0.35, 0.34, 0.32, 0.30),
    "shoulders": (0.48, 0.53, 0.60, 0.70, 0.78, 0.83, 0.88, 0.90, 0.91, 0.91, 0.89, 0.86, 0.82),
    # Shares 0-1: depth of lines, grey in the hair, sagging, hair grown, red in the cheeks, blotches.
    "lines": (0, 0, 0, 0, 0, 0.02, 0.09, 0.22, 0.40, 0.58, 0.75, 0.89, 1),
    "grey": (0, 0, 0, 0, 0, 0, 0.04, 0.18, 0.42, 0.68, 0.87, 0.96, 1),
    "sagging": (0, 0, 0, 0, 0, 0, 0.06, 0.18, 0.35, 0.54, 0.73, 0.88, 1),
    "hair_grown": (0.05, 0.6, 1, 1, 1, 1, 1, 1, 0.97, 0.92, 0.86, 0.79, 0.72),
    "rosy": (1, 0.9, 0.7, 0.5, 0.42, 0.36, 0.28, 0.22, 0.18, 0.15, 0.12, 0.10, 0.10),
    "blotches": (0, 0, 0, 0.03, 0.10, 0.05, 0.06, 0.14, 0.28, 0.46, 0.66, 0.85, 1),
    # Of men: how far the hairline has gone back, how dense a beard can be.
    "recession": (0, 0, 0, 0, 0, 0.02, 0.14, 0.30, 0.46, 0.60, 0.72, 0.82, 0.90),
    "beard_grown": (0, 0, 0, 0, 0.15, 0.6, 1, 1, 1, 1, 1, 1, 1),
}

# Each measure of a face is older or younger than its owner: by this share, plus this many years.
_FEATURE_SPREAD, _FEATURE_SPREAD_YEARS = 0.07, 0.7

# And some people look older or younger all over.
_PERSON_SPREAD = 0.04

# What differs between people of all ages, as a share.
_OWN_SPREAD = {"head_width": 0.025, "nose_width": 0.10, "lips": 0.12, "brows": 0.12}

_SKINS: tuple[Colour, ...] = (
    (255, 224, 200), (250, 211, 183), (243, 196, 160), (229, 176, 137), (210, 153, 112),
    (184, 125, 86), (152, 98, 66), (118, 74, 50), (88, 56, 40),
)  # fmt: skip

_SKIN_SHARES = (0.13, 0.14, 0.14, 0.13, 0.12, 0.11, 0.1, 0.08, 0.05)

_HAIRS: tuple[Colour, ...] = (
    (38, 30, 30), (58, 40, 32), (88, 58, 38), (124, 82, 48), (166, 116, 62), (212, 170, 100), (156, 72, 36),
)  # fmt: skip

_GREYS: tuple[Colour, ...] = ((216, 214, 212), (232, 230, 226), (200, 201, 206))

_IRISES: tuple[Colour, ...] = ((72, 46, 32), (98, 66, 40), (112, 98, 58), (86, 116, 84), (84, 122, 158))

_CLOTHES: tuple[Colour, ...] = (
    (64, 96, 138), (178, 70, 66), (84, 130, 104), (232, 190, 92), (112, 84, 130), (70, 74, 84),
    (228, 226, 220), (206, 122, 84), (98, 160, 172), (190, 120, 148),
)  # fmt: skip

_T = TypeVar("_T")

Hairdo = Literal[
    "fuzz", "short", "parted", "curly", "bob", "long", "bun", "pigtails", "ponytail", "horseshoe"
]

Beard = Literal["none", "stubble", "moustache", "full"]

Collar = Literal["round", "shirt", "v", "roll"]

Glasses = Literal["none", "round", "square"]


@dataclass(frozen=True)
class Person:
    """One person on one day; `measure` holds the values of the curves above by their names."""

    measure: dict[str, float]
    female: bool
    hairdo: Hairdo
    skin: Colour
    hair: Colour
    beard_hair: Colour
    iris: Colour
    clothes: Colour
    collar: Collar
    beard: Beard
    fringe: float
    part: float
    smile: float
    open_mouth: bool
    eye_distance: float
    brow_tilt: float
    glasses: Glasses
    glasses_colour: Colour
    earrings: bool
    freckles: bool


def random_person(age_years: float, rng: np.random.Generator) -> Person:
    """A random person of this age, 0-100 years."""
    measure = _measure(age_years, rng)
    female = bool(rng.random() < 0.5)
    tone = int(rng.choice(len(_SKINS), p=_SKIN_SHARES))
    # Fair hair and light eyes are found on fair skin; the darkest hair on any.
    lightest = max(2, len(_HAIRS) - max(0, tone - 2) * 2)
    pigment = _HAIRS[int(rng.integers(lightest))]
    dyed = female and age_years > 35 and rng.random() < 0.12
    grey = _GREYS[int(rng.integers(len(_GREYS)))]
    hair = mixed(pigment, grey, 0.1 if dyed else measure["grey"])
    beard_hair = mixed(pigment, grey, min(1.0, 1.25 * measure["grey"]))
    # Skin pales and yellows slowly.
    skin = mixed(_SKINS[tone], (214, 196, 166), 0.32 * measure["sagging"])
    return Person(
        measure=measure,
        female=female,
        hairdo=_hairdo(age_years, female, measure, rng),
        skin=skin,
        hair=hair,
        beard_hair=beard_hair,
        iris=_IRISES[int(rng.integers(2 if tone > 4 else len(_IRISES)))],
        clothes=_CLOTHES[int(rng.integers(len(_CLOTHES)))],
        collar=_one_of(rng, ("round", "shirt", "v", "roll"), (0.4, 0.3, 0.15, 0.15)),
        beard=_beard(female, measure, rng),
        fringe=float(rng.random()),
        part=float(rng.uniform(-0.6, 0.6)),
        smile=float(np.clip(rng.normal(0.45, 0.3), -0.2, 1)),
        open_mouth=bool(rng.random() < 0.25),
        eye_distance=float(rng.normal(1, 0.03)),
        brow_tilt=float(rng.normal(0, 0.012)),
        glasses=_one_of(rng, ("none", "round", "square"), _glasses_chances(age_years)),
        glasses_colour=((40, 36, 38), (120, 78, 48), (150, 150, 156), (110, 40, 52))[int(rng.integers(4))],
        earrings=female and age_years > 6 and bool(rng.random() < 0.35),
        freckles=tone < 3 and 3 < age_years < 45 and bool(rng.random() < 0.25),
    )


def _measure(age_years: float, rng: np.random.Generator) -> dict[str, float]:
    looks_like = age_years * np.exp(_PERSON_SPREAD * rng.standard_normal())
    measure = {}
    for name, values in _BY_AGE.items():
        years = looks_like * np.exp(_FEATURE_SPREAD * rng.standard_normal())
        years += _FEATURE_SPREAD_YEARS * rng.standard_normal()
        own = 1 + _OWN_SPREAD.get(name, 0) * rng.standard_normal()
        measure[name] = float(np.interp(years, _AGES, values) * own)
    return measure


def _hairdo(age_years: float, female: bool, measure: dict[str, float], rng: np.random.Generator) -> Hairdo:
    if measure["hair_grown"] < 0.45:
        return "fuzz"
    if measure["hair_grown"] < 0.65 and age_years < 20:
        return "short"
    if not female:
        if rng.random() < 1.1 * (measure["recession"] - 0.35):
            return "horseshoe"
        return _one_of(rng, ("short", "parted", "curly", "long"), (0.38, 0.36, 0.2, 0.06))
    if age_years < 13:
        return _one_of(rng, ("bob", "long", "pigtails", "ponytail", "curly"), (0.25, 0.25, 0.25, 0.15, 0.1))
    if age_years < 55:
        return _one_of(
            rng, ("bob", "long", "bun", "ponytail", "curly", "short"), (0.22, 0.34, 0.12, 0.14, 0.13, 0.05)
        )
    return _one_of(rng, ("bob", "long", "bun", "curly", "short"), (0.28, 0.08, 0.22, 0.27, 0.15))


def _beard(female: bool, measure: dict[str, float], rng: np.random.Generator) -> Beard:
    kinds: tuple[Beard, ...] = ("none", "stubble", "moustache", "full")
    kind = _one_of(rng, kinds, (0.48, 0.2, 0.1, 0.22))
    return "none" if female or measure["beard_grown"] < 0.5 else kind


def _glasses_chances(age_years: float) -> tuple[float, float, float]:
    share = float(np.interp(age_years, (3, 12, 40, 70), (0, 0.12, 0.2, 0.4)))
    return 1 - share, share / 2, share / 2


def _one_of(rng: np.random.Generator, options: tuple[_T, ...], chances: tuple[float, ...]) -> _T:
    return options[int(rng.choice(len(options), p=chances))]
