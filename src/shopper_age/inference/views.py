"""Views of a photo (mirrored, cropped) whose predictions are averaged."""

from typing import Any

import keras
from keras import layers, ops

from shopper_age.model.distribution import median_age
from shopper_age.model.heads import AGE, AGE_DISTRIBUTION, is_distribution_model

_CROP = 0.9


def with_views(model: keras.Model, n_views: int) -> keras.Model:
    """A model of the same photos that averages its outputs for `n_views` views of each, as a dict by name.

    Of a model that predicts distributions, these are averaged, and the age is the median of the average.

    Raises:
        ValueError: `n_views` is not 1, 2 or 4.
    """
    if n_views not in (1, 2, 4):
        raise ValueError(f"n_views must be 1, 2 or 4, received {n_views}")
    photos = keras.Input(model.input_shape[1:], name="photo")
    views = [photos]
    if n_views >= 2:
        views.append(ops.flip(photos, axis=2))
    if n_views == 4:
        height, width = model.input_shape[1:3]
        crop = keras.Sequential(
            [
                layers.CenterCrop(round(_CROP * height), round(_CROP * width)),
                layers.Resizing(height, width, interpolation="bicubic"),  # bilinear blurs, which looks young
            ]
        )
        views += [crop(view) for view in views]
    outputs = [_as_dict(model, model(view)) for view in views]
    mean = {name: sum(output[name] for output in outputs) / len(outputs) for name in outputs[0]}
    if AGE_DISTRIBUTION in mean:
        mean[AGE] = median_age(mean[AGE_DISTRIBUTION])
    return keras.Model(photos, mean)


def _as_dict(model: keras.Model, output: Any) -> dict[str, Any]:
    return output if is_distribution_model(model) else {AGE: output}
