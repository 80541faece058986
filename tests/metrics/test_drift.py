import numpy as np
import pytest

from shopper_age.metrics.drift import (
    COLUMNS,
    bin_counts,
    bin_edges,
    index_by_chance,
    share_table,
    shift_table,
    stability_index,
)


def test_bins_hold_equal_shares_of_the_reference():
    edges = bin_edges(np.arange(100), 4)
    assert edges.tolist() == [24.75, 49.5, 74.25]
    assert bin_counts(np.arange(100), edges).tolist() == [25, 25, 25, 25]
    assert bin_counts([-1e9, 24.75, 1e9], edges).tolist() == [1, 1, 0, 1]


@pytest.mark.parametrize("reference", [[7.0] * 5, [1, 5, 5, 5, 5, 9]])
def test_a_value_that_many_share_has_a_bin_between_what_lies_below_and_above(reference):
    value = reference[1] if len(set(reference)) == 1 else 5
    edges = bin_edges(reference, 3)
    assert bin_counts([value - 0.1, value, value, value + 0.1], edges).tolist() == [1, 2, 1]


def test_the_index_is_that_worked_by_hand():
    # 10.5 / 21, 10.5 / 21 against 20.5 / 21, 0.5 / 21
    assert stability_index([10, 10], [20, 0]) == pytest.approx(10 / 21 * (np.log(41 / 21) + np.log(21)))
    assert stability_index([3, 4], [3, 4]) == 0
    assert stability_index([30, 40], [3, 4]) == pytest.approx(0, abs=0.01)


def test_the_level_of_chance_shrinks_with_both_samples():
    assert index_by_chance(100, 100, 10) == pytest.approx(0.3384, abs=1e-4)
    assert index_by_chance(100, 10**9, 10) == pytest.approx(0.1692, abs=1e-4)
    assert np.isnan(index_by_chance(0, 5, 10))


@pytest.mark.parametrize(("n", "m"), [(60, 300), (1000, 1500)])
def test_chance_stays_below_its_level_as_often_as_it_says(n, m):
    rng = np.random.default_rng(0)
    n_above = 0
    for _ in range(400):
        reference, recent = rng.normal(size=m), rng.normal(size=n)
        edges = bin_edges(reference)
        index = stability_index(bin_counts(reference, edges), bin_counts(recent, edges))
        n_above += index > index_by_chance(m, n, len(edges) + 1)
    assert 0.02 <= n_above / 400 <= 0.08


def test_a_table_has_what_both_samples_have():
    reference = {"age": np.arange(100.0), "size": np.zeros(100), "empty": np.zeros(0)}
    recent = {"age": np.arange(100.0) + 50, "size": np.zeros(40), "empty": np.ones(9), "other": np.ones(9)}
    table = shift_table(reference, recent, level=0.95)
    assert list(table) == COLUMNS
    assert table["quantity"].tolist() == ["age", "size", "empty"]
    age, size, empty = table.to_dict("records")
    assert (age["median_reference"], age["median_recent"], age["ks_distance"]) == (49.5, 99.5, 0.5)
    assert age["iqr_reference"] == pytest.approx(49.5)
    assert age["psi"] > age["psi_by_chance"]
    assert age["ks_p_value"] < 1e-9
    assert size["psi"] < 0.05
    assert size["ks_p_value"] == 1
    assert np.isnan(empty["psi"])


def test_shares_for_a_picture_add_up_whatever_lies_far_out():
    table = share_table(np.append(np.arange(1000.0), 1e9), np.arange(500.0), n_bins=10)
    assert table[["reference", "recent"]].sum().tolist() == pytest.approx([1, 1])
    assert table["to_value"].iloc[-1] < 1100
    same = share_table(np.full(5, 7.0), np.zeros(0))
    assert same["from_value"].iloc[0] == 6.5
    assert same["recent"].sum() == 0
