"""The parts of a registered model: the export with its decision, and the code that answers with them."""

import base64
import importlib.metadata
import io
import shutil
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from shopper_age.detection.mtcnn import copy_networks
from shopper_age.inference.decision import DECISION_FILE, Decision
from shopper_age.inference.engines import OnnxEngine
from shopper_age.inference.predictor import DETECTOR_FOLDER, Predictor
from shopper_age.packaging.photo_rows import FILES, INPUT, MAX_MIB, OUTPUT
from shopper_age.packaging.standalone import copy_modules, renamed
from shopper_age.runtime.hashing import content_key, file_md5
from shopper_age.tracking.pyfunc import PyfuncParts

# What script and package import, as it is called where it is installed from.
REQUIREMENTS = (
    "mlflow",
    "numpy",
    "onnxruntime",
    "opencv-python-headless",
    "pandas",
    "pillow",
    "simplejpeg",
    "tqdm",
)

MODULES = (
    "shopper_age.detection.mtcnn",
    "shopper_age.inference.answers",
    "shopper_age.inference.predictor",
    "shopper_age.packaging.photo_rows",
)

# Not imported here: it imports MLflow, and tells it of a model when it is run.
_SCRIPT = Path(__file__).with_name("pyfunc_model.py")

# As much as `shopper-age serve` takes.
_MAX_MIB = 20

# What the model must be asked with.
_TEXT = (
    "Ask it with a table that has a photo file in each row of the column `photo`: as base64 text, or as "
    "bytes where there is no JSON between. It decodes the photo itself, turns it upright, and finds the face "
    "if its training photos were cut to faces."
)


def pack_model(model_path: Path, folder: Path, *, export: Callable[[], object]) -> PyfuncParts:
    """The parts of the model that MLflow registers, gathered in `folder`.

    Args:
        model_path: the .keras file; its decision lies beside it.
        export: writes the model as .onnx beside it; called where no export lies there that fits.

    Raises:
        DecisionError: there is no decision, or it does not fit the model or its export.
        ModuleNotFoundError: what exports or answers is not installed.
    """
    decision = Decision.load(model_path.with_name(DECISION_FILE))
    decision.check_model(file_md5(model_path), where=str(model_path))
    exported = model_path.with_suffix(".onnx")
    if not _fits(exported, decision):
        export()
    files = folder / FILES
    files.mkdir()
    shutil.copyfile(exported, files / exported.name)
    decision.save(files / DECISION_FILE)
    if decision.crops_faces:
        copy_networks(files / DETECTOR_FOLDER)
    Predictor.load(files)  # what could not be loaded elsewhere is refused here
    package = copy_modules(MODULES, folder)
    script = folder / _SCRIPT.name
    script.write_text(renamed(_SCRIPT.read_text(encoding="utf-8"), package), encoding="utf-8")
    requirements = [f"{name}=={importlib.metadata.version(name)}" for name in REQUIREMENTS]
    return PyfuncParts(
        script=script,
        package=folder / package,
        artifacts={FILES: files},
        requirements=requirements,
        inputs={INPUT: "any"},
        outputs=OUTPUT,
        example={INPUT: _grey_photo(decision.image_size)},
        settings={MAX_MIB: _MAX_MIB},
        text=_TEXT,
        digest=content_key(files / DECISION_FILE, script, requirements),
    )


def _fits(exported: Path, decision: Decision) -> bool:
    if not exported.is_file():
        return False
    try:
        OnnxEngine(exported, decision)
    except ModuleNotFoundError:
        raise
    except Exception:  # of another model, or broken, for which ONNX Runtime has no common error
        return False
    return True


def _grey_photo(side: int) -> str:
    """A JPEG that shows nobody, as base64 text."""
    file = io.BytesIO()
    Image.new("RGB", (side, side), (128, 128, 128)).save(file, "JPEG")
    return base64.b64encode(file.getvalue()).decode("ascii")
