import pytest
from guarantee import shops, true_rates


def test_true_rates_fall_with_the_threshold():
    rates = true_rates()
    assert (rates[1:] < rates[:-1]).all()
    assert rates[0] > 0.5 > 0.01 > rates[-1]


def test_enough_minors_keep_the_promise_and_too_few_have_no_threshold():
    few = shops(20, 28, rate=0.1, guarantee=0.95, seed=0).set_index("way")
    assert few.loc["guaranteed", "shops with a threshold"] == 0
    assert few.loc["observed", "shops with a threshold"] == 1
    many = shops(60, 200, rate=0.1, guarantee=0.95, seed=0).set_index("way")
    assert many.loc["guaranteed", "promise kept"] >= many.loc["observed", "promise kept"]
    assert many.loc["guaranteed", "promise kept"] >= 0.9
    assert many.loc["guaranteed", "adults asked"] == pytest.approx(0.2, abs=0.15)
