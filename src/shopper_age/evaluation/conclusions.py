"""Conclusions that the report draws from the metrics."""

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
from scipy import stats

from shopper_age.evaluation.result import Evaluation, IdRule, Metrics
from shopper_age.markdown import counted
from shopper_age.metrics.guarantee import minors_needed
from shopper_age.metrics.intervals import conformal_rank
from shopper_age.metrics.usefulness import MIN_PHOTOS

# A mean error of this many years in a band is worth a sentence.
NOTABLE_BIAS = 2.0

# An epoch is better than another when its validation MAE is lower by at least this share.
CLEARLY_BETTER = 0.03

# A validation MAE that once was so many times its lowest jumps about: it says nothing of a trend.
WILD_RATIO = 10

# Beyond this ratio of validation to training MAE the model knows its training photos much better than others.
LARGE_GAP = 1.25

# Rules of thumb for age groups: a report may put one customer in twenty into the wrong bar, and the group of
# one person counts as told apart when it is right for seven in ten.
MAX_MISPLACED = 0.05

MIN_ACCURACY = 0.7

# A rule that asks at least this share of the adults spares so few of them that it decides nothing.
NEARLY_ALL = 0.99

Usefulness = Literal["useful", "too few photos", "no better than the median", "not rising with age"]


def assess_usefulness(metrics: Metrics) -> Usefulness:
    """Whether the estimates are of any use, or why that is not known or not so; every verdict rests on it."""
    if metrics.get("n_test_people", metrics["n_test"]) < MIN_PHOTOS:
        return "too few photos"
    if metrics["is_useful"]:
        return "useful"
    is_better = metrics["mae_minus_baseline_high"] < 0
    return "not rising with age" if is_better else "no better than the median"


Trend = Literal["improving", "worsening", "settled", "learnt nothing", "wild"]


@dataclass(frozen=True)
class TrainingAssessment:
    """What the training history shows; MAE in years."""

    n_epochs: int
    best_epoch: int
    best_val_mae: float
    last_val_mae: float
    last_mae: float
    # wild: the validation MAE once was many times its lowest; learnt nothing: the training MAE never fell
    # clearly below its first; else whether the last epoch was clearly the best one, or clearly worse than it.
    trend: Trend
    first_mae: float
    highest_val_mae: float
    has_large_gap: bool


def assess_training(history: pd.DataFrame) -> TrainingAssessment:
    """Reads a history with a row per epoch and `epoch`, `mae` and `val_mae` in years.

    Raises:
        ValueError: there is no epoch.
    """
    if history.empty:
        raise ValueError("the training history holds no epoch")
    best, last = history.loc[history["val_mae"].idxmin()], history.iloc[-1]
    earlier = history["val_mae"].iloc[:-1].min()
    trend: Trend
    highest = history["val_mae"].max()
    if highest > WILD_RATIO * best["val_mae"]:
        trend = "wild"
    elif len(history) > 1 and history["mae"].min() > history["mae"].iloc[0] * (1 - CLEARLY_BETTER):
        trend = "learnt nothing"
    elif last["val_mae"] < earlier * (1 - CLEARLY_BETTER):
        trend = "improving"
    elif last["val_mae"] * (1 - CLEARLY_BETTER) > best["val_mae"]:
        trend = "worsening"
    else:
        trend = "settled"
    return TrainingAssessment(
        n_epochs=len(history),
        best_epoch=int(best["epoch"]),
        best_val_mae=float(best["val_mae"]),
        last_val_mae=float(last["val_mae"]),
        last_mae=float(last["mae"]),
        trend=trend,
        first_mae=float(history["mae"].iloc[0]),
        highest_val_mae=float(highest),
        has_large_gap=bool(last["val_mae"] > LARGE_GAP * last["mae"]),
    )


