import numpy as np
import pandas as pd
import pytest
from scipy import stats

from shopper_age.metrics.parity import fisher_p, kruskal_p, parity_tables
from shopper_age.metrics.slices import crossed_slicings, single_slicings

RULE = {"minors_from": 14, "legal_age": 18, "threshold": 25.0, "seed": 0}


def tables(true, pred, columns, **changes):
    singles = single_slicings(pd.DataFrame(columns))
    slicings = [*singles, *crossed_slicings(singles)]
    return parity_tables(true, pred, slicings, **{**RULE, **changes})


def of(groups, measure, column="sex"):
    rows = groups[(groups["measure"] == measure) & (groups["column"] == column)]
    return rows.set_index("value")


def test_rates_of_each_group_can_be_counted_by_hand():
    #        toddler, minors of 14 and 17 and 17, adults of 18 and 40 and 60
    true = np.array([3, 14, 17, 17.9, 18, 40, 60] * 2)
    pred = np.array([60, 25, 20, 24.9, 20, 24, 60, 60, 26, 30, 40, 20, 50, 60.0])
    groups, _ = tables(true, pred, {"sex": ["f"] * 7 + ["m"] * 7})
    minors, adults, error = (of(groups, name) for name in ("false_positive_rate", "id_request_rate", "mae"))
    assert minors[["n", "n_hits"]].to_numpy().tolist() == [[3, 1], [3, 3]]
    assert adults[["n", "n_hits"]].to_numpy().tolist() == [[3, 2], [3, 1]]
    assert error.loc["m", "estimate"] == pytest.approx(np.abs(pred - true)[7:].mean())
    exact = stats.binomtest(1, 3).proportion_ci(method="exact")
    assert minors.loc["f", ["low", "high"]].tolist() == pytest.approx([exact.low, exact.high])
    assert minors.loc["f", "mean_age"] == pytest.approx((14 + 17 + 17.9) / 3)
    assert minors["is_small"].all()


def test_whoever_gets_no_answer_is_asked():
    groups, _ = tables(
        [16.0, 16, 40, 40], [30.0, 30, 50, 50], {"sex": ["f"] * 4}, is_answered=[True, False, True, False]
    )
    assert of(groups, "false_positive_rate")["n_hits"].tolist() == [1]
    assert of(groups, "id_request_rate")["n_hits"].tolist() == [1]


def test_minors_begin_at_their_first_year():
    groups, _ = tables([13.9, 14.0, 40.0], [30.0] * 3, {"sex": ["f"] * 3})
    assert of(groups, "false_positive_rate")["n"].tolist() == [1]
    groups, _ = tables([13.9, 14.0, 40.0], [30.0] * 3, {"sex": ["f"] * 3}, minors_from=0)
    assert of(groups, "false_positive_rate")["n"].tolist() == [2]


def many(rate_f, rate_m, n=100):
    """Minors of both sexes, so many of whom look 30, and as many adults of 40 who look it."""
    looks = np.concatenate([np.arange(n) < rate * n for rate in (rate_f, rate_m)])
    true = np.concatenate([np.full(2 * n, 16.0), np.full(2 * n, 40.0)])
    pred = np.concatenate([np.where(looks, 30.0, 17.0), np.full(2 * n, 41.0)])
    return true, pred, np.tile(np.repeat(["f", "m"], n), 2)


def test_the_difference_of_two_groups_has_fishers_p_and_is_corrected_over_columns():
    true, pred, sex = many(0.02, 0.12)
    shop = np.tile(["A", "B"], 200)
    _, differences = tables(true, pred, {"sex": sex, "shop": shop})
    minors = differences[differences["measure"] == "false_positive_rate"].set_index("column")
    row = minors.loc["sex"]
    assert (row["lowest"], row["highest"], row["n_groups"]) == ("f", "m", 2)
    assert row["difference"] == pytest.approx(0.10)
    assert row["p_value"] == pytest.approx(stats.fisher_exact([[2, 98], [12, 88]]).pvalue)
    assert minors.index.tolist() == ["sex", "shop", "sex × shop"]
    smallest = minors["p_value"].min()
    assert minors["p_holm"].min() == pytest.approx(3 * smallest)
    adults = differences[differences["measure"] == "id_request_rate"]
    assert adults["p_value"].tolist() == [1, 1, 1]


def test_small_groups_are_tested_but_are_not_called_furthest_apart():
    true, pred, sex = many(0.02, 0.05)
    true, pred = np.append(true, [16.0] * 10), np.append(pred, [30.0] * 10)
    groups, differences = tables(true, pred, {"sex": [*sex, *["x"] * 10]})
    row = differences[differences["measure"] == "false_positive_rate"].iloc[0]
    assert (row["lowest"], row["highest"], row["n_groups"]) == ("f", "m", 3)
    assert row["p_value"] == 1e-4
    assert of(groups, "false_positive_rate")["is_small"].tolist() == [False, False, True]


