"""Estimation of ages with a Keras model."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from shopper_age.data.batches import plain_errors
from shopper_age.data.readers import photo_batches
from shopper_age.data.store import PhotoStore
from shopper_age.inference.estimates import Estimates
from shopper_age.inference.views import with_views
from shopper_age.model.heads import AGE, AGE_DISTRIBUTION
from shopper_age.runtime.progress import progress_bar

_INFERENCE_BYTES = 2**30

# Of ResNet50's activations that live at the same time, measured as the growth of memory with the batch.
_BYTES_PER_PIXEL = 12 * 2**20 / 224**2


class CountPhotos(keras.callbacks.Callback):
    """Tells a progress bar of the photos of each finished batch.

    Args:
        advance: takes how many more are done.
        n: of all photos; what fills the last batch up does not count.
    """

    def __init__(self, advance: Callable[[int], None], n: int) -> None:
        super().__init__()
        self._advance = advance
        self._n_left = n

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        n_more = min(len(keras.tree.flatten(logs)[0]), self._n_left)
        self._n_left -= n_more
        self._advance(n_more)


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
    n = len(photos)
    with plain_errors(data), progress_bar("estimating ages", n) as advance:
        callback = CountPhotos(advance, n)
        output = with_views(model, n_views).predict(data, verbose=0, callbacks=[callback])
    # `photo_batches` fills the last batch up
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
