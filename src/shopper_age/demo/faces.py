"""Folders of drawn faces with ages.

They let the whole pipeline run without anyone's photo. They say nothing about how well a network reads
the age of people.
"""

import os
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageFilter, ImageOps

from shopper_age.data.tables import FILE_NAME, LABELS_FILE, PHOTO_FOLDER, REAL_AGE, photo_path
from shopper_age.demo.drawing.backdrop import paint_backdrop
from shopper_age.demo.drawing.canvas import Canvas, Pose
from shopper_age.demo.drawing.person import random_person
from shopper_age.demo.drawing.portrait import paint_portrait
from shopper_age.runtime.files import write_csv
from shopper_age.runtime.progress import progress_bar

SIDE_PX = 224

MIN_AGE, MAX_AGE = 1, 90

# Photos are drawn larger and reduced, for smooth edges.
_OVERSAMPLING = 3

_JPEG_QUALITY = 92

# How many people of an age there are, as customers go: most between 20 and 45, but every age is met.
_DENSITY_AGES = (1, 6, 12, 18, 26, 36, 46, 60, 75, 90)

_AGE_DENSITY = (1.0, 0.8, 0.7, 1.2, 1.9, 1.7, 1.1, 0.7, 0.5, 0.25)

# What goes wrong with a photo, each with this chance; at most one fault a photo.
_FAULTS = ("turned", "off_centre", "dim", "blurred", "greyscale")

_FAULT_SHARE = 0.04


def draw_face(age_years: float, rng: np.random.Generator) -> Image.Image:
    """A photo of a random person of this age (0-100 years): 224 x 224, RGB, a few greyscale (L)."""
    chances = [1 - _FAULT_SHARE * len(_FAULTS)] + [_FAULT_SHARE] * len(_FAULTS)
    fault = ("none", *_FAULTS)[int(rng.choice(len(chances), p=chances))]
    picture = paint_backdrop(_OVERSAMPLING * SIDE_PX, rng)
    paint_portrait(Canvas(picture, _pose(fault, rng)), random_person(age_years, rng), rng)
    return _photographed(picture.reduce(_OVERSAMPLING), fault, rng)


def draw_faces(folder: str | Path, *, n: int, seed: int, workers: int = 1) -> pd.DataFrame:
    """Draws `n` faces and writes them as labels.csv and final_files/ into a new folder; returns the labels.

    The same `n` and seed give the same bytes on one machine, whatever the number of worker processes.
    The folder appears when it is complete.

    Raises:
        FileExistsError: the folder exists and is not empty; photos are never overwritten.
        ValueError: `n` is below 1.
    """
    if n < 1:
        raise ValueError(f"n is {n}; draw at least one face.")
    ages = draw_ages(n, np.random.default_rng(seed))
    labels = pd.DataFrame({FILE_NAME: [f"{i:06d}.jpg" for i in range(n)], REAL_AGE: ages})
    with _new_folder(Path(folder)) as unfinished:
        (unfinished / PHOTO_FOLDER).mkdir()
        save = partial(_save_face, unfinished, seed)
        rows = range(n), labels[FILE_NAME], labels[REAL_AGE]
        with progress_bar("drawing", n) as advance:
            if workers > 1:
                with _processes(workers) as pool:
                    for _ in pool.map(save, *rows, chunksize=8):
                        advance(1)
            else:
                for _ in map(save, *rows):
                    advance(1)
        write_csv(unfinished / LABELS_FILE, labels, guarded=False)
    return labels


@contextmanager
def _processes(n: int) -> Iterator[ProcessPoolExecutor]:
    """Processes to draw in, which leave Ctrl-C to this one and draw nothing more when the block raises.

    Spawned, not forked: a forked copy of a process that has threads may hang.
    """
    pool = ProcessPoolExecutor(
        n,
        mp_context=get_context("spawn"),
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def draw_ages(n: int, rng: np.random.Generator) -> np.ndarray:
    """`n` whole ages, 1-90 years, in random order; their distribution hardly depends on chance."""
    ages = np.arange(MIN_AGE, MAX_AGE + 1)
    cumulative = np.cumsum(np.interp(ages, _DENSITY_AGES, _AGE_DENSITY))
    quantiles = (np.arange(n) + rng.random(n)) / n
    return rng.permutation(ages[np.searchsorted(cumulative / cumulative[-1], quantiles)])


def _save_face(folder: Path, seed: int, number: int, file_name: str, age_years: int) -> None:
    # A generator for each photo, so that none depends on how many were drawn before it.
    photo = draw_face(age_years, np.random.default_rng([seed, number]))
    photo.save(photo_path(folder, file_name), quality=_JPEG_QUALITY)


def _pose(fault: str, rng: np.random.Generator) -> Pose:
    turn, (x, y) = rng.normal(0, 3), rng.normal(0, 0.035, 2)
    if fault == "turned":
        turn += rng.choice((-1, 1)) * rng.uniform(15, 28)
    if fault == "off_centre":
        x, y = x + rng.choice((-1, 1)) * rng.uniform(0.18, 0.34), y + rng.uniform(-0.1, 0.2)
    return Pose(float(turn), float(rng.uniform(1.0, 1.14)), float(x), float(y))


def _photographed(picture: Image.Image, fault: str, rng: np.random.Generator) -> Image.Image:
    """The picture as a camera takes it: mirrored or not, in the light of the day, with its noise."""
    if rng.random() < 0.5:
        picture = ImageOps.mirror(picture)
    if fault == "blurred":
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(1.5, 2.6))))
    across = np.linspace(-1, 1, SIDE_PX)
    angle, slope = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.15)
    exposure = rng.uniform(0.36, 0.52) if fault == "dim" else rng.normal(1.02, 0.06)
    light = exposure * (1 + slope * (np.cos(angle) * across + np.sin(angle) * across[:, None]))
    gain = (light[..., None] * rng.normal(1, 0.025, 3)).astype(np.float32)
    noise = 2 * rng.standard_normal((SIDE_PX, SIDE_PX, 1), dtype=np.float32)
    pixels = np.asarray(picture) * gain + noise
    photo = Image.fromarray(np.clip(np.round(pixels), 0, 255).astype(np.uint8))
    return photo.convert("L") if fault == "greyscale" else photo


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` that takes its place when the block ends well and vanishes otherwise."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} exists and is not empty: remove it or name another folder.")
    unfinished = folder.with_name(f".{folder.name}-{os.getpid()}")
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        if folder.exists():
            folder.rmdir()
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
