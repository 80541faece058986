"""Initial weights of the backbone: ImageNet, random, or a file."""

from dataclasses import dataclass
from pathlib import Path

import h5py
import keras
import numpy as np

from shopper_age.model.weights_file import check_weights_file

# How Keras's ResNet50 names the batch normalisation after the third convolution of a block.
_LAST_SCALE_OF_A_BLOCK = "_3_bn"

_NOTOP_FILE = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"


@dataclass(frozen=True)
class LoadedWeights:
    """Which layers of the backbone got weights from where."""

    source: str  # "imagenet", "random" or the file
    loaded: list[str]
    left_random: list[str]
    unused: list[str]  # layers of the source that the backbone does not have

    def describe(self) -> str:
        """For example "86 of 106 backbone layers from part.weights.h5; left random: conv5_block1_1_conv"."""
        n_layers = len(self.loaded) + len(self.left_random)
        return (
            f"{len(self.loaded)} of {n_layers} backbone layers from {self.source}"
            + (f"; left random: {_some(self.left_random)}" if self.left_random else "")
            + (f"; not used: {_some(self.unused)}" if self.unused else "")
        )


def load_backbone_weights(model: keras.Model, weights: str) -> LoadedWeights:
    """Puts `weights` into the layers of `model` that ResNet50 (without top) has, and returns which got some.

    Residual blocks that stay random start as the identity: the last scale of each is set to 0, so that what
    the blocks before them know reaches the head at once.
    Source: Goyal et al. 2017, "Accurate, Large Minibatch SGD", sec. 5.1.

    Args:
        model: a model whose backbone layers carry the names of `keras.applications.ResNet50`.
        weights: "imagenet", "random" (nothing is loaded), or the path of a .weights.h5, .h5 or .keras file.

    Raises:
        OSError: the download failed, there is no such file, or it cannot be read.
        ValueError: the file has nothing for this backbone, or arrays of another shape.
    """
    backbone = [layer for layer in model.layers if layer.weights and _is_backbone(layer.name)]
    if weights == "random":
        _start_as_identity(backbone)
        return LoadedWeights(weights, loaded=[], left_random=[layer.name for layer in backbone], unused=[])
    arrays = _imagenet_arrays() if weights == "imagenet" else read_layer_arrays(Path(weights))
    found = [layer for layer in backbone if layer.name in arrays]
    if not found:
        raise ValueError(
            f"weights: {weights} holds no layer of ResNet50 (it has {_some(sorted(arrays))}); "
            "give a file that was saved from a ResNet50, or weights=random"
        )
    for layer in found:
        shapes = [tuple(array.shape) for array in arrays[layer.name]]
        expected = [tuple(variable.shape) for variable in layer.weights]
        if shapes != expected:
            raise ValueError(
                f"weights: in {weights} layer {layer.name} has shapes {shapes}, ResNet50's are {expected}"
            )
        layer.set_weights(arrays[layer.name])
    left_random = [layer for layer in backbone if layer.name not in arrays]
    _start_as_identity(left_random)
    loaded = [layer.name for layer in found]
    return LoadedWeights(
        weights, loaded, [layer.name for layer in left_random], unused=sorted(set(arrays) - set(loaded))
    )


def read_layer_arrays(path: Path) -> dict[str, list[np.ndarray]]:
    """The arrays of every layer in a file of weights, by layer name, in the order of `Layer.weights`.

    Keras's own `load_weights` goes by the place of a layer in the network and skips what does not fit: into a
    plain ResNet50 it puts a part of an age model's convolutions, some in the wrong layer, and raises nothing.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"weights: no file {path}; give the path of a .weights.h5 or .keras file, or imagenet, or random"
        )
    try:
        check_weights_file(path)
        if path.suffix == ".keras":
            return _layers_of(keras.models.load_model(path, compile=False))
        with h5py.File(path) as file:
            return _keras2_arrays(file) if "layer_names" in file.attrs else _keras3_arrays(file)
    except Exception as error:  # Keras raises whatever a broken configuration leads it to
        raise ValueError(
            f"weights: {path} cannot be read as a .weights.h5 or .keras file: {_one_line(error)}"
        ) from error


def _one_line(error: Exception, limit: int = 200) -> str:
    """The first line of a message; Keras's go on with the whole configuration."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return line if len(line) <= limit else f"{line[:limit]} ..."


def _imagenet_arrays() -> dict[str, list[np.ndarray]]:
    try:
        return _layers_of(keras.applications.ResNet50(include_top=False, weights="imagenet"))
    except Exception as error:  # Keras raises a bare Exception when the download fails
        raise OSError(
            f"weights=imagenet: the ImageNet weights could not be downloaded ({error}). Either copy "
            f"{_NOTOP_FILE} into ~/.keras/models from a machine that has them, or set weights to the path of "
            "such a file, or to random (fresh weights: a weaker model)."
        ) from error


def _layers_of(model: keras.Model) -> dict[str, list[np.ndarray]]:
    return {
        layer.name: layer.get_weights()
        for layer in model._flatten_layers(include_self=False)
        if layer.weights and not isinstance(layer, keras.Model)
    }


def _keras3_arrays(file: h5py.File) -> dict[str, list[np.ndarray]]:
    arrays = {}

    def collect(path: str, group: h5py.Group) -> None:
        if (
            isinstance(group, h5py.Group)
            and path.endswith("/vars")
            and len(group)
            and "optimizer" not in path
        ):
            arrays[str(group.attrs["name"])] = [group[str(i)][()] for i in range(len(group))]

    file.visititems(collect)
    return arrays


def _keras2_arrays(file: h5py.File) -> dict[str, list[np.ndarray]]:
    def text(name: str | bytes) -> str:
        return name.decode() if isinstance(name, bytes) else name

    layers = {text(name): file[text(name)] for name in file.attrs["layer_names"]}
    arrays = {
        name: [group[text(key)][()] for key in group.attrs["weight_names"]] for name, group in layers.items()
    }
    return {name: values for name, values in arrays.items() if values}


def _start_as_identity(random_layers: list[keras.Layer]) -> None:
    for layer in random_layers:
        if layer.name.endswith(_LAST_SCALE_OF_A_BLOCK):
            layer.gamma.assign(np.zeros(layer.gamma.shape))


def _is_backbone(name: str) -> bool:
    return name.startswith(("conv1_", "conv2_", "conv3_", "conv4_", "conv5_"))


def _some(names: list[str], limit: int = 4) -> str:
    if not names:
        return "nothing"
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")
