"""Views of a photo (mirrored, cropped) whose predictions are averaged."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from shopper_age.model.distribution import median_age
from shopper_age.model.heads import AGE, AGE_DISTRIBUTION, is_distribution_model

_CROP = 0.9


def with_views(model: keras.Model, n_views: int, *, stacked: bool = False) -> keras.Model:
    """A model of the same photos that averages its outputs for `n_views` views of each, as a dict by name.

    Of a model that predicts distributions, these are averaged, and the age is the median of the average.

    Args:
        n_views: 1 = the photo, 2 = also mirrored, 4 = also the middle 90 % of both.
        stacked: for exports. The network sees all views as one batch, which takes the memory of so many
            photos, and is in the graph once: a converter would copy its weights for each view. Crops are
            resized by products with matrices, for not every runtime can resize bicubically.

    Raises:
        ValueError: `n_views` is not 1, 2 or 4.
    """
    photos = keras.Input(model.input_shape[1:], name="photo")
    views = _views(photos, n_views, by_products=stacked)
    if stacked:
        found = _as_dict(model, model(ops.concatenate(views, axis=0)))
        mean = {
            name: ops.mean(ops.reshape(output, (n_views, -1, output.shape[-1])), axis=0)
            for name, output in found.items()
        }
    else:
        outputs = [_as_dict(model, model(view)) for view in views]
        mean = {name: sum(output[name] for output in outputs) / len(outputs) for name in outputs[0]}
    if AGE_DISTRIBUTION in mean:
        mean[AGE] = median_age(mean[AGE_DISTRIBUTION])
    return keras.Model(photos, mean)


def _views(photos: Any, n_views: int, *, by_products: bool) -> list[Any]:
    if n_views not in (1, 2, 4):
        raise ValueError(f"n_views must be 1, 2 or 4, received {n_views}")
    views = [photos]
    if n_views >= 2:
        views.append(ops.flip(photos, axis=2))
    if n_views == 4:
        height, width = photos.shape[1:3]
        crop = _middle_by_products if by_products else _middle(height, width)
        views += [crop(view) for view in views]
    return views


def _middle(height: int, width: int) -> Callable[[Any], Any]:
    """The middle of photos of this size, enlarged to it again."""
    return keras.Sequential(
        [
            layers.CenterCrop(round(_CROP * height), round(_CROP * width)),
            layers.Resizing(height, width, interpolation="bicubic"),  # bilinear blurs, which looks young
        ]
    )


def _middle_by_products(photos: Any) -> Any:
    """What `_middle` returns: linear in the pixels of each row and of each column, so two products."""
    for _ in range(2):
        photos = ops.transpose(photos, (0, 2, 3, 1))  # the height comes last, then the width
        photos = ops.matmul(photos, _middle_of_a_line(photos.shape[-1]))
    return ops.transpose(photos, (0, 2, 3, 1))


def _middle_of_a_line(length: int) -> NDArray[np.float32]:
    """How much of each pixel of a line, row, goes into each pixel of its enlarged middle, column."""
    one_bright_pixel_each = np.eye(length, dtype=np.float32)[..., np.newaxis, np.newaxis]
    return ops.convert_to_numpy(_middle(length, 1)(one_bright_pixel_each))[..., 0, 0]


def _as_dict(model: keras.Model, output: Any) -> dict[str, Any]:
    return output if is_distribution_model(model) else {AGE: output}
