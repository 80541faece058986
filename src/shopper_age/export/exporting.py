"""Export of the trained model with its decision, compared with the model on the test photos."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from shopper_age.data.folds import fold_numbers
from shopper_age.data.tables import TEST, TRAIN, VALIDATION
from shopper_age.evaluation.attributes import photo_people
from shopper_age.evaluation.decision import decision_of
from shopper_age.evaluation.evaluate import evaluate
from shopper_age.evaluation.parts import Part, PartEstimates, open_part
from shopper_age.export.formats import FORMATS, check_installed, export_path
from shopper_age.export.int8 import calibration_rows
from shopper_age.export.parity import Parity, compare
from shopper_age.inference.decision import DECISION_FILE, Decision, DecisionError
from shopper_age.inference.engines import Engine, open_export
from shopper_age.inference.estimates import Estimates
from shopper_age.inference.estimation import estimate
from shopper_age.model.archive import load_model
from shopper_age.params import Params
from shopper_age.runtime.files import write_json
from shopper_age.runtime.hashing import file_md5
from shopper_age.runtime.progress import progress_bar

# Beside each exported file: how far its answers are from the model's.
PARITY_FILE = "parity.json"

# Of a float32 export; rounding gives a hundred-thousandth of a year.
MAX_MEAN_DIFFERENCE = 0.01

# Photos that an engine estimates together; each view takes the memory of a photo.
_BATCH = 16


@dataclass(frozen=True)
class Export:
    """An exported file, and how it compares with the model on the test photos."""

    path: Path
    parity: Parity


def export(
    model_path: Path, decision: Decision, data_path: str | Path, splits: pd.DataFrame, *, to: str = "onnx"
) -> Export:
    """Writes the model in another format, in float32, with its parity: at `export_path`, or not at all.

    Args:
        to: one of `FORMATS`.

    Raises:
        DecisionError: the decision belongs to another model.
        ModuleNotFoundError: a library of the format is not installed.
        ValueError: there is no such format, or the export answers otherwise than the model.
    """
    path = export_path(model_path, to)
    check_installed(to)
    decision.check_model(file_md5(model_path), where=str(model_path))
    model = load_model(model_path)
    with _staged(model_path.parent, path.parent) as staging:
        target = staging / path.name
        FORMATS[to].write(model, target, n_views=decision.n_views, model_md5=decision.model_md5)
        test = open_part(data_path, splits, TEST, decision.image_size)
        parity = compare(
            test.ages,
            estimate(model, test.photos, n_views=decision.n_views),
            estimate_with(open_export(target, decision), test, "comparing with Keras"),
        )
        if parity.mean_difference > MAX_MEAN_DIFFERENCE:
            raise ValueError(
                f"the export is off by {parity.mean_difference:.3f} years on average, more than "
                f"{MAX_MEAN_DIFFERENCE:g}, and was not kept. This is a fault of a converter, please report it"
            )
        write_json(staging / PARITY_FILE, asdict(parity))
        if path.parent != model_path.parent:
            decision.save(staging / DECISION_FILE)
    return Export(path, parity)


def export_int8(
    model_path: Path,
    decision: Decision,
    data_path: str | Path,
    splits: pd.DataFrame,
    manifest: pd.DataFrame,
    params: Params,
    *,
    to: str = "onnx",
) -> Export:
    """Writes the float32 export of a model with 8-bit integers, with a decision of its own.

    Its estimates differ, so thresholds and intervals are settled anew: on its own estimates of the validation
    photos. The float32 export is made first where there is none of this model; OpenVINO's is the ONNX file.

    Args:
        manifest: as `read_manifest` returns it; tells which photos are of one person.
        to: one of `FORMATS`.

    Raises:
        DecisionError: the decision belongs to another model.
        ModuleNotFoundError: a library of the format is not installed.
        ValueError: there is no such format; no validation part; or on the validation photos the error grows
            by more than `export.max_mae_loss` years.
    """
    path = export_path(model_path, to, is_int8=True)
    check_installed(to, is_int8=True)
    if fold_numbers(splits):
        raise ValueError(
            "8-bit integers need thresholds of their own, from validation photos: there are none with "
            "split.calibration cross. Use the float32 export, or split.calibration validation"
        )
    size = decision.image_size
    train, validation, test = (open_part(data_path, splits, part, size) for part in (TRAIN, VALIDATION, TEST))
    people = partial(photo_people, manifest, group_column=params.split.group_column)
    source, float32 = _float32_export(model_path, decision, data_path, splits, FORMATS[to].quantizes)
    with _staged(model_path.parent, path.parent) as staging:
        target = staging / path.name
        FORMATS[to].quantize(source, target, train.photos[calibration_rows(train.ages)])
        engine = open_export(target, decision)
        settled = estimate_with(engine, validation, "estimating the validation photos")
        in_float32 = estimate_with(float32, validation, "the same in float32")
        loss = compare(validation.ages, in_float32, settled).mae_loss
        if loss > params.export.max_mae_loss:
            raise ValueError(
                f"8-bit integers cost {loss:.2f} years of MAE on the validation photos, more than "
                f"export.max_mae_loss allows ({params.export.max_mae_loss:g}): use the float32 export"
            )
        measured = estimate_with(engine, test, "estimating the test photos")
        parity = compare(test.ages, estimate_with(float32, test, "the same in float32"), measured)
        write_json(staging / PARITY_FILE, asdict(parity))
        evaluation = evaluate(
            PartEstimates(validation.ages, settled, people(validation.file_names)),
            PartEstimates(test.ages, measured, people(test.file_names)),
            file_names=test.file_names,
            train_ages=train.ages,
            attributes=pd.DataFrame({"side": [size] * len(test.ages)}),
            params=params.evaluate,
            seed=params.seed,
        )
        own = decision_of(evaluation, params, model_md5=decision.model_md5, image_size=size)
        # what the file averages, whatever params.yaml says by now
        replace(own, n_views=decision.n_views).save(staging / DECISION_FILE)
    return Export(path, parity)


def estimate_with(engine: Engine, part: Part, what: str) -> Estimates:
    """An engine's estimates of the photos of a part, in their order."""
    n = len(part.photos)
    ages, distributions = [], []
    with progress_bar(what, n) as advance:
        for start in range(0, n, _BATCH):
            rows = np.arange(start, min(start + _BATCH, n))
            found = engine.estimate(part.photos[rows])
            ages.append(found.age)
            if found.distribution is not None:
                distributions.append(found.distribution)
            advance(rows.size)
    return Estimates(np.concatenate(ages), np.concatenate(distributions) if distributions else None)


def read_parity(folder: Path) -> Parity | None:
    """The parity that was written beside an export; None where there is none."""
    path = folder / PARITY_FILE
    return Parity(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def _float32_export(
    model_path: Path, decision: Decision, data_path: str | Path, splits: pd.DataFrame, to: str
) -> tuple[Path, Engine]:
    path = export_path(model_path, to)
    if path.is_file():
        with suppress(DecisionError):  # of an earlier model
            return path, open_export(path, decision)
    made = export(model_path, decision, data_path, splits, to=to)
    return made.path, open_export(made.path, decision)


@contextmanager
def _staged(models: Path, folder: Path) -> Iterator[Path]:
    """A temporary folder whose files move into `folder` when the block ends well; else nothing is changed."""
    with TemporaryDirectory(dir=models, prefix=".export-") as name:
        yield Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        for path in Path(name).iterdir():
            path.replace(folder / path.name)