def test_groups_that_are_all_small_have_a_p_but_no_difference():
    _, differences = tables([16.0] * 20, [30.0] * 10 + [20.0] * 10, {"sex": ["f"] * 10 + ["m"] * 10})
    row = differences[differences["measure"] == "false_positive_rate"].iloc[0]
    assert np.isnan(row["difference"])
    assert row["highest"] == ""
    assert row["p_value"] == pytest.approx(stats.fisher_exact([[10, 0], [0, 10]]).pvalue)


@pytest.mark.parametrize(
    ("n_hits", "n_all"),
    [([3, 9, 1], [40, 40, 40]), ([0, 4, 2, 9], [10, 30, 8, 25]), ([5, 0, 5], [5, 9, 200])],
)
def test_fishers_test_of_several_groups_agrees_with_scipys(n_hits, n_all):
    table = np.stack([n_hits, np.subtract(n_all, n_hits)])
    method = stats.MonteCarloMethod(n_resamples=40_000, rng=np.random.default_rng(1))
    assert fisher_p(n_hits, n_all, seed=0, n_tables=40_000) == pytest.approx(
        stats.fisher_exact(table, method=method).pvalue, abs=0.01
    )


def test_fishers_test_can_be_worked_by_hand():
    assert fisher_p([3, 0], [3, 3], seed=0) == pytest.approx(2 / 20)
    # one hit among three groups of one: all three tables are as probable
    assert fisher_p([1, 0, 0], [1, 1, 1], seed=0) == 1
    # 2 of 2, 0 of 2, 0 of 2: 3 of the 15 ways to deal two hits are pairs within a group
    assert fisher_p([2, 0, 0], [2, 2, 2], seed=0) == pytest.approx(3 / 15, abs=0.02)
    assert np.isnan(fisher_p([1, 0], [4, 0], seed=0))
    assert np.isnan(fisher_p([], [], seed=0))


def test_fishers_test_gives_few_false_alarms():
    rng = np.random.default_rng(0)
    alarms = [fisher_p(rng.binomial(60, 0.05, 4), [60] * 4, seed=0, n_tables=999) < 0.05 for _ in range(600)]
    assert np.mean(alarms) < 0.07


def test_errors_are_compared_by_kruskal_and_wallis_without_tiny_groups():
    rng = np.random.default_rng(0)
    first, second = rng.gamma(2, 2, 50), rng.gamma(2, 3, 40)
    assert kruskal_p([first, second, np.array([90.0])]) == stats.kruskal(first, second).pvalue
    assert np.isnan(kruskal_p([first, np.array([90.0])]))
    assert kruskal_p([np.ones(9), np.ones(9)]) == 1


def test_one_group_no_minors_no_adults_and_no_threshold_leave_out_what_they_cannot_tell():
    true, pred, sex = many(0.1, 0.1)
    groups, differences = tables(true, pred, {"shop": ["A"] * 400})
    assert len(groups) == 3
    assert differences.empty
    assert list(differences) == list(tables(true, pred, {"sex": sex})[1])
    is_adult = true >= 18
    assert {*tables(true[is_adult], pred[is_adult], {"sex": sex[is_adult]})[0]["measure"]} == {
        "id_request_rate",
        "mae",
    }
    assert {*tables(true[~is_adult], pred[~is_adult], {"sex": sex[~is_adult]})[1]["measure"]} == {
        "false_positive_rate",
        "mae",
    }
    assert {*tables(true, pred, {"sex": sex}, threshold=None)[0]["measure"]} == {"mae"}
    assert tables([16.0], [20.0], {})[0].empty


def test_people_are_counted_once_in_each_group():
    true, pred, sex = many(0.0, 0.1)
    people = np.arange(400)
    alone, differences = tables(true, pred, {"sex": sex}, people=people)
    five_times = [np.repeat(values, 5) for values in (true, pred, sex, people)]
    groups, differences_of_five = tables(*five_times[:2], {"sex": five_times[2]}, people=five_times[3])
    pd.testing.assert_frame_equal(groups.drop(columns=["low", "high"]), alone.drop(columns=["low", "high"]))
    pd.testing.assert_frame_equal(differences_of_five, differences)
    as_photos = tables(*five_times[:2], {"sex": five_times[2]})[1]
    assert as_photos["p_value"].iloc[0] < 1e-6 < differences["p_value"].iloc[0]


def test_more_photos_of_each_person_do_not_make_a_group_pass_more_often():
    rng = np.random.default_rng(0)
    people = np.concatenate([np.arange(300), 300 + np.repeat(np.arange(300), 8)])
    sex = np.where(people < 300, "f", "m")
    pred = np.where(rng.random(people.size) < 0.1, 30.0, 17.0)
    groups, differences = tables(np.full(people.size, 16.0), pred, {"sex": sex}, people=people)
    assert of(groups, "false_positive_rate")["n"].tolist() == [300, 300]
    assert differences["p_value"].iloc[0] > 0.05


def test_an_answer_for_each_photo_is_demanded():
    with pytest.raises(
        ValueError, match=r"is_answered must have the shape of the ages, \(2,\); it has \(1,\)"
    ):
        tables([16.0, 40], [16.0, 40], {"sex": ["f", "m"]}, is_answered=[True])
