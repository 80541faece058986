"""Evaluation of a model: errors, age groups, ID check and intervals on the test part.

Whatever has to be chosen or calibrated, a threshold or the width of intervals, is settled on the validation
part, or on out-of-fold estimates of the training part, and measured on the test part.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from shopper_age.evaluation.parts import PartEstimates
from shopper_age.evaluation.result import Calibration, Evaluation, IdRule, Intervals, Metrics
from shopper_age.inference.estimates import Estimates
from shopper_age.metrics import age_groups, errors, guarantee, id_check
from shopper_age.metrics.calibration import expected_calibration_error, reliability_table
from shopper_age.metrics.interval_rule import is_narrow
from shopper_age.metrics.intervals import ALL_AGES, abstention, coverage_table, fit_intervals
from shopper_age.metrics.parity import parity_tables
from shopper_age.metrics.people import one_photo_each
from shopper_age.metrics.single_years import errors_of_ages, single_year_table
from shopper_age.metrics.slices import MAX_PAIRS, crossed_slicings, single_slicings, slice_errors
from shopper_age.metrics.usefulness import MIN_PHOTOS, summarise_usefulness
from shopper_age.params import EvaluateParams


def evaluate(
    validation: PartEstimates,
    test: PartEstimates,
    *,
    file_names: Sequence[str],
    content_hashes: Sequence[str] | None = None,
    train_ages: ArrayLike,
    attributes: pd.DataFrame,
    params: EvaluateParams,
    seed: int,
    one_view: Estimates | None = None,
    n_folds: int = 0,
    qualities: pd.DataFrame | None = None,
) -> Evaluation:
    """Settles thresholds and intervals on the validation part, and measures everything on the test part.

    Args:
        validation: the validation part, or what `estimate_out_of_fold` returned of `n_folds` folds.
        file_names: of the test photos.
        content_hashes: of the test photos, as `attributes.content_hashes` returns them, for predictions.csv.
        train_ages: of the photos that were learnt from, in years, for the baseline.
        attributes: of the test photos, as `photo_attributes` returns them.
        seed: of the bootstrap.
        one_view: of the plain test photos, where `test` averages several views of each.
        n_folds: 0 of a validation part.
        qualities: of the test photos, as `photo_qualities` returns them, for predictions.csv.

    Source: Vovk 2015, "Cross-conformal predictors", Annals of Mathematics and Artificial Intelligence 74, for
    estimates out of fold; one model instead of all folds' models answers for new photos here.
    """
    true, pred, edges = test.y_true, test.y_pred, params.age_groups
    train_ages = np.asarray(train_ages, dtype=float)
    counts = age_groups.confusion(true, pred, edges=edges)
    intervals = _intervals(validation, test, params)
    # of each person one photo, as of one customer at the till
    settled, measured = (
        one_photo_each(part.people, part.y_true.size, seed=seed) for part in (validation, test)
    )
    id_parts = validation.of(settled), test.of(measured), intervals.is_answered[measured]
    by_age = _rule_by_age(*id_parts, params)
    by_probability = _rule_by_probability(*id_parts, params)
    calibration = _calibration(test, params)
    singles = single_slicings(attributes)
    pairs = crossed_slicings(singles)
    slicings = [*singles, *pairs[:MAX_PAIRS]]
    parity, parity_differences = parity_tables(
        true,
        pred,
        slicings,
        minors_from=params.minors_from,
        legal_age=params.legal_age,
        threshold=by_age.chosen,
        is_answered=intervals.is_answered,
        people=test.people,
        seed=seed,
    )
    drawn: dict[str, Any] = {"seed": seed, "people": test.people}
    metrics = {
        **errors.summarise(true, pred, train_ages=train_ages, max_mae=params.max_mae, **drawn),
        **summarise_usefulness(true, pred, train_ages=train_ages, **drawn),
        **age_groups.summarise_groups(true, pred, edges=edges),
        **_rounded(_id_metrics(by_age, by_probability, calibration, params.max_false_positive_rate, n_folds)),
        **_rounded(_interval_metrics(intervals)),
    }
    if one_view is not None:
        metrics |= _rounded({"mae_one_view": errors.mae(true, one_view.age)})
    return Evaluation(
        params=params,
        test=test,
        file_names=file_names,
        content_hashes=content_hashes,
        qualities=qualities,
        train_ages=train_ages,
        n_validation=validation.y_true.size,
        n_validation_people=None if validation.people is None else np.unique(validation.people).size,
        n_folds=n_folds,
        n_validation_minors=by_age.choice.n_minors,
        n_validation_adults=int(np.count_nonzero(id_parts[0].y_true >= params.legal_age)),
        metrics=metrics,
        errors=errors.errors(true, pred),
        bands=errors.errors_by_band(true, pred),
        confusion=counts,
        confusion_shares=age_groups.confusion_shares(counts),
        groups=age_groups.group_table(true, pred, edges=edges),
        by_age=by_age,
        by_probability=by_probability,
        calibration=calibration,
        intervals=intervals,
        single_years=single_year_table(
            true[measured],
            pred[measured],
            thresholds=id_check.SHOWN_THRESHOLD_AGES,
            chosen=by_age.chosen,
            is_answered=intervals.is_answered[measured],
        ),
        near_legal_age=errors_of_ages(true, pred, _ages_near(params.legal_age)),
        slices=slice_errors(true, pred, slicings, seed=seed, people=test.people),
        n_pairs_left_out=len(pairs[MAX_PAIRS:]),
        parity=parity,
        parity_differences=parity_differences,
        label_issues=errors.label_issues(file_names, true, pred, test.estimates.sd()),
    )


def _ages_near(legal_age: int) -> list[tuple[int, int]]:
    """Ranges by which such checks are certified: five years below, the year itself, seven years from it."""
    return [(max(0, legal_age - 5), legal_age - 1), (legal_age, legal_age), (legal_age, legal_age + 6)]


def _rule_by_age(
    validation: PartEstimates, test: PartEstimates, is_answered: NDArray[np.bool_], params: EvaluateParams
) -> IdRule:
    def rates(part: PartEstimates, is_answered: NDArray[np.bool_] | None = None) -> pd.DataFrame:
        return id_check.rates_by_threshold_age(
            part.y_true,
            part.y_pred,
            legal_age=params.legal_age,
            minors_from=params.minors_from,
            is_answered=is_answered,
        )

    return _id_rule(rates(validation), rates(test, is_answered), rates(test.of(is_answered)), params)


def _rule_by_probability(
    validation: PartEstimates, test: PartEstimates, is_answered: NDArray[np.bool_], params: EvaluateParams
) -> IdRule | None:
    """None of a model without distributions."""
    if test.estimates.distribution is None:
        return None

    def rates(part: PartEstimates, is_answered: NDArray[np.bool_] | None = None) -> pd.DataFrame:
        p_minor = part.estimates.p_under(params.legal_age)
        assert p_minor is not None  # both parts are of one model
        return id_check.rates_by_probability_limit(
            part.y_true,
            p_minor,
            legal_age=params.legal_age,
            minors_from=params.minors_from,
            is_answered=is_answered,
        )

    return _id_rule(rates(validation), rates(test, is_answered), rates(test.of(is_answered)), params)


def _calibration(test: PartEstimates, params: EvaluateParams) -> Calibration | None:
    """Of people of all ages: a probability is honest or not whoever it is said of."""
    p_test = test.estimates.p_under(params.legal_age)
    if p_test is None:
        return None
    reliability = reliability_table(test.y_true < params.legal_age, p_test, people=test.people)
    return Calibration(reliability, expected_calibration_error(reliability))


def _id_rule(
    validation_rates: pd.DataFrame,
    test_rates: pd.DataFrame,
    answered_rates: pd.DataFrame,
    params: EvaluateParams,
) -> IdRule:
    """The rule with the threshold that the validation part gives.

    There an unsure estimate counts by its age: at the till it is asked, which lets fewer pass, so the promise
    holds all the more. Counted as asked it would weaken the promise, for the width of the intervals was
    settled on the same photos.
    """
    choice = guarantee.choose(
        validation_rates,
        max_false_positive_rate=params.max_false_positive_rate,
        guarantee=params.guarantee,
    )
    chosen = choice.threshold
    return IdRule(
        rates=test_rates,
        trade_off=id_check.trade_off(test_rates),
        choice=choice,
        on_test=None if chosen is None else id_check.rates_of_threshold(test_rates, chosen),
        on_answered=None if chosen is None else id_check.rates_of_threshold(answered_rates, chosen),
    )


def _intervals(validation: PartEstimates, test: PartEstimates, params: EvaluateParams) -> Intervals:
    difficulty = validation.estimates.sd()
    rule = fit_intervals(
        validation.y_true,
        validation.y_pred,
        difficulty,
        level=params.interval_level,
        # A number alone does not say how sure it is; its age group does, a little.
        edges=params.age_groups if difficulty is None else (0,),
    )
    low, high = rule.apply(test.y_pred, test.estimates.sd())
    is_answered = is_narrow(low, high, max_width=params.max_interval_width)
    return Intervals(
        rule=rule,
        low=low,
        high=high,
        coverage=coverage_table(test.y_true, low, high, edges=params.age_groups, people=test.people),
        is_answered=is_answered,
        abstention=abstention(test.y_true, test.y_pred, is_answered),
    )


def _id_metrics(
    by_age: IdRule,
    by_probability: IdRule | None,
    calibration: Calibration | None,
    accepted: float,
    n_folds: int,
) -> dict[str, Any]:
    rates = by_age.rates
    n_minors = rates.loc[rates["group"] == id_check.MINORS, "n"].max()
    metrics = {
        "id_n_minors": int(n_minors),
        **_chosen_metrics(by_age, "id", "threshold_age", accepted, n_folds),
    }
    for age in id_check.SHOWN_THRESHOLD_AGES:
        if age in rates["threshold"].to_numpy():
            at = id_check.rates_at(rates, age)["rate"]
            metrics[f"id_false_positive_rate_at_{age}"] = at[id_check.MINORS]
            metrics[f"id_request_rate_at_{age}"] = at[id_check.ALL_ADULTS]
    if by_probability is not None:
        metrics |= _chosen_metrics(by_probability, "id_probability", "limit", accepted, n_folds)
    if calibration is not None:
        metrics["id_calibration_error"] = calibration.error
    return metrics


def _chosen_metrics(
    rule: IdRule, prefix: str, threshold: str, accepted: float, n_folds: int
) -> dict[str, Any]:
    if rule.on_test is None:
        return {}
    rate = rule.on_test.false_positive_rate
    return {
        f"{prefix}_{threshold}": rule.chosen,
        f"{prefix}_is_guaranteed": rule.choice.is_guaranteed and not n_folds,
        f"{prefix}_false_positive_rate": rate,
        f"{prefix}_false_positive_rate_high": rule.on_test.high,
        f"{prefix}_request_rate": rule.on_test.id_request_rate,
        f"{prefix}_meets": rate <= accepted if rule.on_test.n_minors >= MIN_PHOTOS else None,
    }


def _interval_metrics(intervals: Intervals) -> dict[str, Any]:
    overall = intervals.coverage.set_index("age_band").loc[ALL_AGES]
    return {
        "interval_coverage": overall["coverage"],
        "interval_mean_width": overall["mean_width"],
        "abstain_rate": intervals.abstention.rate,
        "mae_answered": intervals.abstention.mae_answered,
    }


def _rounded(metrics: dict[str, Any]) -> Metrics:
    """To 4 decimals; what cannot be had, None or NaN, is left out."""
    known = {name: value for name, value in metrics.items() if value is not None and np.isfinite(value)}
    return {
        name: value if isinstance(value, int) else round(float(value), 4) for name, value in known.items()
    }
