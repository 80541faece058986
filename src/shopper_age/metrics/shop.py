"""Rates of an ID check in a shop: people instead of shares."""

import pandas as pd

from shopper_age.metrics.id_check import ALL_ADULTS, MINORS

SERVED, ASKED = "minors served", "adults asked"


def shop_table(rates: pd.DataFrame, *, customers_per_month: float, share_of_minors: float) -> pd.DataFrame:
    """Minors who would be served and adults who would be asked.

    Args:
        rates: of one threshold, indexed by group, as `id_check.rates_at` returns them.
        customers_per_month: who want to buy what has a legal age.
        share_of_minors: of these, 0-1.

    Returns:
        Rows `minors served` and `adults asked` (column `what`); `per_1000` customers and `per_month`, each
        with the ends of the rate's 95 % interval, `_low` and `_high`. NaN where nobody was measured.
        1 % (0 to 3 %) of the minors and 20 % of the adults, with 5 % minors among 10,000 customers a month:
        0.5 (0 to 1.5) of 1,000, 5 (0 to 15) a month, and 190 of 1,000, 1,900 a month.
    """
    rows = []
    for what, group, share in ((SERVED, MINORS, share_of_minors), (ASKED, ALL_ADULTS, 1 - share_of_minors)):
        row: dict[str, object] = {"what": what}
        for unit, customers in (("per_1000", 1000.0), ("per_month", float(customers_per_month))):
            for end, column in (("", "rate"), ("_low", "low"), ("_high", "high")):
                row[unit + end] = float(rates.loc[group, column]) * share * customers
        rows.append(row)
    return pd.DataFrame(rows)
