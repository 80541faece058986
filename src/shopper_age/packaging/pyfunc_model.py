"""The registered model as MLflow runs it: photos in, answers out.

MLflow keeps this file with the model and runs it wherever the model is loaded ("models from code"), beside
copies of the modules that it imports.
"""

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.pyfunc import PythonModel

# now, while its file is there: a later model with the same code shares what was imported for this one
import shopper_age.detection.mtcnn  # noqa: F401
from shopper_age.inference.answers import PhotoAnswer
from shopper_age.inference.predictor import Predictor
from shopper_age.packaging.photo_rows import FILES, INPUT, MAX_MIB, OUTPUT, photo_row

# Of columns by their types in MLflow, where no value is missing.
_DTYPES = {"boolean": bool, "double": float, "long": int, "string": object}


class AgeModel(PythonModel):
    """Answers as `shopper-age predict` does, in a row for each photo."""

    def load_context(self, context: Any) -> None:
        self._predictor = Predictor.load(Path(context.artifacts[FILES]))
        self._max_bytes = float(context.model_config[MAX_MIB]) * 2**20

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:  # noqa: ARG002
        """A row of `OUTPUT` for each photo, in their order; a bad photo is a row with its problem.

        Args:
            model_input: a table with the column `photo`: photo files as base64 text or as bytes. A text is
                never taken for a path.

        Raises:
            MlflowException: there is no such column, no photo, or more than the model is set to take;
                MLflow's server makes a status 400 of it.
        """
        photos = self._photos(model_input)
        answered = [photo_row(answer) for answer in self._answers(photos)]
        table = pd.DataFrame(answered, columns=list(OUTPUT), dtype=object)
        if isinstance(model_input, pd.DataFrame) and len(model_input) == len(table):
            table.index = model_input.index
        # a missing value stays None: MLflow's server would write NaN, which no JSON parser in a browser takes
        whole = {name: _DTYPES[kind] for name, kind in OUTPUT.items() if table[name].notna().all()}
        return table.astype(whole)

    def _photos(self, model_input: Any) -> list[Any]:
        try:
            photos = _flat(model_input[INPUT])
        except (KeyError, IndexError, TypeError):
            raise _refused(f"send a table with the column {INPUT!r}: photo files as base64 text") from None
        if not photos:
            raise _refused(f"the column {INPUT!r} holds no photo: send at least one")
        n_bytes = sum(_n_bytes(photo) for photo in photos)
        if n_bytes > self._max_bytes:
            raise _refused(
                f"{n_bytes / 2**20:.1f} MiB of photos are more than {self._max_bytes / 2**20:g}: send fewer "
                f"or smaller ones, or load the model with another {MAX_MIB} in its model_config"
            )
        return photos

    def _answers(self, photos: list[Any]) -> list[PhotoAnswer]:
        files = [_decoded(photo) for photo in photos]
        found = self._predictor.predict(file for file in files if isinstance(file, bytes))
        return [
            next(found) if isinstance(file, bytes) else PhotoAnswer("", (), "unreadable_photo", file)
            for file in files
        ]


def _flat(column: Any) -> list[Any]:
    """The photos of a column, in which MLflow leaves a list that came under "inputs" in one cell."""
    if isinstance(column, str | bytes | bytearray | memoryview):
        return [column]
    cells = ([*cell] if isinstance(cell, list | tuple | np.ndarray) else [cell] for cell in column)
    return [photo for cell in cells for photo in cell]


def _n_bytes(photo: Any) -> float:
    """Size of a photo file in bytes; of base64 text, of the file that it stands for."""
    if isinstance(photo, str):
        return len(photo) * 3 / 4
    return len(photo) if isinstance(photo, bytes | bytearray | memoryview) else 0


def _decoded(photo: Any) -> bytes | str:
    """The photo file, or in words why there is none."""
    if isinstance(photo, bytes | bytearray | memoryview):
        return bytes(photo)
    if not isinstance(photo, str):
        return "no photo file: send base64 text or bytes"
    try:
        return base64.b64decode("".join(photo.split()), validate=True)
    except ValueError:
        return "no base64 text of a photo file"


def _refused(message: str) -> MlflowException:
    return MlflowException(message, error_code=INVALID_PARAMETER_VALUE)


set_model(AgeModel())
