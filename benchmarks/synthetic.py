"""Synthetic photos, or rows about photos, in any number, mixed from a few hundred real or drawn faces.

Copies of a photo would be duplicates of each other, which is not what a large folder holds. Mixtures of four
photos each are not: the mean photo plus half the sum of four photos' differences from it has the mean and the
covariance of the photos, so a mixture is as rich in detail and its hash is spread like theirs.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from shopper_age.data.tables import FILE_NAME, LABELS_FILE, REAL_AGE, photo_path, read_labels
from shopper_age.runtime.files import write_csv
from shopper_age.runtime.machine import usable_cores
from shopper_age.validation.duplicates import hash_frequencies, low_frequencies

MAX_INGREDIENTS = 600
# Every so many rows repeat an earlier photo, as a resaved copy would.
ROWS_PER_COPY = 50
_N_MIXED = 4
_ROWS_PER_PORTION = 20_000


def read_ingredients(faces: Path, *, seed: int) -> NDArray[np.uint8]:
    """At most `MAX_INGREDIENTS` photos of a folder, RGB, resized like the first: (n, height, width, 3)."""
    names = read_labels(faces)[FILE_NAME].drop_duplicates()
    names = names.sample(min(MAX_INGREDIENTS, len(names)), random_state=seed)
    size = Image.open(photo_path(faces, names.iloc[0])).size
    photos = [Image.open(photo_path(faces, name)).convert("RGB").resize(size) for name in names]
    return np.stack([np.asarray(photo) for photo in photos])


def write_faces(folder: Path, ingredients: NDArray[np.uint8], *, n: int, seed: int) -> None:
    """Writes `n` mixtures as JPEG photos with their labels."""
    photo_path(folder, "").mkdir(parents=True)
    save = partial(_save_mixture, folder, ingredients, ingredients.mean(axis=0), seed)
    with ThreadPoolExecutor(usable_cores()) as threads:
        list(threads.map(save, range(n)))
    write_labels(folder, n=n, seed=seed)


def write_labels(folder: Path, *, n: int, seed: int) -> None:
    """Writes labels.csv alone: `n` names and ages from 1 to 90 years, most between 10 and 50."""
    ages = 1 + np.floor(90 * np.random.default_rng(seed).beta(2, 4, n)).astype(int)
    table = pd.DataFrame({FILE_NAME: [_name(number) for number in range(n)], REAL_AGE: ages})
    write_csv(folder / LABELS_FILE, table, guarded=False)


def mixed_hashes(ingredients: NDArray[np.uint8], *, n: int, seed: int) -> NDArray[np.uint64]:
    """The perceptual hashes of `n` mixtures, shape (n, 2, 5); some are those of a copy."""
    rng = np.random.default_rng(seed)
    frequencies = np.stack([low_frequencies(Image.fromarray(photo).convert("L")) for photo in ingredients])
    hashes = [
        hash_frequencies(_mix(frequencies, frequencies.mean(axis=0), rng, min(_ROWS_PER_PORTION, n - start)))
        for start in range(0, n, _ROWS_PER_PORTION)
    ]
    result = np.concatenate(hashes)
    copies = np.arange(ROWS_PER_COPY - 1, n, ROWS_PER_COPY)
    result[copies] = result[rng.integers(0, copies)]
    result[copies, :, 0] ^= np.uint64(1) << rng.integers(0, 64, (len(copies), 1), dtype=np.uint64)
    return result


def _save_mixture(
    folder: Path, ingredients: NDArray[np.uint8], mean: NDArray[np.float64], seed: int, number: int
) -> None:
    pixels = _mix(ingredients, mean, np.random.default_rng([seed, number]), 1)[0]
    photo = Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))
    photo.save(photo_path(folder, _name(number)), quality=90)


def _mix(
    ingredients: NDArray[np.generic], mean: NDArray[np.float64], rng: np.random.Generator, n: int
) -> NDArray[np.float64]:
    chosen = ingredients[rng.integers(0, len(ingredients), (n, _N_MIXED))]
    return (chosen.sum(axis=1, dtype=float) - _N_MIXED * mean) / np.sqrt(_N_MIXED) + mean


def _name(number: int) -> str:
    return f"{number:07d}.jpg"