@dataclass(frozen=True)
class BandAssessment:
    """What the errors per band of age show. A band is a row with `age_band`, `n`, `mae` and `bias`."""

    # Lowest and highest MAE among the bands with enough photos; None unless there are two such bands.
    best: dict[str, Any] | None
    worst: dict[str, Any] | None
    # Bands whose mean error is notable, youngest first.
    too_old: list[dict[str, Any]]
    too_young: list[dict[str, Any]]
    # The young are estimated too old and the old too young.
    is_pulled_inwards: bool
    # Bands with photos, but too few for a sentence.
    small: list[dict[str, Any]]


def assess_bands(bands: pd.DataFrame) -> BandAssessment:
    """Reads a table of `age_band`, `n`, `mae`, `bias` (years), youngest band first."""
    large = bands[bands["n"] >= MIN_PHOTOS]
    by_error = large.sort_values("mae").to_dict("records")
    too_old, too_young = large[large["bias"] >= NOTABLE_BIAS], large[large["bias"] <= -NOTABLE_BIAS]
    return BandAssessment(
        best=by_error[0] if len(by_error) > 1 else None,
        worst=by_error[-1] if len(by_error) > 1 else None,
        too_old=too_old.to_dict("records"),
        too_young=too_young.to_dict("records"),
        is_pulled_inwards=bool(
            len(too_old) and len(too_young) and too_old.index.max() < too_young.index.min()
        ),
        small=bands[(bands["n"] > 0) & (bands["n"] < MIN_PHOTOS)].to_dict("records"),
    )


@dataclass(frozen=True)
class GroupAssessment:
    """Whether estimates are good enough for age groups, by this project's own rule of thumb."""

    # What keeps both from being judged: too few photos, or a model of no use.
    usefulness: Usefulness
    is_good_for_shares: bool
    is_good_for_one_person: bool
    # The group whose share of all photos a report would get most wrong: a row of `age_groups.group_table`.
    most_misplaced: dict[str, Any]


def assess_groups(evaluation: Evaluation) -> GroupAssessment:
    """Holds the metrics of the age groups against `MAX_MISPLACED` and `MIN_ACCURACY`."""
    groups, metrics = evaluation.groups, evaluation.metrics
    usefulness = assess_usefulness(metrics)
    is_useful = usefulness == "useful"
    off = (groups["share_estimated"] - groups["share_true"]).abs()
    return GroupAssessment(
        usefulness=usefulness,
        is_good_for_shares=is_useful and metrics["group_misplaced_share"] <= MAX_MISPLACED,
        is_good_for_one_person=is_useful and metrics["group_accuracy"] >= MIN_ACCURACY,
        most_misplaced=groups.loc[off.idxmax()].to_dict(),
    )


IdOutcome = Literal["proven", "met", "missed", "unknown", "useless", "impossible", "asks everyone"]


@dataclass(frozen=True)
class IdAssessment:
    """Whether one rule is good enough to decide whom to ask for an ID.

    * proven: the threshold keeps the promise with the probability asked for, and the test part does not
      speak against it.
    * met: few enough minors passed on the test part, but it may be luck.
    * missed: too many passed; of a guaranteed threshold, so many that luck does not explain it.
    * unknown: a part has too few minors or adults, or the test photos are too few for any verdict.
    * useless: the estimates are no better than the median age, or do not rise with age.
    * impossible: no threshold was strict enough.
    * asks everyone: few enough pass because (nearly) every adult is asked, so the estimate decides nothing.
    """

    outcome: IdOutcome
    # (Nearly) every adult is asked.
    asks_everyone: bool
    # Whether the promise is proven by the choice on the validation part, or by the test part's minors alone.
    is_guaranteed: bool
    is_proven_by_test: bool
    # Whether it would be guaranteed, were the estimates out of fold the model's own.
    passes_out_of_fold: bool
    # Validation minors, of whom none passes, that any guarantee takes (None: no number is enough), and how
    # many of them are missing.
    n_minors_needed: int | None
    n_minors_missing: int


def too_few_people(evaluation: Evaluation) -> list[str]:
    """What keeps the ID check from being judged, such as "1 minor in the validation part".

    A threshold is chosen on one part and measured on the other, and its two rates are those of minors and of
    adults: each of the four takes `MIN_PHOTOS`.
    """
    return [
        f"{counted(n, who) if n else f'no {who}s'} in the {part} part"
        for (who, part), n in evaluation.people_by_part.items()
        if n < MIN_PHOTOS
    ]


