"""Evaluation of a model: errors, age groups, ID check and intervals on the test part.

Whatever has to be chosen or calibrated, a threshold or the width of intervals, is settled on the validation
part and measured on the test part.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from shopper_age.evaluation.result import Evaluation, IdRule, Intervals, Metrics, PartEstimates
from shopper_age.metrics import age_groups, errors, id_check
from shopper_age.metrics.calibration import expected_calibration_error, reliability_table
from shopper_age.metrics.intervals import ALL_AGES, abstention, coverage_table, fit_intervals, is_narrow
from shopper_age.metrics.slices import slice_errors
from shopper_age.params import EvaluateParams


def evaluate(
    validation: PartEstimates,
    test: PartEstimates,
    *,
    file_names: Sequence[str],
    train_ages: ArrayLike,
    attributes: pd.DataFrame,
    params: EvaluateParams,
    seed: int,
) -> Evaluation:
    """Settles thresholds and intervals on the validation part, and measures everything on the test part.

    Args:
        file_names: of the test photos.
        train_ages: of the photos that were learnt from, in years, for the baseline.
        attributes: of the test photos, as `photo_attributes` returns them.
        seed: of the bootstrap.
    """
    true, pred, edges = test.y_true, test.y_pred, params.age_groups
    by_age = _rule_by_age(validation, test, params)
    by_probability, reliability = None, None
    p_minor = [part.estimates.p_under(params.legal_age) for part in (validation, test)]
    if p_minor[0] is not None and p_minor[1] is not None:
        by_probability = _rule_by_probability(validation, test, p_minor[0], p_minor[1], params)
        reliability = reliability_table(true < params.legal_age, p_minor[1])
    intervals = _intervals(validation, test, params)
    return Evaluation(
        params=params,
        test=test,
        file_names=file_names,
        n_train=np.size(train_ages),
        n_validation=validation.y_true.size,
        n_validation_minors=int(np.count_nonzero(validation.y_true < params.legal_age)),
        metrics={
            **errors.summarise(true, pred, train_ages=train_ages, max_mae=params.max_mae, seed=seed),
            **age_groups.summarise_groups(true, pred, edges=edges),
            **_rounded(_id_metrics(by_age, by_probability, reliability, params.max_false_positive_rate)),
            **_rounded(_interval_metrics(intervals)),
        },
        bands=errors.errors_by_band(true, pred),
        group_counts=age_groups.confusion(true, pred, edges=edges),
        groups=age_groups.group_table(true, pred, edges=edges),
        by_age=by_age,
        by_probability=by_probability,
        reliability=reliability,
        intervals=intervals,
        slices=slice_errors(true, pred, attributes, seed=seed),
        label_issues=errors.label_issues(file_names, true, pred, test.estimates.sd()),
    )


def _rule_by_age(validation: PartEstimates, test: PartEstimates, params: EvaluateParams) -> IdRule:
    validation_rates, test_rates = (
        id_check.rates_by_threshold_age(part.y_true, part.y_pred, legal_age=params.legal_age)
        for part in (validation, test)
    )
    return _id_rule(validation_rates, test_rates, params)


def _rule_by_probability(
    validation: PartEstimates,
    test: PartEstimates,
    validation_p_minor: NDArray[np.float64],
    test_p_minor: NDArray[np.float64],
    params: EvaluateParams,
) -> IdRule:
    validation_rates, test_rates = (
        id_check.rates_by_probability_limit(y_true, p_minor, legal_age=params.legal_age)
        for y_true, p_minor in ((validation.y_true, validation_p_minor), (test.y_true, test_p_minor))
    )
    return _id_rule(validation_rates, test_rates, params)


def _id_rule(validation_rates: pd.DataFrame, test_rates: pd.DataFrame, params: EvaluateParams) -> IdRule:
    chosen = id_check.choose_threshold(
        validation_rates, max_false_positive_rate=params.max_false_positive_rate
    )
    on_test = None if chosen is None else id_check.rates_of_threshold(test_rates, chosen)
    return IdRule(test_rates, chosen, on_test)


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
    by_age: IdRule, by_probability: IdRule | None, reliability: pd.DataFrame | None, accepted: float
) -> dict[str, Any]:
    rates = by_age.rates
    metrics: dict[str, Any] = {
        "id_n_minors": int(rates.loc[rates["group"] == id_check.ALL_MINORS, "n"].max())
    }
    metrics |= _chosen_metrics(by_age, "id", "threshold_age", accepted)
    for age in id_check.SHOWN_THRESHOLD_AGES:
        if age in rates["threshold"].to_numpy():
            at = id_check.rates_at(rates, age)["rate"]
            metrics[f"id_false_positive_rate_at_{age}"] = at[id_check.ALL_MINORS]
            metrics[f"id_request_rate_at_{age}"] = at[id_check.ALL_ADULTS]
    if by_probability is not None and reliability is not None:
        metrics |= _chosen_metrics(by_probability, "id_probability", "limit", accepted)
        metrics["id_calibration_error"] = expected_calibration_error(reliability)
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
        f"{prefix}_meets": rate <= accepted if rule.on_test.n_minors else None,
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
    seen = {name: value for name, value in metrics.items() if value is not None and np.isfinite(value)}
    return {name: value if isinstance(value, int) else round(float(value), 4) for name, value in seen.items()}
