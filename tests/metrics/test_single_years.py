import numpy as np
import pytest

from shopper_age.metrics.single_years import errors_of_ages, single_year_table


def test_a_year_takes_all_who_have_not_had_their_next_birthday():
    table = single_year_table(
        [17, 17.9, 18, 31, 11.9], [20.0, 26.9, 30, 31, 11], thresholds=(18, 25), chosen=27, is_answered=None
    ).set_index("true_age")
    assert table["n"].sum() == 3
    row = table.loc[17]
    assert row["n"] == 2
    assert (row["asked_at_18"], row["asked_at_25"], row["asked_at_chosen"]) == (0, 0.5, 1)
    assert (row["mae"], row["bias"]) == (pytest.approx(6), pytest.approx(6))
    assert row["sd"] == pytest.approx(np.std([3, 9], ddof=1))
    assert table.loc[18, "asked_at_chosen"] == 0
    assert np.isnan(table.loc[18, "sd"])
    assert table.loc[25, ["mae", "bias", "sd", "asked_at_25"]].isna().all()


def test_no_chosen_threshold_is_an_empty_column_and_unsure_is_asked():
    table = single_year_table([20, 20], [40, 40], thresholds=(25,), chosen=None, is_answered=[True, False])
    row = table.set_index("true_age").loc[20]
    assert np.isnan(row["asked_at_chosen"])
    assert row["asked_at_25"] == 0.5


def test_ranges_hold_both_ends():
    table = errors_of_ages([13, 17.9, 18, 24.5, 25], [14, 17.9, 20, 24.5, 50], [(13, 17), (18, 18), (18, 24)])
    assert table["ages"].tolist() == ["13–17", "18", "18–24"]
    assert table["n"].tolist() == [2, 1, 2]
    assert table["mae"].tolist() == [0.5, 2.0, 1.0]
    assert table["sd"].tolist()[::2] == [pytest.approx(np.sqrt(0.5)), pytest.approx(np.sqrt(2))]
