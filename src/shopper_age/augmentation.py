"""Random changes of training photos that leave the age as it is, by Keras's own layers."""

from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
from keras import layers

from shopper_age.params import AugmentationParams

_PIXELS = (0, 255)


def random_layers(settings: AugmentationParams) -> list[Any]:
    """Keras's random image layers for every strength that is not 0, in the order they are applied."""
    return [
        layer
        for strength, layer in (
            (settings.horizontal_flip, lambda: layers.RandomFlip("horizontal")),
            (
                settings.rotation_degrees,
                lambda: layers.RandomRotation(settings.rotation_degrees / 360, fill_mode="nearest"),
            ),
            (settings.zoom, lambda: layers.RandomZoom((-settings.zoom, settings.zoom), fill_mode="nearest")),
            (
                settings.shift,
                lambda: layers.RandomTranslation(settings.shift, settings.shift, fill_mode="nearest"),
            ),
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


def augmenter(settings: AugmentationParams) -> Callable[[Any, Any], Any]:
    """A function of a batch, float32 RGB 0-255 of shape (n, height, width, 3), and a key; same shape back.

    The key is an integer tensor of shape (2,). Equal keys give equal changes, in any process and any order
    of calls, which is what makes an interrupted training resume exactly.
    """
    chain = random_layers(settings)

    def augment(photos: Any, key: Any) -> Any:
        seed = _KeyedSeed(key)
        for layer in chain:
            change = layer.get_random_transformation(photos, training=True, seed=seed)
            photos = layer.transform_images(photos, change, training=True)
        return photos

    return augment


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
