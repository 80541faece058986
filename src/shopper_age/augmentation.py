"""Random changes of training photos that leave the age as it is.

What moves pixels (flip, rotation, zoom, shift) is one affine map for each photo: the photo is resampled once,
where a chain of layers would blur it at each step, and the skin's texture is what tells the age. What changes
their values are Keras's own layers.

Either follows from a key of two whole numbers: equal keys give equal changes, in any process and any order of
calls, which is what makes an interrupted training resume exactly.
"""

from collections.abc import Callable, Iterable
from typing import Any

import cv2
import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from shopper_age.params import AugmentationParams
from shopper_age.threads import in_threads

_PIXELS = (0, 255)


def move(
    photos: NDArray[np.uint8], key: NDArray[np.int64], settings: AugmentationParams
) -> NDArray[np.uint8]:
    """Photos flipped, turned, zoomed and shifted, each by its own draw; the photo's border fills what opens.

    Args:
        photos: uint8 (n, side, side, 3).
        key: two numbers, 0 or more.
    """
    if not (settings.horizontal_flip or settings.rotation_degrees or settings.zoom or settings.shift):
        return photos
    matrices = random_affine_maps(len(photos), photos.shape[1], np.random.default_rng(key), settings)
    moved = np.empty_like(photos)

    def warp(number: int) -> None:
        cv2.warpAffine(
            photos[number],
            matrices[number],
            photos.shape[1:3],
            dst=moved[number],
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )

    in_threads(warp, len(photos))
    return moved


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


def colour_layers(settings: AugmentationParams) -> list[Any]:
    """Keras's layers that change values alone, for every strength that is not 0, in the order applied."""
    return [
        layer
        for strength, layer in (
            (settings.brightness, lambda: layers.RandomBrightness(settings.brightness, value_range=_PIXELS)),
            (settings.contrast, lambda: layers.RandomContrast(settings.contrast, value_range=_PIXELS)),
            (
                settings.erasing,
                lambda: layers.RandomErasing(settings.erasing, scale=(0.02, 0.2), value_range=_PIXELS),
            ),
        )
        if strength
        for layer in [layer()]
    ]


def recolourer(settings: AugmentationParams) -> Callable[[Any, Any], Any]:
    """A function of a batch, uint8 RGB of shape (n, height, width, 3), and a key; the same back."""
    chain = colour_layers(settings)

    def recolour(photos: Any, key: Any) -> Any:
        seed = _KeyedSeed(key)
        photos = keras.ops.cast(photos, "float32")
        for layer in chain:
            change = layer.get_random_transformation(photos, training=True, seed=seed)
            photos = layer.transform_images(photos, change, training=True)
        return keras.ops.cast(keras.ops.round(photos), "uint8")

    return recolour


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
    rows = [np.concatenate(photos[i * n_columns : (i + 1) * n_columns], axis=1) for i in range(n_rows)]
    return np.concatenate(rows)


class _KeyedSeed(keras.random.SeedGenerator):
    """Seeds that follow from a key alone, where Keras's generator counts in a variable."""

    def __init__(self, key: Any) -> None:  # on purpose without the parent's, which makes that variable
        self._key = key
        self._n_drawn = 0

    def next(self, ordered: bool = True) -> Any:  # noqa: ARG002 - Keras's signature
        self._n_drawn += 1
        return keras.ops.cast(self._key, "int32") * 31 + self._n_drawn
