"""Promotion of a model: a version in the registry, and champion if it is really better."""

import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from shopper_age import paths
from shopper_age.data.tables import CONTENT_HASH, FILE_NAME, REAL_AGE, read_estimates
from shopper_age.experiments.comparison import BETTER, PREDICTED_AGE, compare, describe, has_hashes
from shopper_age.experiments.results import Result
from shopper_age.markdown import counted, render
from shopper_age.metrics.usefulness import MIN_PHOTOS
from shopper_age.packaging.parts import pack_model
from shopper_age.runtime.files import write_csv
from shopper_age.runtime.hashing import file_md5
from shopper_age.tracking.registry import CARD, CHAMPION, ModelRegistry, ModelVersion, RegistryError

# Metrics that a version's page shows; its run has all of them.
TAGS = ("mae", "mae_low", "mae_high", "cs5", "n_test", "meets_requirement")

# What a version keeps of its estimates for the comparison with a later one.
ESTIMATES = "predictions.csv"


_BY_NAME = "do not tell photos apart by their content, and names are no proof"


class Promotion(NamedTuple):
    """The version that the model became, whether it is the champion now, and why (not) in plain words."""

    version: str
    is_champion: bool
    sentence: str


def promote(
    result: Result, model_path: str | Path, *, experiment: str, export: Callable[[], object]
) -> Promotion:
    """Registers a model, and makes it the champion if it meets the requirement and beats the present one.

    It beats the champion when the 95 % interval of the paired difference of their MAE, on the test photos of
    both, lies below 0. The alias is moved last, so whatever fails before leaves the champion as it was. A
    model that was registered before with the same decision keeps its version, which gets the present metrics.

    Args:
        result: the evaluation of this very model.
        model_path: the model file, with its decision and perhaps its export beside it.
        experiment: the MLflow experiment with the model's run.
        export: writes the model as .onnx beside it; called where there is no export that fits.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the store has no run of this model, or the decision belongs to another one.
        ModuleNotFoundError: what exports the model is not installed.
        RegistryError: the store cannot be used, or lacks the champion's estimates.
    """
    model_path = Path(model_path)
    model_md5 = file_md5(model_path)
    registry = ModelRegistry(experiment)
    run_id = registry.run_of(model_md5)
    champion = registry.champion()
    with tempfile.TemporaryDirectory() as folder:
        rival = None
        if champion is not None and champion.model_md5 != model_md5:
            rival = champion, _estimates_of(champion, registry, Path(folder))
        estimates = Path(folder, "new", ESTIMATES)
        columns = [FILE_NAME, CONTENT_HASH, REAL_AGE, PREDICTED_AGE]
        write_csv(estimates, result.predictions[[name for name in columns if name in result.predictions]])
        parts_folder = Path(folder, "parts")
        parts_folder.mkdir()
        version = registry.register(
            run_id,
            pack_model(model_path, parts_folder, export=export),
            model_md5=model_md5,
            tags={name: str(result.metrics[name]) for name in TAGS if name in result.metrics},
            estimates=estimates,
            description=render(
                "shopper_age.experiments", "registered_model.md.j2", name=registry.name, champion=CHAMPION
            ),
        )
    card = paths.EVALUATION / CARD
    if card.is_file():  # a model that came in another way than by stage evaluate has none
        registry.keep_card(version, card.read_text(encoding="utf-8"))
    if champion == version:  # whose metrics and estimates are those of the present evaluation now
        registry.mark_champion(version)
        sentence = f"Version {version.number} of {version.model}, this very model, is the champion already."
        return Promotion(version.number, True, sentence)
    is_better, why = _judge(result, version, champion, rival)
    outcome = "is the champion now" if is_better else "is registered, but does not become the champion"
    sentence = f"Version {version.number} of {version.model} {outcome}: {why}"
    registry.describe(version, _lasting_text(result, is_better=is_better, why=why))
    if is_better:
        registry.set_champion(version)
    return Promotion(version.number, is_better, sentence)


def _lasting_text(result: Result, *, is_better: bool, why: str) -> str:
    """What the version's page says: what happened and when, which stays true whoever becomes the champion."""
    outcome = "Became the champion" if is_better else "Did not become the champion"
    n_views = result.params.get("evaluate", {}).get("tta", 1)
    views = f" It averages {n_views} views of each photo (`evaluate.tta`)." if n_views > 1 else ""
    return f"{outcome} on {date.today():%Y-%m-%d}: {why}{views}"


def _estimates_of(champion: ModelVersion, registry: ModelRegistry, folder: Path) -> pd.DataFrame:
    try:
        path = registry.download_estimates(champion, ESTIMATES, folder)
    except RegistryError as error:
        raise RegistryError(
            f"the estimates of version {champion.number}, the champion, cannot be read from its run, so "
            f"nothing can be compared with it. {error}"
        ) from error
    return read_estimates(path)


def _judge(
    result: Result,
    version: ModelVersion,
    champion: ModelVersion | None,
    rival: tuple[ModelVersion, pd.DataFrame] | None,
) -> tuple[bool, str]:
    """Whether the version takes over from the champion, and why (not).

    Args:
        rival: the champion and its estimates, where it is another model.
    """
    mae = f"a test MAE of {result.metrics['mae']:.2f} years"
    if not result.metrics["meets_requirement"]:
        return False, f"it misses the requirement with {mae}."
    if "is_useful" not in result.metrics:
        return False, "its evaluation does not say whether it is of any use: run `dvc repro evaluate`."
    if not result.metrics["is_useful"]:
        return False, (
            f"{counted(result.metrics['n_test'], 'test photo')} and {mae} do not show that it is of any use: "
            f"it takes at least {MIN_PHOTOS} photos, on which it is clearly better than the median age "
            "and its estimates rise with age."
        )
    if champion is None:
        return True, f"it meets the requirement with {mae}, and there was none before."
    if rival is None:
        return True, (
            f"it meets the requirement with {mae}, and is the model of version {champion.number}, the "
            "champion before, registered anew because what its answers follow from has changed."
        )
    champion, estimates = rival
    not_compared = f"it cannot be compared with version {champion.number}, the champion"
    if not has_hashes(result.predictions):
        return False, f"{not_compared}: its own estimates {_BY_NAME}. Run `dvc repro`, then promote it again."
    if not has_hashes(estimates):
        return False, (
            f"{not_compared}: the estimates of that one {_BY_NAME}. Bring that model back (a tag of its "
            "version names the git_commit), run `dvc repro` and `shopper-age promote` there, then promote "
            "this one again."
        )
    try:
        comparison = compare(estimates, result.predictions)
    except ValueError as error:
        return False, f"{not_compared}: {error}."
    if comparison.n_common < MIN_PHOTOS:
        return False, (
            f"{not_compared}: they share "
            f"{counted(comparison.n_common, 'test photo')}, and it takes at least {MIN_PHOTOS}."
        )
    names = f"version {champion.number}", f"version {version.number}"
    return comparison.outcome == BETTER, describe(comparison, *names)
