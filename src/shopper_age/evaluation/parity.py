"""Conclusions on parity: groups of people whom the model treats otherwise than chance explains."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd

from shopper_age.evaluation.result import Evaluation
from shopper_age.metrics.id_check import FALSE_POSITIVE_RATE, ID_REQUEST_RATE
from shopper_age.metrics.parity import MAE
from shopper_age.metrics.slices import CROSS

# A corrected p-value below this is called more than chance.
CHANCE = 0.05

MEASURES = (FALSE_POSITIVE_RATE, ID_REQUEST_RATE, MAE)


@dataclass(frozen=True)
class MeasureParity:
    """What the groups of all columns show of one measure.

    A difference is a row of the second table of `parity.parity_tables`, with the rows of two of its groups
    as `low_group` and `high_group`.
    """

    measure: str
    # Columns and pairs that could be tested.
    n_tested: int
    # Of single columns, the one whose groups are furthest apart; None where no two groups are large enough.
    largest: dict[str, Any] | None
    # More than chance: columns, and pairs of which neither column shows it, the most certain first. Small
    # groups may be the cause, so their two groups are those whose intervals are furthest apart.
    unequal: list[dict[str, Any]]
    # Groups of single columns, and those among them with too few people to judge by.
    n_groups: int
    n_small: int


def assess_parity(evaluation: Evaluation) -> list[MeasureParity]:
    """What the groups show, for each of `MEASURES`."""
    return [_of_measure(evaluation.parity, evaluation.parity_differences, name) for name in MEASURES]


def _of_measure(groups: pd.DataFrame, differences: pd.DataFrame, measure: str) -> MeasureParity:
    groups = groups[groups["measure"] == measure]
    differences = differences[(differences["measure"] == measure) & differences["p_value"].notna()]
    single = ~differences["is_pair"].astype(bool)
    known = differences[single & differences["difference"].notna()]
    apart = differences["p_holm"] < CHANCE
    names = {*differences.loc[single & apart, "column"]}
    told_by_one = {
        CROSS.join(pair)
        for pair in combinations(groups.loc[~groups["is_pair"].astype(bool), "column"].unique(), 2)
        if names.intersection(pair)
    }
    told = [
        row
        for row in differences[apart].sort_values("p_holm", kind="stable").to_dict("records")
        if not (row["is_pair"] and row["column"] in told_by_one)
    ]
    of_columns = groups[~groups["is_pair"].astype(bool)]
    return MeasureParity(
        measure=measure,
        n_tested=len(differences),
        largest=None if known.empty else _furthest(known, groups),
        unequal=[_clearest(row, groups) for row in told],
        n_groups=len(of_columns),
        n_small=int(of_columns["is_small"].sum()),
    )


def _furthest(differences: pd.DataFrame, groups: pd.DataFrame) -> dict[str, Any]:
    row = differences.loc[differences["difference"].idxmax()].to_dict()
    by_value = _of_column(row, groups).set_index("value", drop=False)
    return {
        **row,
        "low_group": by_value.loc[row["lowest"]].to_dict(),
        "high_group": by_value.loc[row["highest"]].to_dict(),
    }


def _clearest(row: dict[str, Any], groups: pd.DataFrame) -> dict[str, Any]:
    of_column = _of_column(row, groups).dropna(subset=["low", "high"])
    low, high = of_column.loc[of_column["high"].idxmin()], of_column.loc[of_column["low"].idxmax()]
    return {
        **row,
        "difference": high["estimate"] - low["estimate"],
        "low_group": low.to_dict(),
        "high_group": high.to_dict(),
    }


def _of_column(row: dict[str, Any], groups: pd.DataFrame) -> pd.DataFrame:
    return groups[(groups["column"] == row["column"]) & (groups["is_pair"] == row["is_pair"])]


def clearly_worse_pairs(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Slices of two crossed columns that are worse than each column alone tells, the worst first."""
    slices = evaluation.slices
    worse = slices[slices["is_pair"].astype(bool) & (slices["p_worse"] < CHANCE)]
    return worse.sort_values("mae", ascending=False).to_dict("records")


def drawn_slices(evaluation: Evaluation) -> pd.DataFrame:
    """The slices that a picture has room for: all of single columns, and `clearly_worse_pairs`."""
    slices = evaluation.slices
    return slices[~slices["is_pair"].astype(bool) | (slices["p_worse"] < CHANCE)]
