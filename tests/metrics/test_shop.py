import numpy as np
import pytest

from shopper_age.metrics.id_check import rates_at, rates_by_threshold_age
from shopper_age.metrics.shop import shop_table


def test_rates_become_people_of_a_shop():
    true = [16] * 100 + [40] * 50
    rates = rates_at(rates_by_threshold_age(true, [16] * 99 + [30] + [20] * 10 + [40] * 40, legal_age=18), 25)
    table = shop_table(rates, customers_per_month=10_000, share_of_minors=0.05).set_index("what")
    served, asked = table.loc["minors served"], table.loc["adults asked"]
    assert (served["per_1000"], served["per_month"]) == (pytest.approx(0.5), pytest.approx(5))
    assert (asked["per_1000"], asked["per_month"]) == (pytest.approx(190), pytest.approx(1900))
    low, high = rates.loc["minors", ["low", "high"]]
    assert (served["per_month_low"], served["per_month_high"]) == (500 * low, 500 * high)


def test_nobody_measured_is_not_known():
    rates = rates_at(rates_by_threshold_age([40], [40], legal_age=18), 25)
    served = shop_table(rates, customers_per_month=1, share_of_minors=0.1).iloc[0]
    assert np.isnan(served["per_month"])
