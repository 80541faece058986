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
        photos: RGB of the size that the model takes, in a store or as an array (n, height, width, 3).
        n_views: views that are averaged: 1 = the photo, 2 = also mirrored, 4 = also the middle 90 % of both.
    """
    data = photos
    if isinstance(photos, PhotoStore):
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


def inference_batch_size(image_size: int) -> int:
    """Photos per batch such that the network holds about 1 GiB of them at a time."""
    return max(1, int(_INFERENCE_BYTES / (_BYTES_PER_PIXEL * image_size**2)))
