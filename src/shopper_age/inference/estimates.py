"""Estimates of a model for photos: age and age distribution."""

import sys
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from shopper_age.data.batches import plain_errors
from shopper_age.data.readers import photo_batches
from shopper_age.data.store import PhotoStore
from shopper_age.inference.views import with_views
from shopper_age.model.heads import AGE, AGE_DISTRIBUTION

_INFERENCE_BYTES = 2**30

# Of ResNet50's activations that live at the same time, measured as the growth of memory with the batch.
_BYTES_PER_PIXEL = 12 * 2**20 / 224**2


@dataclass(frozen=True)
class Estimates:
    """The estimated ages of n photos, shape (n,), in years."""

    age: NDArray[np.float64]
    # Probabilities of the years 0–100, shape (n, 101); None of a model that answers with a number alone.
    distribution: NDArray[np.float64] | None = None

    def sd(self) -> NDArray[np.float64] | None:
        """Standard deviation of each age distribution, shape (n,), in years; None without distributions.

        Within a year of life ages are taken as evenly spread, which adds their variance of 1/12: all weight
        on one year gives 0.289, not 0.
        """
        if self.distribution is None:
            return None
        years = np.arange(self.distribution.shape[1])
        mean = self.distribution @ years
        variance = (self.distribution * (years - mean[:, np.newaxis]) ** 2).sum(axis=1)
        return np.sqrt(variance + 1 / 12)

    def p_under(self, age: int) -> NDArray[np.float64] | None:
        """The probability that each person is younger than `age` years, shape (n,); None as for `sd`."""
        return None if self.distribution is None else self.distribution[:, :age].sum(axis=1)


def estimate(model: keras.Model, photos: PhotoStore | NDArray[np.uint8], *, n_views: int = 1) -> Estimates:
    """The model's estimates of photos, in their order.

    Args:
        model: from `create_model`, or loaded from its file.
        photos: RGB, 0–255, of the size that the model takes, in a store or as an array (n, height, width, 3).
        n_views: views that are averaged: 1 = the photo, 2 = also mirrored, 4 = also the middle 90 % of both.

    Raises:
        ValueError: an array has another shape, or values that cannot be 0–255.
    """
    data = photos
    if not isinstance(photos, PhotoStore):
        check_photos(photos, model.input_shape[1:])
    else:
        data = photo_batches(photos, inference_batch_size(photos.size_px))
    # A progress bar is for people who watch; in a log file it is 100 KB of control characters.
    verbose = "auto" if sys.stdout.isatty() else 0
    with plain_errors(data):
        output = with_views(model, n_views).predict(data, verbose=verbose)
    n = len(photos)  # `photo_batches` fills the last batch up
    distribution = output.get(AGE_DISTRIBUTION)
    return Estimates(
        output[AGE][:n, 0].astype(float), None if distribution is None else distribution[:n].astype(float)
    )


def check_photos(photos: NDArray[np.generic], shape: tuple[int, ...]) -> None:
    """Raises ValueError for what cannot be photos as models here take them: RGB, 0–255, of this shape each.

    A model would answer with wrong ages. Colours in BGR order and photos on their side look like others.
    """
    if photos.ndim != len(shape) + 1 or photos.shape[1:] != shape:
        raise ValueError(
            f"the model takes photos of shape (n, {', '.join(map(str, shape))}); received {photos.shape}"
        )
    if photos.dtype.kind not in "iuf":
        raise ValueError(f"photos are numbers of 0–255; received an array of {photos.dtype}")
    if not photos.size or photos.dtype == np.uint8:  # as decoded
        return
    low, high = float(photos.min()), float(photos.max())
    if not 0 <= low <= high <= 255 or (photos.dtype.kind == "f" and 0 < high <= 1):
        scaled = " do not divide by 255 or subtract a mean" if low > -10 and high <= 10 else ""
        raise ValueError(
            f"photos hold values of {low:g} to {high:g}, but the model takes 0–255 as decoded and does its "
            f"own preprocessing:{scaled or ' pass them as they are read'}"
        )


def inference_batch_size(image_size: int) -> int:
    """Photos per batch such that the network holds about 1 GiB of them at a time."""
    return max(1, int(_INFERENCE_BYTES / (_BYTES_PER_PIXEL * image_size**2)))
