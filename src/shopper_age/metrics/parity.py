"""Parity: rates of the ID check and MAE by group of people, and whether they differ by more than chance."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import gammaln

from shopper_age.metrics.errors import check_ages, mean_interval
from shopper_age.metrics.id_check import FALSE_POSITIVE_RATE, ID_REQUEST_RATE
from shopper_age.metrics.people import check_people, one_photo_each, person_means
from shopper_age.metrics.proportions import exact_interval, holm
from shopper_age.metrics.slices import SMALL_SLICE, Slicing

MAE = "mae"

N_TABLES = 9_999

# With fewer people in a group the chi-squared distribution of Kruskal and Wallis' H is a poor one.
MIN_RANKED = 5

COLUMNS = ["column", "value", "is_pair", "measure", "n", "n_hits", "estimate", "low", "high"]

COLUMNS += ["mean_age", "is_small"]

DIFFERENCES = ["column", "is_pair", "measure", "n_groups", "lowest", "highest", "difference"]

DIFFERENCES += ["p_value", "p_holm"]


def parity_tables(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    slicings: Sequence[Slicing],
    *,
    minors_from: float,
    legal_age: float,
    threshold: float | None,
    is_answered: ArrayLike | None = None,
    people: ArrayLike | None = None,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How a threshold and the estimates treat each group of people, and how far groups are apart.

    Three measures: false_positive_rate, the share of minors who pass unasked; id_request_rate, the share of
    adults who are asked; mae, in years, over all ages. The exact interval and test of a rate need independent
    people: where `people` are known, each counts with one photo per group, drawn by lot. The MAE of a person
    in a group is that of all photos of theirs in it. Should a person be in several groups (dark and bright
    photos), the tests take them for several people, which hides differences rather than inventing them.

    Args:
        slicings: of the photos, whose slices are the groups.
        minors_from, legal_age: true ages, in years, from which on and below which a person is a minor.
        threshold: people whose estimate is below it, in years, are asked; None leaves the two rates out.
        is_answered: shape (n,), False where the answer is "not sure": who gets none is asked, too.
        people: of the photos, as in `metrics.people`; None = each photo counts as a person.
        seed: of the lots, the bootstrap and the tables drawn for the tests.

    Returns:
        First, a row per group and measure, without those of nobody: `column`, `value`, `is_pair`, `measure`,
        `n` (people), `n_hits` (of a rate, missing for mae), `estimate` with its 95 % interval `low`, `high`
        (Clopper–Pearson of a rate, bootstrap of an mae), `mean_age` (years, of these people: a group of
        younger adults is asked more often) and `is_small` (too few people to judge by).
        Second, a row per column and measure of which there are two groups or more: `column`, `is_pair`,
        `measure`, `n_groups`, `lowest`, `highest` (the groups furthest apart among those that are not small)
        and their `difference` (empty and NaN where fewer than two are not small), `p_value` of the
        hypothesis that all groups, small ones included, are alike, and `p_holm`, corrected over all columns
        of the measure. The p-value is Fisher's (`fisher_p`) of a rate, Kruskal and Wallis' of absolute
        errors.

    Raises:
        ValueError: shapes differ, or an age is not finite.

    Source: Hardt, Price & Srebro 2016, "Equality of Opportunity in Supervised Learning", NeurIPS: equal rates
    of error among those of one true class; Holm 1979 as in `proportions.holm`.
    """
    true, pred = check_ages(y_true, y_pred)
    person = check_people(people, true.size)
    answered = np.ones(true.size, bool) if is_answered is None else np.asarray(is_answered, dtype=bool)
    if answered.shape != true.shape:
        raise ValueError(
            f"is_answered must have the shape of the ages, {true.shape}; it has {answered.shape}"
        )
    rates: dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]] = {}
    if threshold is not None:
        is_asked = (pred < threshold) | ~answered
        rates[FALSE_POSITIVE_RATE] = ((true >= minors_from) & (true < legal_age), ~is_asked)
        rates[ID_REQUEST_RATE] = (true >= legal_age, is_asked)
    groups: list[dict[str, Any]] = []
    differences: list[dict[str, Any]] = []
    for slicing in slicings:
        codes, names = slicing.slices.codes, list(map(str, slicing.slices.categories))
        # One photo of each person in each group, whose number is unique to both.
        for measure, (counted, is_hit) in rates.items():
            rows = np.flatnonzero(counted)
            if rows.size == 0:
                continue
            in_group = person[rows] * len(names) + codes[rows]
            rows = rows[one_photo_each(in_group, rows.size, seed=seed)]
            n = np.bincount(codes[rows], minlength=len(names))
            n_hits = np.bincount(codes[rows], weights=is_hit[rows], minlength=len(names)).astype(int)
            of_column = _rate_rows(slicing, names, measure, n, n_hits, codes[rows], true[rows])
            groups += of_column
            differences += _difference(of_column, fisher_p(n_hits, n, seed=seed))
        of_column, errors = [], []
        for code, name in enumerate(names):
            chosen = codes == code
            absolute = np.abs(pred[chosen] - true[chosen])
            errors.append(person_means(absolute, person[chosen]))
            low, high = mean_interval(absolute, seed=seed, people=person[chosen])
            of_column.append(
                _row(slicing, name, MAE, errors[-1].size, np.nan, absolute.mean(), low, high, true[chosen])
            )
        groups += of_column
        differences += _difference(of_column, kruskal_p(errors))
    table = pd.DataFrame(differences, columns=DIFFERENCES)
    table["p_holm"] = table.groupby("measure")["p_value"].transform(holm).astype(float)
    return pd.DataFrame(groups, columns=COLUMNS).astype({"n_hits": "Int64"}), table


