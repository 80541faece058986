"""Evaluations of made-up estimates."""

import numpy as np
import pandas as pd

from shopper_age.evaluation.attributes import QUALITIES
from shopper_age.evaluation.evaluate import evaluate
from shopper_age.evaluation.parts import PartEstimates
from shopper_age.evaluation.result import Evaluation
from shopper_age.inference.estimates import Estimates
from shopper_age.params import EvaluateParams

PARAMS = EvaluateParams(
    max_mae=8.0,
    ages_are="unknown",
    tta=1,
    age_groups=(0, 12, 18, 25, 35, 45, 55, 65),
    legal_age=18,
    minors_from=14,
    max_false_positive_rate=0.01,
    guarantee=0.95,
    interval_level=0.9,
    max_interval_width=20.0,
    shop=None,
)


def history(val_mae=(7.0, 6.0), mae=None) -> pd.DataFrame:
    mae = list(val_mae) if mae is None else mae
    epochs = range(1, len(val_mae) + 1)
    return pd.DataFrame(
        {"epoch": epochs, "mae": mae, "val_mae": list(val_mae), "loss": mae, "val_loss": list(val_mae)}
    )


def estimates(y_true, error, *, sd: float | None = 4.0) -> PartEstimates:
    """Estimates that are off by `error` years; with a normal distribution around each unless `sd` is None."""
    y_true = np.asarray(y_true, dtype=float)
    y_pred = y_true + error
    if sd is None:
        return PartEstimates(y_true, Estimates(y_pred))
    distribution = np.exp(-0.5 * ((np.arange(101) - y_pred[:, None]) / sd) ** 2)
    distribution /= distribution.sum(axis=1, keepdims=True)
    return PartEstimates(y_true, Estimates(y_pred, distribution))


def ages(n: int, *, seed: int = 0, youngest: float = 5, oldest: float = 80) -> np.ndarray:
    return np.random.default_rng(seed).uniform(youngest, oldest, n)


def evaluation_of(
    validation: PartEstimates,
    test: PartEstimates,
    *,
    one_view: Estimates | None = None,
    attributes: pd.DataFrame | None = None,
    n_folds: int = 0,
    **changes,
) -> Evaluation:
    """The evaluation of two parts with `PARAMS`, or some of them changed; by default of two shops."""
    n = test.y_true.size
    if attributes is None:
        attributes = pd.DataFrame({"shop": np.where(np.arange(n) < n / 2, "A", "B")})
    qualities = pd.DataFrame(dict.fromkeys(QUALITIES, np.linspace(40.0, 90.0, n)))
    return evaluate(
        validation,
        test,
        file_names=[f"{number}.jpg" for number in range(n)],
        content_hashes=[f"{number:016x}" for number in range(n)],
        train_ages=[20.0, 30.0, 40.0],
        attributes=attributes,
        params=PARAMS.model_copy(update=changes),
        seed=0,
        one_view=one_view,
        n_folds=n_folds,
        qualities=qualities,
    )


def usual_evaluation(n: int = 300, *, sd: float | None = 4.0, noise: float = 4.0, **changes) -> Evaluation:
    """Normal errors of `noise` years on as many photos of either part."""
    rng = np.random.default_rng(7)
    parts = [estimates(ages(n, seed=seed), rng.normal(0, noise, n), sd=sd) for seed in (1, 2)]
    return evaluation_of(*parts, **changes)


def swapped_groups() -> tuple[np.ndarray, np.ndarray]:
    """People, half of them put into one another's age group, and by how many years they are off."""
    people = np.array([20.0, 30.0] * 20 + [5.0, 70.0] * 20)
    return people, np.concatenate([np.tile([10.0, -10.0], 20), np.zeros(40)])


def minors_who_look_old() -> PartEstimates:
    """A part that no threshold age up to 50 is strict enough for."""
    return estimates([16.0] * 30 + [70.0] * 60, np.array([39.0] * 30 + [0.0] * 60))


def one_minor_who_looks_older_than_the_adults() -> PartEstimates:
    """A part whose only strict enough threshold age asks every adult."""
    people = np.concatenate([np.full(30, 16.0), np.linspace(30, 45, 60)])
    return estimates(people, np.array([32.0] + [0.0] * 89))
