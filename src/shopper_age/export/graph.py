"""The model as one graph to convert: photos in, estimates out, with preprocessing and views inside."""

import keras
import numpy as np
from keras import ops

from shopper_age.inference.engines import MODEL_MD5, N_VIEWS
from shopper_age.inference.views import with_views
from shopper_age.model.conversion import in_float32

INPUT = "photo"


def inference_graph(model: keras.Model, n_views: int) -> keras.Model:
    """The model with its views, taking uint8 photos, in float32.

    Args:
        model: from `create_model`, or loaded from its file; of any precision.
        n_views: views that are averaged, as in `inference.estimation.estimate`.
    """
    network = in_float32(model)
    # else the export may trace batch normalisation as in training
    network.trainable = False
    photos = keras.Input(model.input_shape[1:], dtype="uint8", name=INPUT)
    graph = keras.Model(photos, with_views(network, n_views, stacked=True)(ops.cast(photos, "float32")))
    graph(np.zeros((1, *model.input_shape[1:]), np.uint8))  # Keras exports only what has been called
    return graph


def metadata(n_views: int, model_md5: str) -> dict[str, str]:
    """What every exported file says of itself."""
    return {MODEL_MD5: model_md5, N_VIEWS: str(n_views)}


def check_inputs(names: list[str]) -> None:
    """Raises RuntimeError where an exported graph takes more than the photo.

    A converter may take a constant for an input.
    """
    if names != [INPUT]:
        raise RuntimeError(f"the exported graph has the inputs {names}, not the photo alone")