def fisher_p(n_hits: ArrayLike, n_all: ArrayLike, *, seed: int, n_tables: int = N_TABLES) -> float:
    """P-value of Fisher's exact test that all groups have one rate; NaN unless two groups have people.

    Of more than two groups it is the share of `n_tables` tables, drawn at random with the same totals, that
    are no more probable than the one seen; the seen one counts as drawn, too, so that it is never 0.
    3 of 3 and 0 of 3: 2 of the 20 tables with these totals are as improbable, p = 0.1.

    Args:
        n_hits, n_all: of each group, shape (groups,).

    Source: Fisher 1934, "Statistical Methods for Research Workers", 5th edition, section 21.02; Freeman &
    Halton 1951, "Note on an Exact Treatment of Contingency, Goodness of Fit and Other Problems of
    Significance", Biometrika 38; drawn tables: Patefield 1981, Applied Statistics 30(1).
    """
    hits, everything = np.asarray(n_hits, dtype=np.int64), np.asarray(n_all, dtype=np.int64)
    hits, everything = hits[everything > 0], everything[everything > 0]
    if hits.size < 2:
        return float("nan")
    if hits.size == 2:
        return float(stats.fisher_exact(np.stack([hits, everything - hits])).pvalue)
    rng = np.random.default_rng(seed)
    drawn = rng.multivariate_hypergeometric(everything, hits.sum(), size=n_tables, method="marginals")

    def log_probability(counts: NDArray[np.int64]) -> NDArray[np.float64]:
        return -(gammaln(counts + 1) + gammaln(everything - counts + 1)).sum(axis=-1)

    # Tables as probable as the seen one may differ by rounding.
    n_extreme = np.count_nonzero(log_probability(drawn) <= log_probability(hits) + 1e-7)
    return (1 + int(n_extreme)) / (1 + n_tables)


def kruskal_p(values: Sequence[NDArray[np.float64]]) -> float:
    """P-value that values of all groups have one distribution; NaN unless two groups have `MIN_RANKED`.

    Smaller groups are left out. 1 where all values are equal.

    Source: Kruskal & Wallis 1952, "Use of Ranks in One-Criterion Variance Analysis", JASA 47(260).
    """
    ranked = [group for group in values if group.size >= MIN_RANKED]
    if len(ranked) < 2:
        return float("nan")
    if np.ptp(np.concatenate(ranked)) == 0:
        return 1.0
    return float(stats.kruskal(*ranked).pvalue)


def _rate_rows(
    slicing: Slicing,
    names: Sequence[str],
    measure: str,
    n: NDArray[np.int64],
    n_hits: NDArray[np.int64],
    codes: NDArray[Any],
    ages: NDArray[np.float64],
) -> list[dict[str, Any]]:
    low, high = exact_interval(n_hits, n)
    return [
        _row(slicing, name, measure, n[i], n_hits[i], n_hits[i] / n[i], low[i], high[i], ages[codes == i])
        for i, name in enumerate(names)
        if n[i]
    ]


def _row(
    slicing: Slicing,
    value: str,
    measure: str,
    n: int,
    n_hits: float,
    estimate: float,
    low: float,
    high: float,
    ages: NDArray[np.float64],
) -> dict[str, Any]:
    cells = [slicing.column, value, slicing.pair is not None, measure, int(n), n_hits, estimate, low, high]
    return dict(zip(COLUMNS, [*cells, ages.mean(), n < SMALL_SLICE], strict=True))


def _difference(rows: list[dict[str, Any]], p_value: float) -> list[dict[str, Any]]:
    """The row of a column and measure, or none where there is only one group to tell of."""
    if len(rows) < 2:
        return []
    judged = sorted((row for row in rows if not row["is_small"]), key=lambda row: row["estimate"])
    lowest, highest = (judged[0], judged[-1]) if len(judged) > 1 else (None, None)
    return [
        {
            "column": rows[0]["column"],
            "is_pair": rows[0]["is_pair"],
            "measure": rows[0]["measure"],
            "n_groups": len(rows),
            "lowest": lowest["value"] if lowest else "",
            "highest": highest["value"] if highest else "",
            "difference": highest["estimate"] - lowest["estimate"] if lowest and highest else np.nan,
            "p_value": p_value,
        }
    ]
