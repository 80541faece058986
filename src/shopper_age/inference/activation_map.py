"""Class activation maps: contribution of each image region to the age, in years."""

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, softmax

from shopper_age.runtime.progress import progress_bar


def activation_maps(model: keras.Model, photos: NDArray[np.uint8]) -> NDArray[np.float64]:
    """One map per photo, shape (n, h, w), in years: above 0 where the spot makes the person older.

    The network ends in a mean over the spots of its last features f (n, h, w, c) and a head. The map is
    Σ_c f(h, w, c) · ∂age/∂mean(c) / (h · w), to first order the share of each spot: with a head of one linear
    unit, all spots and the unit's bias add up to the age exactly. The age of a distribution is its mean here,
    which all features move; the median, which the model predicts, follows from few of the years.

    Args:
        model: as `create_model` builds it.
        photos: raw RGB, shape (n, height, width, 3), of the size the model takes.

    Raises:
        ValueError: the model does not end so, or its head is none that `age_gradient` knows.

    Source: class activation mapping, Zhou et al. 2016, "Learning Deep Features for Discriminative
    Localization", eq. 2; with the gradient as weight, Selvaraju et al. 2017, "Grad-CAM", eq. 1 and 2, here
    without the final ReLU, so that what makes younger is seen too.
    """
    pool, head = _pool_and_head(model)
    n = len(photos)
    with progress_bar("activation maps", n) as advance:
        network = keras.Model(model.input, [pool.input, pool.output])
        features, pooled = network.predict(photos, verbose=0)
        advance(n)
    features = np.asarray(features, dtype=float)
    kernel, bias = (np.asarray(weights, dtype=float) for weights in head.get_weights())
    gradient = age_gradient(pooled, kernel, bias, activation=keras.activations.serialize(head.activation))
    n_spots = features.shape[1] * features.shape[2]
    return np.einsum("nhwc,nc->nhw", features, gradient) / n_spots


def age_gradient(
    pooled: ArrayLike, kernel: NDArray[np.float64], bias: NDArray[np.float64], *, activation: str
) -> NDArray[np.float64]:
    """∂age/∂pooled, shape (n, c), in years per unit, of a head age(z) with z = pooled · kernel + bias.

    * `linear`, one unit: age = z, ∂age/∂z = 1.
    * `softmax` over the years k: age = Σ_k k·p_k, ∂age/∂z_k = p_k · (k − age).
    * `log_sigmoid`, the chain "older than k, given older than k − 1": with s = sigmoid(z) and
      P(age > k) = Π_{j≤k} s_j, age = Σ_k P(age > k), ∂age/∂z_j = (1 − s_j) · Σ_{k≥j} P(age > k).

    Raises:
        ValueError: the activation is another one.
    """
    logits = np.asarray(pooled, dtype=float) @ kernel + bias
    match activation:
        case "linear" if logits.shape[1] == 1:
            by_logit = np.ones_like(logits)
        case "softmax":
            p, years = softmax(logits, axis=1), np.arange(logits.shape[1])
            by_logit = p * (years - p @ years[:, None])
        case "log_sigmoid":
            p_older = np.cumprod(expit(logits), axis=1)
            by_logit = expit(-logits) * np.cumsum(p_older[:, ::-1], axis=1)[:, ::-1]
        case _:
            raise ValueError(
                f"the head must be linear with one unit, softmax or log_sigmoid for an activation map; found "
                f"{activation} with {logits.shape[1]} units"
            )
    return by_logit @ kernel.T


def _pool_and_head(model: keras.Model) -> tuple[keras.layers.Layer, keras.layers.Dense]:
    """The layer that averages the last features over the photo, and the Dense layer behind it."""
    pool = None
    for layer in model.layers:
        if isinstance(layer, keras.layers.GlobalAveragePooling2D):
            pool = layer
        elif pool is not None and isinstance(layer, keras.layers.Dense):
            return pool, layer
    raise ValueError("an activation map needs a model that ends in GlobalAveragePooling2D and a Dense layer")
