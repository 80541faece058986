"""The result of an evaluation, for tables, figures and reports."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from shopper_age.evaluation.parts import PartEstimates
from shopper_age.metrics.guarantee import Choice
from shopper_age.metrics.id_check import ALL_ADULTS, MINORS, ThresholdRates
from shopper_age.metrics.interval_rule import IntervalRule
from shopper_age.metrics.intervals import Abstention
from shopper_age.params import EvaluateParams

Metrics = dict[str, float | int | bool]


@dataclass(frozen=True)
class IdRule:
    """One rule of whom to ask for an ID: what its thresholds do, and the one that was chosen."""

    # On the test part, as `id_check.rates_by_threshold_age` or `rates_by_probability_limit` returns them.
    rates: pd.DataFrame
    trade_off: pd.DataFrame  # id_check.trade_off
    choice: Choice  # on the validation part, or out of fold
    # What it does on the test part, "not sure" counted as asked; None where none was chosen.
    on_test: ThresholdRates | None
    # The same of the test photos whose estimate is sure.
    on_answered: ThresholdRates | None

    @property
    def chosen(self) -> float | None:
        """The threshold; None where none is strict enough, or there are no minors."""
        return self.choice.threshold


@dataclass(frozen=True)
class Calibration:
    """How far the probability of being under age is from the share of people who are."""

    reliability: pd.DataFrame  # calibration.reliability_table
    error: float  # calibration.expected_calibration_error


@dataclass(frozen=True)
class Intervals:
    """The interval of each photo of the test part, and how many hold the true age."""

    rule: IntervalRule
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    coverage: pd.DataFrame  # as `intervals.coverage_table` returns it
    is_answered: NDArray[np.bool_]  # narrow enough, as `interval_rule.is_narrow` says
    abstention: Abstention


@dataclass(frozen=True)
class Evaluation:
    """All that was measured, for tables, figures and reports; each table is what its module returns."""

    params: EvaluateParams
    test: PartEstimates
    file_names: Sequence[str]  # of the test part
    content_hashes: Sequence[str] | None  # of the same photos
    qualities: pd.DataFrame | None  # of the same photos, as `attributes.photo_qualities` returns them
    train_ages: NDArray[np.float64]
    # Of the photos that thresholds and intervals were settled on: the validation part, or where there are
    # folds the training part, estimated out of fold.
    n_validation: int
    n_validation_people: int | None  # None where people are not known
    # People of the ID check, each counted once where people are known.
    n_validation_minors: int
    n_validation_adults: int
    n_folds: int  # 0 = there was a validation part
    # Everything worth comparing, as one flat dictionary: metrics.json.
    metrics: Metrics
    errors: NDArray[np.float64]  # errors.errors, of each test photo
    bands: pd.DataFrame  # errors.errors_by_band
    confusion: pd.DataFrame  # age_groups.confusion
    confusion_shares: pd.DataFrame  # age_groups.confusion_shares
    groups: pd.DataFrame  # age_groups.group_table
    by_age: IdRule
    # None of a model without distributions.
    by_probability: IdRule | None
    calibration: Calibration | None
    intervals: Intervals
    single_years: pd.DataFrame  # single_years.single_year_table
    near_legal_age: pd.DataFrame  # single_years.errors_of_ages
    slices: pd.DataFrame  # slices.slice_errors
    n_pairs_left_out: int  # of crossed columns, beyond slices.MAX_PAIRS
    # parity.parity_tables: of groups, and the differences between those of a column
    parity: pd.DataFrame
    parity_differences: pd.DataFrame
    label_issues: pd.DataFrame  # errors.label_issues

    @property
    def people_by_part(self) -> dict[tuple[str, str], int]:
        """People on both sides of the legal age, by who and part: a threshold needs them in both."""
        n = self.by_age.rates.groupby("group")["n"].max()
        part = "training" if self.n_folds else "validation"
        return {
            ("minor", part): self.n_validation_minors,
            ("adult", part): self.n_validation_adults,
            ("minor", "test"): int(n[MINORS]),
            ("adult", "test"): int(n[ALL_ADULTS]),
        }
