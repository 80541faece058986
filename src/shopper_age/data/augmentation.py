"""Random augmentation of photos: affine maps, brightness, contrast, erasing.

What moves pixels (flip, rotation, zoom, shift) is one affine map for each photo: the photo is resampled once,
where a chain of layers would blur it at each step, and sharpened before by what that once takes away. Skin is
what tells the age, and a network that learns from blurred photos misjudges the sharp ones it is asked about.
What changes the values (brightness, contrast) is one table of 256 entries.

All follow from a seed of two whole numbers: equal seeds give equal changes, in any process and any order of
calls, which is what makes an interrupted training resume exactly.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from shopper_age.params import AugmentationParams
from shopper_age.runtime.threads import in_threads

_WHITE = 255

# Bilinear resampling leaves 1 - (1 - cos w) / 3 of the power at a frequency w, on average over all shifts of
# less than a pixel. Up to half the highest frequency this filter undoes that to 5 %.
_SHARPEN = np.array([-1, 10, -1], np.float32) / 8

# Of what random erasing blanks: the share of the photo's area, and the longest side to the shortest.
_ERASED_AREA = (0.02, 0.2)

_ERASED_ASPECT = 2.0


def augment(
    photos: NDArray[np.uint8],
    seed: Sequence[int],
    settings: AugmentationParams,
    *,
    n_batch: int | None = None,
    first: int = 0,
) -> NDArray[np.uint8]:
    """Photos flipped, turned, zoomed, shifted, recoloured and blanked in part, each by its own draw.

    The photo's border fills what opens at its sides.

    Args:
        photos: uint8 (n, side, side, 3).
        seed: two numbers, 0 or more, as `batch_seed` makes them.
        n_batch, first: where the photos are a part of a batch, the size of that and the place of the first
            one: they are changed as they would be in the whole batch.
    """
    if not any(settings.model_dump().values()):
        return photos
    resamples = settings.rotation_degrees or settings.zoom or settings.shift
    warps = resamples or settings.horizontal_flip
    changes_colour = settings.brightness or settings.contrast
    n, side_px = n_batch or len(photos), photos.shape[1]
    rng = np.random.default_rng(seed)
    matrices = random_affine_maps(n, side_px, rng, settings)
    brightness = rng.uniform(-1, 1, n) * settings.brightness * _WHITE
    contrast = 1 + rng.uniform(-1, 1, n) * settings.contrast
    is_erased = rng.random(n) < settings.erasing
    boxes = random_boxes(n, side_px, rng)
    colours = rng.integers(0, _WHITE + 1, (n, 3))
    changed = np.empty_like(photos) if warps else photos.copy()

    def change(position: int) -> None:
        photo, index = changed[position], first + position
        if warps:
            cv2.warpAffine(
                cv2.sepFilter2D(photos[position], -1, _SHARPEN, _SHARPEN) if resamples else photos[position],
                matrices[index],
                (side_px, side_px),
                dst=photo,
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            )
        if changes_colour:
            mean = np.mean(cv2.mean(photo)[:3])
            cv2.LUT(photo, tone_curve(mean, brightness[index], contrast[index]), dst=photo)
        if is_erased[index]:
            top, left, bottom, right = boxes[index]
            photo[top:bottom, left:right] = colours[index]

    in_threads(change, len(photos))
    return changed


def batch_seed(seed: int, epoch: int, step: int) -> tuple[int, int]:
    """The seed of a batch: a number for the training's seed and the epoch, one for the step."""
    return epoch * 7919 + seed, step


def random_affine_maps(
    n: int, side_px: int, rng: np.random.Generator, settings: AugmentationParams
) -> NDArray[np.float64]:
    """For each of n photos where a pixel of the new photo lies in the old one, shape (n, 2, 3), in pixels.

    The draws are those of Keras's layers RandomFlip, RandomRotation, RandomZoom (which keeps proportions) and
    RandomTranslation, applied in this order.
    """
    angle = np.radians(rng.uniform(-1, 1, n) * settings.rotation_degrees)
    scale = 1 + rng.uniform(-1, 1, n) * settings.zoom
    shift = rng.uniform(-1, 1, (n, 2)) * settings.shift * side_px
    mirror = np.where(rng.random(n) < 0.5 * settings.horizontal_flip, -1.0, 1.0)

    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]).transpose(2, 0, 1)
    linear = scale[:, None, None] * turn
    linear[:, 0] *= mirror[:, None]
    centre = np.full(2, (side_px - 1) / 2)
    offset = centre - linear @ centre - np.einsum("nij,nj->ni", linear, shift)
    return np.concatenate([linear, offset[..., None]], axis=2)


def random_boxes(n: int, side_px: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """For each of n photos what random erasing would blank: (n, 4), top, left, bottom, right, in pixels.

    The middle lies anywhere in the photo, so that a part of the rectangle may lie outside.

    Source: Zhong et al. 2020, "Random Erasing Data Augmentation", sec. 3.2.
    """
    area = rng.uniform(*_ERASED_AREA, n)
    aspect = _ERASED_ASPECT ** rng.uniform(-1, 1, n)
    sides = np.sqrt(np.stack([area * aspect, area / aspect], axis=1))
    corner = rng.random((n, 2)) - sides / 2
    box = np.concatenate([corner, corner + sides], axis=1)
    return (box.clip(0, 1) * side_px).round().astype(np.int64)


def tone_curve(mean: float, brightness: float, contrast: float) -> NDArray[np.uint8]:
    """What becomes of each value 0-255, shape (256,): lifted by `brightness`, then spread around the mean.

    Args:
        mean: of the photo's values, 0-255.
        brightness: -255 to 255.
        contrast: factor of the distance from the mean, 0 or more.
    """
    values = (np.arange(_WHITE + 1) + brightness).clip(0, _WHITE)
    new_mean = np.clip(mean + brightness, 0, _WHITE)
    return ((values - new_mean) * contrast + new_mean).clip(0, _WHITE).round().astype(np.uint8)


# White around each photo of a sheet.
_GAP_PX = 2


def augmentation_sheet(
    train_data: Iterable[tuple[Any, Any]], *, n_rows: int = 3, n_columns: int = 8
) -> np.ndarray:
    """The first photos as training sees them, side by side in one picture: uint8 RGB, (height, width, 3)."""
    photos: list[np.ndarray] = []
    for batch, _ in train_data:
        photos += list(np.asarray(batch).astype(np.uint8))
        if len(photos) >= n_rows * n_columns:
            break
    photos += [np.full_like(photos[0], 255)] * (n_rows * n_columns - len(photos))
    around = ((_GAP_PX, _GAP_PX), (_GAP_PX, _GAP_PX), (0, 0))
    framed = [np.pad(photo, around, constant_values=255) for photo in photos]
    rows = [np.concatenate(framed[i * n_columns : (i + 1) * n_columns], axis=1) for i in range(n_rows)]
    return np.concatenate(rows)
