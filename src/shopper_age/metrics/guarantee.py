"""Choice of a threshold that keeps its promise on other people, with a given probability.

A rate observed on a few hundred minors is an estimate: the smallest threshold whose observed rate is low
enough was lucky, and is too lax more often than not. Testing thresholds one after the other, from the
strictest on, until the first that cannot be shown to be safe, keeps the promise whatever the model.

Source: Angelopoulos, Bates, Candès, Jordan & Lei 2021, "Learn then Test: Calibrating Predictive Algorithms
to Achieve Risk Control", arXiv:2110.01052, fixed-sequence testing; Bates, Angelopoulos, Lei, Malik & Jordan
2021, "Distribution-Free, Risk-Controlling Prediction Sets", Journal of the ACM 68(6), for the bound.
"""

import math
from dataclasses import dataclass

import pandas as pd
from scipy import stats

from shopper_age.metrics.id_check import MINORS, choose_threshold


@dataclass(frozen=True)
class Choice:
    """A threshold, and whether it is more than an estimate."""

    threshold: float | None  # None: no threshold is strict enough
    is_guaranteed: bool
    n_minors: int  # that it was chosen by


def choose(rates: pd.DataFrame, *, max_false_positive_rate: float, guarantee: float) -> Choice:
    """The guaranteed threshold; where there is none, the one that the observed rate suggests.

    Args:
        rates: of the calibration people, a table of `id_check.rates_by_threshold_age` or
            `rates_by_probability_limit`.
        max_false_positive_rate: share of minors who may pass, 0-1.
        guarantee: probability, over the draw of the calibration people, with which no more than this share of
            all such minors pass.
    """
    n_minors = int(rates.loc[rates["group"] == MINORS, "n"].max())
    wanted = {"max_false_positive_rate": max_false_positive_rate}
    threshold = guaranteed_threshold(rates, **wanted, guarantee=guarantee)
    if threshold is not None:
        return Choice(threshold, True, n_minors)
    return Choice(choose_threshold(rates, **wanted), False, n_minors)


def guaranteed_threshold(
    rates: pd.DataFrame, *, max_false_positive_rate: float, guarantee: float
) -> float | None:
    """The laxest threshold that fixed-sequence testing reaches from the strictest; None if it rejects none.

    Of each threshold the hypothesis "more than `max_false_positive_rate` of the minors pass" is tested by the
    exact binomial probability of so few of n minors at that rate, which must be at most 1 - `guarantee`.
    Because the first failure ends it, no correction for the number of thresholds is needed.
    With 299 minors of whom none passes at T >= 30, and one at 29, 1 % and 0.95 give 30: 0.99^299 = 0.0495.
    """
    minors = rates[(rates["group"] == MINORS) & (rates["n"] > 0)].iloc[::-1]  # the strictest first
    found = None
    for row in minors.itertuples():
        if stats.binom.cdf(row.n_hits, row.n, max_false_positive_rate) > 1 - guarantee:
            break
        found = row.threshold
    return None if found is None else float(found)


def minors_needed(max_false_positive_rate: float, guarantee: float) -> int | None:
    """The fewest minors that can guarantee a rate, if none of them passes: 299 for 1 % and 0.95.

    Below ln(1 - guarantee) / ln(1 - rate) even no hit at all leaves a higher rate possible. None for a rate
    of 0, which no number of people can prove; 0 for a rate of 1.
    """
    if max_false_positive_rate <= 0:
        return None
    if max_false_positive_rate >= 1:
        return 0
    return math.ceil(math.log1p(-guarantee) / math.log1p(-max_false_positive_rate) - 1e-9)
