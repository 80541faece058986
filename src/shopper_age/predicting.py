"""Photos in, estimates out."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from shopper_age.evaluation import Estimates
from shopper_age.losses import median_age
from shopper_age.model import AGE, AGE_DISTRIBUTION, is_distribution_model

_CROP = 0.9
_INFERENCE_BYTES = 2**30
# Of ResNet50's activations that live at the same time, measured as the growth of memory with the batch.
_BYTES_PER_PIXEL = 12 * 2**20 / 224**2


def estimate(model: keras.Model, data: Any, y_true: np.ndarray, *, n_views: int = 1) -> Estimates:
    """What the model says of each photo.

    Args:
        model: from `create_model`, or loaded from its file.
        data: whatever `model.predict` takes, in the order of `y_true`; what follows after the last of these,
            as `photo_batches` pads, is left out.
        y_true: shape (n,), years.
        n_views: views that are averaged: 1 = the photo, 2 = also mirrored, 4 = also the middle 90 % of both.
    """
    answer = with_views(model, n_views).predict(data, verbose="auto")
    distribution = answer.get(AGE_DISTRIBUTION)
    n = len(y_true)
    return Estimates(
        np.asarray(y_true, float),
        answer[AGE][:n, 0].astype(float),
        None if distribution is None else distribution[:n].astype(float),
    )


def inference_batch_size(image_size: int) -> int:
    """Photos per batch such that the network holds about 1 GiB of them at a time."""
    return max(1, int(_INFERENCE_BYTES / (_BYTES_PER_PIXEL * image_size**2)))


def with_views(model: keras.Model, n_views: int) -> keras.Model:
    """A model of the same photos that averages the answers to `n_views` views of each, as a dict by output.

    Of a model that answers with distributions, these are averaged, and the age is the median of the average.

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
    answers = [_as_dict(model, model(view)) for view in views]
    mean = {name: sum(answer[name] for answer in answers) / len(answers) for name in answers[0]}
    if AGE_DISTRIBUTION in mean:
        mean[AGE] = median_age(mean[AGE_DISTRIBUTION])
    return keras.Model(photos, mean)


def _as_dict(model: keras.Model, answer: Any) -> dict[str, Any]:
    return answer if is_distribution_model(model) else {AGE: answer}
