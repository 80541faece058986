"""Small photos for tests: smooth coloured patterns, each as unlike the others as two faces are."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from shopper_age.params import ValidateDataParams

# Rules of stage validate_data that small photos keep.
VALIDATION = ValidateDataParams(
    min_age=0,
    max_age=100,
    min_side_px=32,
    max_pixels=1_000_000,
    near_duplicate_bits=4,
    count_faces=False,
    max_bad_share=0.05,
    workers=1,
)


def small_photo(seed: int, size: tuple[int, int] = (64, 64)) -> Image.Image:
    """An RGB pattern of 8 x 8 soft spots, its size given as (width, height) in pixels."""
    spots = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(spots).resize(size, Image.Resampling.BICUBIC)


def make_faces(data_path: Path, labels: str, photos: Mapping[str, Image.Image]) -> Path:
    """Writes labels.csv and final_files/ below `data_path`, and returns it."""
    folder = data_path / "final_files"
    folder.mkdir(parents=True, exist_ok=True)
    (data_path / "labels.csv").write_text(labels, encoding="utf-8")
    for name, photo in photos.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        photo.save(path)
    return data_path
