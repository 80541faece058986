"""Evaluation of a model: errors, age groups, ID check and intervals on the test part.

Whatever has to be chosen or calibrated, a threshold or the width of intervals, is settled on the validation
part, or on out-of-fold estimates of the training part, and measured on the test part.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from shopper_age.evaluation.parts import PartEstimates
from shopper_age.evaluation.result import Calibration, Evaluation, IdRule, Intervals, Metrics
from shopper_age.inference.estimates import Estimates
from shopper_age.metrics import age_groups, errors, id_check
from shopper_age.metrics.calibration import expected_calibration_error, reliability_table
from shopper_age.metrics.intervals import ALL_AGES, abstention, coverage_table, fit_intervals, is_narrow
from shopper_age.metrics.slices import slice_errors
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

    Source: Vovk 2015, "Cross-conformal predictors", Annals of Mathematics and Artificial Intelligence 74, for
    estimates out of fold; one model instead of all folds' models answers for new photos here.
    """
    true, pred, edges = test.y_true, test.y_pred, params.age_groups
    train_ages = np.asarray(train_ages, dtype=float)
    counts = age_groups.confusion(true, pred, edges=edges)
    by_age = _rule_by_age(validation, test, params)
    by_probability, calibration = _rule_by_probability(validation, test, params)
    intervals = _intervals(validation, test, params)
    metrics = {
        **errors.summarise(true, pred, train_ages=train_ages, max_mae=params.max_mae, seed=seed),
        **summarise_usefulness(true, pred, train_ages=train_ages, seed=seed),
        **age_groups.summarise_groups(true, pred, edges=edges),
        **_rounded(_id_metrics(by_age, by_probability, calibration, params.max_false_positive_rate)),
        **_rounded(_interval_metrics(intervals)),
    }
    if one_view is not None:
        metrics |= _rounded({"mae_one_view": errors.mae(true, one_view.age)})
    return Evaluation(
        params=params,
        test=test,
        file_names=file_names,
        content_hashes=content_hashes,
        train_ages=train_ages,
        n_validation=validation.y_true.size,
        n_folds=n_folds,
        n_validation_minors=int(np.count_nonzero(validation.y_true < params.legal_age)),
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
        slices=slice_errors(true, pred, attributes, seed=seed),
        label_issues=errors.label_issues(file_names, true, pred, test.estimates.sd()),
    )


def _rule_by_age(validation: PartEstimates, test: PartEstimates, params: EvaluateParams) -> IdRule:
    rates = (
        id_check.rates_by_threshold_age(part.y_true, part.y_pred, legal_age=params.legal_age)
        for part in (validation, test)
    )
    return _id_rule(*rates, accepted=params.max_false_positive_rate)


def _rule_by_probability(
    validation: PartEstimates, test: PartEstimates, params: EvaluateParams
) -> tuple[IdRule, Calibration] | tuple[None, None]:
    """The rule and the calibration of its probability; None of a model without distributions."""
    legal_age = params.legal_age
    p_validation, p_test = (part.estimates.p_under(legal_age) for part in (validation, test))
    if p_validation is None or p_test is None:
        return None, None
    rule = _id_rule(
        id_check.rates_by_probability_limit(validation.y_true, p_validation, legal_age=legal_age),
        id_check.rates_by_probability_limit(test.y_true, p_test, legal_age=legal_age),
        accepted=params.max_false_positive_rate,
    )
    reliability = reliability_table(test.y_true < legal_age, p_test)
    return rule, Calibration(reliability, expected_calibration_error(reliability))


def _id_rule(validation_rates: pd.DataFrame, test_rates: pd.DataFrame, *, accepted: float) -> IdRule:
    chosen = id_check.choose_threshold(validation_rates, max_false_positive_rate=accepted)
    return IdRule(
        rates=test_rates,
        trade_off=id_check.trade_off(test_rates),
        chosen=chosen,
        on_test=None if chosen is None else id_check.rates_of_threshold(test_rates, chosen),
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
        coverage=coverage_table(test.y_true, low, high, edges=params.age_groups),
        is_answered=is_answered,
        abstention=abstention(test.y_true, test.y_pred, is_answered),
    )


def _id_metrics(
    by_age: IdRule, by_probability: IdRule | None, calibration: Calibration | None, accepted: float
) -> dict[str, Any]:
    rates = by_age.rates
    n_minors = rates.loc[rates["group"] == id_check.ALL_MINORS, "n"].max()
    metrics = {"id_n_minors": int(n_minors), **_chosen_metrics(by_age, "id", "threshold_age", accepted)}
    for age in id_check.SHOWN_THRESHOLD_AGES:
        if age in rates["threshold"].to_numpy():
            at = id_check.rates_at(rates, age)["rate"]
            metrics[f"id_false_positive_rate_at_{age}"] = at[id_check.ALL_MINORS]
            metrics[f"id_request_rate_at_{age}"] = at[id_check.ALL_ADULTS]
    if by_probability is not None:
        metrics |= _chosen_metrics(by_probability, "id_probability", "limit", accepted)
    if calibration is not None:
        metrics["id_calibration_error"] = calibration.error
    return metrics


def _chosen_metrics(rule: IdRule, prefix: str, threshold: str, accepted: float) -> dict[str, Any]:
    if rule.on_test is None:
        return {}
    rate = rule.on_test.false_positive_rate
    return {
        f"{prefix}_{threshold}": rule.chosen,
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
