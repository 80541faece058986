"""Archive of a trained model: a .keras file that is equal, byte for byte, for equal models."""

import json
import zipfile
from pathlib import Path
from typing import Any

import keras

from shopper_age.model.conversion import in_float32
from shopper_age.model.space import check_space
from shopper_age.runtime.files import replacing

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip archive can hold


def load_model(path: str | Path) -> keras.Model:
    """The model of a file, to predict with: it is not compiled.

    Raises:
        ValueError: there is no such file, or it holds no model.
    """
    return keras.models.load_model(path, compile=False)


def save_model(model: keras.Model, path: str | Path) -> None:
    """Saves the model's network and weights, in float32 and not compiled, whole or not at all.

    The file loads anywhere with `keras.models.load_model`, without this package. Keras writes the date, the
    zip's times and Python object ids into the archive; they are replaced, so that the same training gives the
    same hash.
    """
    with replacing(path) as temporary:
        network = in_float32(model)
        check_space(network, Path(path), n_copies=2)  # as Keras writes it, and normalised
        network.save(temporary)
        with replacing(temporary) as normalised:
            _normalise(temporary, normalised)


def _normalise(source: Path, target: Path) -> None:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as new:
        for name in sorted(old.namelist()):
            content = old.read(name)
            if name == "metadata.json":
                content = _to_bytes({**json.loads(content), "date_saved": "1980-01-01@00:00:00"})
            elif name == "config.json":
                content = _to_bytes(_renumbered(json.loads(content), {}))
            new.writestr(zipfile.ZipInfo(name, _EPOCH), content)


def _renumbered(value: Any, numbers: dict[int, int]) -> Any:
    if isinstance(value, dict):
        return {
            key: numbers.setdefault(item, len(numbers))
            if key == "shared_object_id"
            else _renumbered(item, numbers)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_renumbered(item, numbers) for item in value]
    return value


def _to_bytes(content: Any) -> bytes:
    return json.dumps(content, sort_keys=True).encode()
