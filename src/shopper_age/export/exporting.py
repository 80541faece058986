"""Export of the trained model beside its decision, compared with Keras on the test photos."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from shopper_age.data.tables import TEST, TRAIN, VALIDATION
from shopper_age.evaluation.decision import decision_of
from shopper_age.evaluation.evaluate import evaluate
from shopper_age.evaluation.parts import Part, PartEstimates, open_part
from shopper_age.export.int8 import calibration_rows, quantize
from shopper_age.export.onnx import export_onnx
from shopper_age.export.parity import Parity, compare
from shopper_age.inference.decision import DECISION_FILE, Decision
from shopper_age.inference.engines import Engine, OnnxEngine
from shopper_age.inference.estimates import Estimates
from shopper_age.inference.estimation import estimate, inference_batch_size
from shopper_age.model.archive import load_model
from shopper_age.params import Params
from shopper_age.runtime.files import write_json
from shopper_age.runtime.hashing import file_md5
from shopper_age.runtime.progress import progress_bar

# Beside each exported file: how far its answers are from the model's.
PARITY_FILE = "parity.json"


@dataclass(frozen=True)
class Export:
    """An exported file, and how it compares with the model on the test photos."""

    path: Path
    parity: Parity


def export(model_path: Path, decision: Decision, data_path: str | Path, splits: pd.DataFrame) -> Export:
    """Writes the model as ONNX, in float32, beside the .keras file, with its parity.

    Raises:
        DecisionError: the decision belongs to another model.
        ValueError: the export answers otherwise than the model.
    """
    decision.check_model(file_md5(model_path), where=str(model_path))
    model = load_model(model_path)
    target = model_path.with_suffix(".onnx")
    export_onnx(model, target, n_views=decision.n_views, model_md5=decision.model_md5)
    test = open_part(data_path, splits, TEST, decision.image_size)
    parity = compare(
        test.ages,
        estimate(model, test.photos, n_views=decision.n_views),
        estimate_with(OnnxEngine(target, decision), test, "comparing with Keras"),
    )
    if parity.mean_difference > MAX_MEAN_DIFFERENCE:
        target.unlink()
        raise ValueError(
            f"the export is off by {parity.mean_difference:.3f} years on average, more than "
            f"{MAX_MEAN_DIFFERENCE:g}: it was deleted. This is a fault of a converter, please report it"
        )
    write_json(model_path.parent / PARITY_FILE, asdict(parity))
    return Export(target, parity)


# Of a float32 export; rounding gives a hundred-thousandth of a year.
MAX_MEAN_DIFFERENCE = 0.01


def export_int8(
    source: Path,
    folder: Path,
    decision: Decision,
    data_path: str | Path,
    splits: pd.DataFrame,
    params: Params,
) -> Export:
    """Writes the exported model `source` with 8-bit integers into a folder of its own, with its decision.

    Its estimates differ, so thresholds and intervals are settled anew: on its own estimates of the validation
    photos.

    Raises:
        ValueError: on the validation photos the error grows by more than
            `export.max_mae_loss` years.
    """
    size = decision.image_size
    train, validation, test = (open_part(data_path, splits, part, size) for part in (TRAIN, VALIDATION, TEST))
    float_engine, target = OnnxEngine(source, decision), folder / source.name
    quantize(source, target, _photos(train, calibration_rows(train.ages)))
    engine = OnnxEngine(target, decision)
    settled = estimate_with(engine, validation, "estimating the validation photos")
    loss = compare(
        validation.ages, estimate_with(float_engine, validation, "the same in float32"), settled
    ).mae_loss
    if loss > params.export.max_mae_loss:
        target.unlink()
        raise ValueError(
            f"8-bit integers cost {loss:.2f} years of MAE on the validation photos, more than "
            f"export.max_mae_loss allows ({params.export.max_mae_loss:g}): use the float32 export"
        )
    measured = estimate_with(engine, test, "estimating the test photos")
    parity = compare(test.ages, estimate_with(float_engine, test, "the same in float32"), measured)
    write_json(folder / PARITY_FILE, asdict(parity))
    evaluation = evaluate(
        PartEstimates(validation.ages, settled),
        PartEstimates(test.ages, measured),
        file_names=test.file_names,
        train_ages=train.ages,
        attributes=pd.DataFrame({"side": [size] * len(test.ages)}),
        params=params.evaluate,
        seed=params.seed,
    )
    decision_of(evaluation, params, model_md5=decision.model_md5, image_size=size).save(
        folder / DECISION_FILE
    )
    return Export(target, parity)


def estimate_with(engine: Engine, part: Part, what: str) -> Estimates:
    """An engine's estimates of the photos of a part, in their order."""
    n = len(part.photos)
    size = inference_batch_size(part.photos.size_px)
    ages, distributions = [], []
    with progress_bar(what, n) as advance:
        for start in range(0, n, size):
            rows = np.arange(start, min(start + size, n))
            found = engine.estimate(_photos(part, rows))
            ages.append(found.age)
            if found.distribution is not None:
                distributions.append(found.distribution)
            advance(rows.size)
    return Estimates(np.concatenate(ages), np.concatenate(distributions) if distributions else None)


def read_parity(folder: Path) -> Parity | None:
    """The parity that was written beside an export; None where there is none."""
    path = folder / PARITY_FILE
    return Parity(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def _photos(part: Part, rows: NDArray[np.intp]) -> NDArray[np.uint8]:
    return part.photos[rows]
