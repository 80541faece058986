"""How much tighter the threshold of the ID check and the intervals get with split.calibration: cross.

Both ways have the same test part and the recipe of params.yaml. `validation`: one training, settled on the
validation part. `cross`: a training for each fold and one of all folds, settled on out-of-fold estimates.
Minors are the people from 14 to 17. For each way: the smallest threshold age whose observed rate of minors
who pass is low enough, the smallest that is proven so (exact one-sided 95 % bounds, from the strictest
downwards), what both do on the test part, and the 90 % intervals. How far the thresholds depend on luck is
told by drawing as many calibration photos as a way has, with replacement, from the out-of-fold estimates.

    python benchmarks/calibration.py --faces FOLDER --image-size 32 --epochs 4 --weights random

Models are kept in --work, so that an interrupted benchmark goes on.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from testbed import check_faces, machine

from shopper_age import load_model
from shopper_age.data.cache import Cache
from shopper_age.data.folds import fold_numbers, fold_path, leaving_out
from shopper_age.data.tables import TEST, VALIDATION
from shopper_age.evaluation.parts import PartEstimates, estimate_out_of_fold, open_part
from shopper_age.inference.estimation import estimate
from shopper_age.metrics.errors import mae
from shopper_age.metrics.intervals import fit_intervals
from shopper_age.metrics.proportions import exact_interval
from shopper_age.model.archive import save_model
from shopper_age.params import Params, load_params
from shopper_age.splitting import split_faces
from shopper_age.training.precision import choose_precision
from shopper_age.training.recipe import Recipe
from shopper_age.validation.checks import validate

MINORS_FROM, LEGAL_AGE = 14, 18
THRESHOLDS = np.arange(LEGAL_AGE, 51)
N_DRAWS = 1000


def passed(part: PartEstimates) -> tuple[NDArray[np.int64], int]:
    """Minors who pass, for each of THRESHOLDS, and how many there are."""
    ages = part.y_pred[(part.y_true >= MINORS_FROM) & (part.y_true < LEGAL_AGE)]
    return (ages[:, np.newaxis] >= THRESHOLDS).sum(axis=0), len(ages)


def asked(part: PartEstimates, threshold: float) -> float:
    """Share of the adults who are asked."""
    return float((part.y_pred[part.y_true >= LEGAL_AGE] < threshold).mean())


def observed(part: PartEstimates, rate: float) -> float:
    """The smallest threshold at which at most `rate` of the minors pass; NaN if there is none."""
    n_passed, n = passed(part)
    good = THRESHOLDS[n_passed <= rate * n]
    return float(good[0]) if n and len(good) else np.nan


def proven(part: PartEstimates, rate: float) -> float:
    """The smallest threshold down to which all are proven to let at most `rate` pass, 95 % sure; or NaN.

    Source: Angelopoulos et al. 2021, "Learn then Test", fixed-sequence testing.
    """
    n_passed, n = passed(part)
    if not n:
        return np.nan
    _, bounds = exact_interval(n_passed, n, level=0.90)
    is_proven = np.minimum.accumulate((bounds <= rate)[::-1])
    return float(THRESHOLDS[::-1][is_proven][-1]) if is_proven.any() else np.nan


def drawn(part: PartEstimates, n: int, rng: np.random.Generator) -> PartEstimates:
    """`n` photos of the part, each drawn from all of them."""
    rows = rng.integers(0, part.y_true.size, n)
    return PartEstimates(part.y_true[rows], type(part.estimates)(part.y_pred[rows]))


def trained(recipe: Recipe, splits: pd.DataFrame, path: Path) -> Path:
    """The model file, made if it is not there yet."""
    if not path.is_file():
        print(f"--- {path}", flush=True)
        model = recipe.create_model()
        options: dict[str, Any] = {"on_epoch": lambda history: print(history[-1], flush=True)}
        recipe.fit(model, splits, checkpoint_folder=path.with_suffix(""), check=lambda: None, **options)
        save_model(model, path)
    return path


def calibrated(
    way: str, params: Params, recipe: Recipe, manifest: pd.DataFrame, work: Path
) -> dict[str, Any]:
    """Estimates of the calibration photos and of the test part, of one way."""
    settings = params.split
    splits = split_faces(
        manifest,
        **settings.model_dump(exclude={"calibration", "folds"}),
        n_folds=settings.folds if way == "cross" else None,
    )
    n_views = params.evaluate.tta
    for fold in fold_numbers(splits):
        trained(recipe, leaving_out(splits, fold), fold_path(work, fold))
    model = load_model(trained(recipe, splits, work / f"{way}.keras"))

    def part(name: str) -> PartEstimates:
        found = open_part(params.data_path, splits, name, params.image_size)
        return PartEstimates(found.ages, estimate(model, found.photos, n_views=n_views))

    out_of_fold = way == "cross"
    return {
        "calibration": estimate_out_of_fold(params.data_path, splits, work, n_views=n_views)
        if out_of_fold
        else part(VALIDATION),
        "test": part(TEST),
    }


def results(way: dict[str, Any], pool: PartEstimates, params: Params) -> dict[str, str]:
    """What one way has come to, by the name of the row; luck is drawn from the pool."""
    calibration, test, rate = way["calibration"], way["test"], params.evaluate.max_false_positive_rate
    rng = np.random.default_rng(params.seed)
    rows = {
        "calibration photos, minors of 14-17": f"{calibration.y_true.size:,}, {passed(calibration)[1]}",
        "MAE of these, of the test photos": (
            f"{mae(calibration.y_true, calibration.y_pred):.2f}, {mae(test.y_true, test.y_pred):.2f}"
        ),
    }
    draws = [drawn(pool, calibration.y_true.size, rng) for _ in range(N_DRAWS)]
    for name, choose in (("observed", observed), ("proven", proven)):
        threshold = choose(calibration, rate)
        luck = np.array([choose(draw, rate) for draw in draws])
        found = luck[np.isfinite(luck)]
        spread = f"{np.quantile(found, 0.05):.0f}-{np.quantile(found, 0.95):.0f}" if len(found) else "none"
        rows[f"T, {name}"] = f"{threshold:.0f}" if np.isfinite(threshold) else "none"
        rows[f"T, {name}: 90 % of the draws, share of the draws without T"] = (
            f"{spread}, {np.isnan(luck).mean():.0%}"
        )
        if np.isfinite(threshold):
            n_passed, n = passed(test)
            at = int(n_passed[np.searchsorted(THRESHOLDS, threshold)])
            rows[f"T, {name}: test minors who pass, adults asked"] = (
                f"{at} of {n}, {asked(test, threshold):.0%}"
            )
    rule = fit_intervals(
        calibration.y_true,
        calibration.y_pred,
        calibration.estimates.sd(),
        level=params.evaluate.interval_level,
    )
    low, high = rule.apply(test.y_pred, test.estimates.sd())
    held = ((low <= test.y_true) & (test.y_true <= high)).mean()
    rows["90 % intervals: coverage, mean width"] = f"{held:.1%}, {(high - low).mean():.1f} years"
    return rows


def main() -> None:
    options = _options()
    check_faces(options.faces)
    changes: dict[str, Any] = {
        "data_path": options.faces,
        "weights": options.weights,
        "epochs": options.epochs,
        "image_size": options.image_size,
        "learning_rate": options.learning_rate,
    }
    params = load_params()
    changes["split"] = params.split.model_copy(update={"folds": options.folds})
    params = params.model_copy(update=changes)
    manifest = validate(params.data_path, params.validate_data).manifest
    precision, _ = choose_precision(params.train.precision)
    # both ways keep the last epoch, or the comparison would be one of that too
    recipe = Recipe(params, precision, Cache(memory_gib=4.0), keeps_last_epoch=True)
    ways = {way: calibrated(way, params, recipe, manifest, options.work) for way in ("validation", "cross")}
    pool = ways["cross"]["calibration"]
    columns = {way: results(parts, pool, params) for way, parts in ways.items()}
    title = f"{options.image_size} px, {options.epochs} epochs, {options.folds} folds"
    table = Table(title=f"{title}\n{machine()}")
    for column in ("", *columns):
        table.add_column(column)
    for name in dict.fromkeys(name for rows in columns.values() for name in rows):
        table.add_row(name, *(rows.get(name, "-") for rows in columns.values()))
    Console(width=120).print(table)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=Path, required=True, help="folder with labels.csv and final_files/")
    parser.add_argument("--weights", default="imagenet", help="as in params.yaml (default: imagenet)")
    parser.add_argument("--image-size", type=int, default=64, help="pixels (default: 64)")
    parser.add_argument("--epochs", type=int, default=4, help="default: 4")
    parser.add_argument("--folds", type=int, default=5, help="default: 5")
    parser.add_argument("--learning-rate", type=float, default=0.0004, help="default: 0.0004")
    parser.add_argument("--work", type=Path, required=True, help="folder for the models, 90 MB each")
    return parser.parse_args()


if __name__ == "__main__":
    main()
