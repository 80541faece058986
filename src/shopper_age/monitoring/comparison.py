"""Comparison of the answers at the till with those that the model was measured on."""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from shopper_age.metrics.drift import (
    LARGE_INDEX,
    MIN_SAMPLE,
    MODERATE_INDEX,
    index_by_chance,
    shift_table,
    stability_index,
)
from shopper_age.metrics.proportions import exact_interval, share
from shopper_age.monitoring.samples import QUANTITIES, Sample

Verdict = Literal["moved", "moved_slightly", "stable", "not_known"]

# One false alarm of any quantity, problems included, in so many comparisons of one population.
_FALSE_ALARMS = 0.05

# A median that moves by less of the larger interquartile range is no direction, nor is a change of the range.
_NOTABLE = 0.1


@dataclass(frozen=True)
class Comparison:
    """What has shifted between two samples.

    `shifts` is `drift.shift_table` with `verdict` and `direction`: higher, lower, wider, narrower or shape.
    `problems` has a row per kind: `problem`, `n_reference`, `n_recent`, `share` of the recent rows with its
    exact 95 % interval `low`, `high`. `problem_psi` and `problem_psi_by_chance` are of two classes, rows with
    an estimate and without.
    """

    reference: Sample
    recent: Sample
    shifts: pd.DataFrame
    problems: pd.DataFrame
    problem_psi: float
    problem_psi_by_chance: float
    problem_verdict: Verdict
    problem_direction: str

    @property
    def is_model_told(self) -> bool:
        return bool(self.recent.models)

    @property
    def not_compared(self) -> list[str]:
        """Quantities that a table has no columns for."""
        return [name for name in QUANTITIES if name in {*self.reference.missing, *self.recent.missing}]


def compare(reference: Sample, recent: Sample) -> Comparison:
    """What has shifted from one sample to another.

    Raises:
        ValueError: the answers are of several models, or the two samples of different ones.
    """
    _check_models(reference, recent)
    level = 1 - _FALSE_ALARMS / (len(QUANTITIES) + 1)
    shifts = shift_table(reference.values, recent.values, level=level)
    shifts["verdict"] = [
        verdict(row.psi, row.psi_by_chance, min(row.n_reference, row.n_recent)) for row in shifts.itertuples()
    ]
    shifts["direction"] = [_direction(row) for row in shifts.itertuples()]
    counts = [(sample.n_estimates, sample.problems.total()) for sample in (reference, recent)]
    psi = stability_index(*counts)
    chance = index_by_chance(reference.n_rows, recent.n_rows, 2, level=level)
    shares = [sample.problems.total() / sample.n_rows for sample in (reference, recent)]
    return Comparison(
        reference=reference,
        recent=recent,
        shifts=shifts,
        problems=_problem_table(reference, recent),
        problem_psi=psi,
        problem_psi_by_chance=chance,
        problem_verdict=verdict(psi, chance, min(reference.n_rows, recent.n_rows)),
        problem_direction="higher" if shares[1] > shares[0] else "lower",
    )


def verdict(psi: float, psi_by_chance: float, n: int) -> Verdict:
    """The verdict of a stability index, "not_known" where the smaller sample (n) is no evidence for another.

    An index that chance alone may reach is no shift; a small one says that nothing moved only where a large
    shift would have been told from chance.
    """
    if n < MIN_SAMPLE:
        return "not_known"
    if psi >= MODERATE_INDEX and psi > psi_by_chance:
        return "moved" if psi >= LARGE_INDEX else "moved_slightly"
    return "stable" if psi < MODERATE_INDEX and psi_by_chance <= LARGE_INDEX else "not_known"


def _direction(row: "pd.core.frame.Series") -> str:  # a row of itertuples
    moved, widened = row.median_recent - row.median_reference, row.iqr_recent - row.iqr_reference
    notable = _NOTABLE * max(row.iqr_reference, row.iqr_recent)
    if abs(moved) > notable and abs(moved) >= abs(widened):
        return "higher" if moved > 0 else "lower"
    if abs(widened) > notable:
        return "wider" if widened > 0 else "narrower"
    return "shape"


def _problem_table(reference: Sample, recent: Sample) -> pd.DataFrame:
    kinds = sorted({*reference.problems, *recent.problems}, key=lambda kind: (-recent.problems[kind], kind))
    n_recent = [recent.problems[kind] for kind in kinds]
    low, high = exact_interval(n_recent, recent.n_rows)
    return pd.DataFrame(
        {
            "problem": pd.Series(kinds, dtype="str"),
            "n_reference": [reference.problems[kind] for kind in kinds],
            "n_recent": n_recent,
            "share": share(n_recent, recent.n_rows),
            "low": low,
            "high": high,
        }
    )


def _check_models(reference: Sample, recent: Sample) -> None:
    for sample in (reference, recent):
        if len(sample.models) > 1:
            counts = ", ".join(f"{md5} ({n:,} rows)" for md5, n in sample.models.most_common(5))
            raise ValueError(
                f"{sample.source} holds answers of several models, {counts}: compare each model's by itself"
            )
    if reference.models and recent.models and {*reference.models} != {*recent.models}:
        (here,), (there,) = recent.models, reference.models
        raise ValueError(
            f"{recent.source} holds answers of the model {here}, but {reference.source} is of the model "
            f"{there}: check out the revision of the model that answered (`git checkout REVISION`, "
            "`dvc checkout`), or pass an earlier table of it as --reference"
        )