def assess_id_rule(rule: IdRule, evaluation: Evaluation) -> IdAssessment:
    """Reads what the chosen threshold of a rule did on the test part."""
    params, on_test, choice = evaluation.params, rule.on_test, rule.choice
    # estimates out of fold are those of other models
    is_guaranteed = choice.is_guaranteed and not evaluation.n_folds
    accepted, usefulness = params.max_false_positive_rate, assess_usefulness(evaluation.metrics)
    asks_everyone = on_test is not None and on_test.n_adults > 0 and on_test.id_request_rate >= NEARLY_ALL
    is_proven_by_test = on_test is not None and on_test.upper_bound <= accepted
    outcome: IdOutcome
    if too_few_people(evaluation) or usefulness == "too few photos":
        outcome = "unknown"
    elif usefulness != "useful":
        outcome = "useless"
    elif on_test is None:
        outcome = "impossible"
    elif on_test.lower_bound > accepted or (not is_guaranteed and on_test.false_positive_rate > accepted):
        outcome = "missed"
    elif asks_everyone:
        outcome = "asks everyone"
    else:
        outcome = "proven" if is_guaranteed or is_proven_by_test else "met"
    needed = minors_needed(accepted, params.guarantee)
    return IdAssessment(
        outcome=outcome,
        asks_everyone=asks_everyone,
        is_guaranteed=is_guaranteed,
        is_proven_by_test=is_proven_by_test,
        passes_out_of_fold=choice.is_guaranteed and not is_guaranteed,
        n_minors_needed=needed,
        n_minors_missing=0 if needed is None else max(0, needed - choice.n_minors),
    )


@dataclass(frozen=True)
class IntervalAssessment:
    """Coverage of the intervals against their level."""

    # unknown: the test photos are too few for any verdict.
    outcome: Literal["at level", "too narrow", "too wide", "unknown"]
    # Rows of `intervals.coverage_table` with enough photos and a coverage that is clearly below the level.
    undercovered_bands: list[dict[str, Any]]


def assess_intervals(evaluation: Evaluation) -> IntervalAssessment:
    """Holds the coverage, overall and by band, against the level.

    Overall it counts as at level within what luck gives 95 times in 100, the luck of the n validation photos
    included: of m test photos a beta-binomial number with k = ⌈(n + 1) · level⌉ and n + 1 − k is held. Where
    people are known, n and m are people.

    Source: Angelopoulos & Bates 2021, "A Gentle Introduction to Conformal Prediction", section 3.2, C.
    """
    level, coverage = evaluation.params.interval_level, evaluation.intervals.coverage
    overall, bands = coverage.iloc[0], coverage.iloc[1:]
    n = evaluation.n_validation_people or evaluation.n_validation
    k = conformal_rank(n, level)
    n_test = evaluation.metrics.get("n_test_people", overall["n"])
    outcome: Literal["at level", "too narrow", "too wide", "unknown"] = "at level"
    if n_test < MIN_PHOTOS:
        outcome = "unknown"
    elif k <= n:  # else the intervals are endless
        fewest, most = stats.betabinom.interval(0.95, n_test, k, n + 1 - k)
        n_held = overall["coverage"] * n_test
        if n_held < fewest - 0.5:
            outcome = "too narrow"
        elif n_held > most + 0.5:
            outcome = "too wide"
    undercovered = bands[(bands["n"] >= MIN_PHOTOS) & (bands["coverage_high"] < level)]
    return IntervalAssessment(outcome=outcome, undercovered_bands=undercovered.to_dict("records"))


def clearly_worse_slices(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Rows of `slices.slice_errors` of single columns, not small, whose interval lies above the MAE."""
    slices = evaluation.slices
    worse = slices[
        ~slices["is_pair"].astype(bool)
        & ~slices["is_small"].astype(bool)
        & (slices["mae_low"] > evaluation.metrics["mae"])
    ]
    return worse.sort_values("mae", ascending=False).to_dict("records")
