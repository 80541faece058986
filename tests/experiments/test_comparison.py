import numpy as np
import pandas as pd
import pytest
from estimates_table import table

from shopper_age.experiments.comparison import BETTER, UNCLEAR, WORSE, changed_params, compare, describe
from shopper_age.metrics.errors import mean_interval


def normal_tables(n: int, seed: int, *, shared: float, own: float, gain: float = 0.0):
    """Two models whose errors share a part; B's absolute error is smaller by `gain` on average."""
    rng = np.random.default_rng(seed)
    true = rng.uniform(5, 80, n)
    hard = rng.normal(0, shared, n)
    a, b = (hard + rng.normal(0, own, n) for _ in "ab")
    return table(true, true + a), table(true, true + np.sign(b) * (np.abs(b) - gain))


def test_every_metric_is_the_mean_over_its_photos():
    a = table([10, 17, 30, 40], [12, 26, 24, 40])
    b = table([10, 17, 30, 40], [13, 20, 29, 46])
    metrics = compare(a, b, age_groups=[0, 12, 18], legal_age=18).metrics
    by_hand = {
        "mae": (17 / 4, 13 / 4, -1.0, 4),  # (2 + 9 + 6 + 0) / 4 and (3 + 3 + 1 + 6) / 4
        "bias": (5 / 4, 11 / 4, 1.5, 4),
        "cs5": (2 / 4, 3 / 4, 0.25, 4),
        "group_accuracy": (2 / 4, 2 / 4, 0.0, 4),
        "id_false_positive_rate_at_25": (1 / 2, 0.0, -0.5, 2),
        "id_request_rate_at_25": (1 / 2, 0.0, -0.5, 2),
    }
    assert list(metrics.index) == list(by_hand)
    for name, expected in by_hand.items():
        assert tuple(metrics.loc[name, ["a", "b", "difference", "n"]]) == pytest.approx(expected), name


def test_metrics_that_cannot_be_had_are_left_out():
    adults = table([30, 40], [31, 42])
    assert list(compare(adults, adults).metrics.index) == ["mae", "bias", "cs5"]
    with_id_check = compare(adults, adults, legal_age=18).metrics.index
    assert "id_request_rate_at_25" in with_id_check
    assert "id_false_positive_rate_at_25" not in with_id_check


def test_photos_are_joined_by_name_not_by_row():
    a = table([20, 60], [21, 66], ["x.jpg", "y.jpg"])
    b = table([60, 20], [63, 22], ["y.jpg", "x.jpg"])
    assert compare(a, b).metrics.loc["mae", "difference"] == pytest.approx((3 + 2) / 2 - (6 + 1) / 2)


def test_different_test_parts_are_compared_on_common_photos_and_that_is_said():
    a = table([20, 60, 30], [21, 66, 90], ["x", "y", "only in a"])
    b = table([20, 60, 40, 50], [22, 63, 90, 90], ["x", "y", "c", "d"])
    comparison = compare(a, b)
    assert (comparison.n_common, comparison.n_only_a, comparison.n_only_b) == (2, 1, 2)
    assert comparison.metrics.loc["mae", "a"] == pytest.approx(3.5)
    told = describe(comparison, "old", "new")
    assert "2 common test photos" in told
    assert "The test parts differ: 1 photo of old and 2 of new were left out" in told


def test_both_models_are_judged_by_the_newer_labels():
    before, now = [20, *range(30, 69)], [25, *range(30, 69)]
    comparison = compare(table(before, before), table(now, now))
    assert tuple(comparison.metrics.loc["mae", ["a", "b"]]) == (5 / 40, 0)
    assert "1 common photo had another true age in A" in describe(comparison)


def _with_content(estimates, hashes):
    return estimates.assign(content_hash=[f"{number:016x}" for number in hashes])


def test_a_photo_is_the_same_under_another_name():
    ages = list(range(20, 60))
    a = _with_content(table(ages, ages, [f"{n}.jpg" for n in range(40)]), range(40))
    b = _with_content(table(ages, ages, [f"shop/{n}.jpg" for n in range(40)]), range(40))
    comparison = compare(a, b)
    assert (comparison.n_common, comparison.n_only_a, comparison.n_only_b) == (40, 0, 0)


def test_the_same_name_is_another_photo_when_its_content_is():
    ages = list(range(20, 60))
    a, b = (_with_content(table(ages, ages), range(first, first + 40)) for first in (0, 1000))
    with pytest.raises(ValueError, match="no photo is in both test parts"):
        compare(a, b)


def test_photos_whose_ages_differ_are_not_taken_for_the_same():
    before, now = list(range(20, 60)), [*range(25, 28), *range(23, 60)]  # 3 of 40: more than a few per cent
    with pytest.raises(ValueError, match="of 40 photos that both have estimated, 3 had another true age"):
        compare(table(before, before), table(now, now))


def test_a_photo_that_lies_in_the_folder_twice_is_one():
    ages = [20, 20, *range(30, 68)]
    doubled = _with_content(table(ages, ages), [0, 0, *range(2, 40)])
    assert compare(doubled, doubled).n_common == 39


def test_test_parts_that_share_little_are_not_compared():
    names = [[f"{n}.jpg" for n in range(first, first + 40)] for first in (0, 25)]
    a, b = (table(range(20, 60), range(20, 60), part) for part in names)
    with pytest.raises(ValueError, match="share 15 photos, less than half of the smaller one"):
        compare(a, b)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (table([20], [20], ["x"]), table([20], [20], ["y"]), "no photo is in both test parts"),
        (
            table([20], [20]).drop(columns="predicted_age"),
            table([20], [20]),
            "A have no column predicted_age",
        ),
        (table([20], [20]), table([20, 20], [20, 20], ["x", "x"]), "B name 1 photo twice, first x"),
        (table([20], [np.nan]), table([20], [20]), "not finite"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_reason(a, b, message):
    with pytest.raises(ValueError, match=message):
        compare(a, b)


def test_one_photo_proves_nothing():
    comparison = compare(table([20], [90]), table([20], [20]))
    assert np.isnan(comparison.metrics.loc["mae", "low"])
    assert comparison.outcome == UNCLEAR
    assert "1 common test photo (one photo says nothing about others)" in describe(comparison)


def test_a_model_does_not_differ_from_itself():
    a, _ = normal_tables(200, 0, shared=5, own=3)
    metrics = compare(a, a, age_groups=[0, 18], legal_age=18).metrics
    assert (metrics[["difference", "low", "high"]] == 0).all(axis=None)


def test_the_interval_matches_the_normal_one_on_many_photos():
    difference = np.random.default_rng(1).normal(0.3, 2.0, 2_000)
    low, high = mean_interval(difference, seed=0)
    half = 1.96 * difference.std() / np.sqrt(difference.size)
    assert (low, high) == pytest.approx((difference.mean() - half, difference.mean() + half), abs=0.01)


def test_the_same_seed_gives_the_same_interval_whatever_the_memory(monkeypatch):
    a, b = normal_tables(300, 2, shared=5, own=3)
    before = compare(a, b, seed=4).metrics
    pd.testing.assert_frame_equal(compare(a, b, seed=4).metrics, before)
    assert compare(a, b, seed=5).metrics.loc["mae", "low"] != before.loc["mae", "low"]
    monkeypatch.setattr("shopper_age.metrics.errors._BOOTSTRAP_CELLS", 900)  # 3 resamples at a time
    pd.testing.assert_frame_equal(compare(a, b, seed=4).metrics, before)


def test_equally_good_models_are_rarely_called_different():
    outcomes = [compare(*normal_tables(80, seed, shared=6, own=3)).outcome for seed in range(60)]
    assert outcomes.count(UNCLEAR) >= 51  # 57 expected; fewer than 51 once in 1,300 such series


def test_a_gain_that_separate_intervals_would_hide_is_seen_on_the_same_photos():
    a, b = normal_tables(400, 3, shared=8, own=0, gain=0.0)
    b["predicted_age"] -= 0.1 * (b["predicted_age"] - b["real_age"])  # each error a tenth smaller
    comparison = compare(a, b)
    mae = comparison.metrics.loc["mae"]
    spread = np.abs(a["predicted_age"] - a["real_age"]).std() / np.sqrt(400)
    assert abs(mae["difference"]) < 1.96 * spread * 2  # the separate intervals overlap
    assert comparison.outcome == BETTER
    assert describe(comparison, "old", "new").startswith("new is better than old: MAE ")
    assert compare(b, a).outcome == WORSE


def test_changed_params_names_nested_settings_and_those_of_one_side():
    a = {"epochs": 10, "train": {"schedule": "constant", "clip": 0.0}, "evaluate": {"age_groups": [0, 18]}}
    b = {
        "epochs": 10,
        "train": {"schedule": "cosine", "clip": 0.0},
        "evaluate": {"age_groups": [0]},
        "new": 1,
    }
    changed = changed_params(a, b)
    assert changed.T.to_dict("list") == {
        "train.schedule": ["constant", "cosine"],
        "evaluate.age_groups": ["[0, 18]", "[0]"],
        "new": ["–", "1"],
    }
    assert changed_params(a, a).empty


def test_fewer_than_30_photos_decide_nothing():
    true = np.linspace(10, 70, 29)
    comparison = compare(table(true, true + 9), table(true, true + 1))
    assert comparison.outcome == UNCLEAR
    assert "Fewer than 30 photos decide nothing" in describe(comparison)


def test_photos_known_by_name_alone_are_told_as_that():
    true = np.linspace(10, 70, 40)
    a, b = table(true, true + 9), table(true, true + 1)
    hashed = b.assign(content_hash=[f"{number:016x}" for number in range(40)])
    assert "by their names and ages alone" in describe(compare(a, hashed))
    assert "by their names" not in describe(compare(hashed, hashed))
    some = hashed.assign(content_hash=hashed["content_hash"].where(true < 30, ""))
    assert compare(some, hashed).by_name


def test_ten_photos_of_each_person_show_no_more_than_one():
    a, b = normal_tables(40, 3, shared=6, own=3, gain=1.0)
    assert compare(a, b).outcome == UNCLEAR
    names = [f"{number}.jpg" for number in range(400)]
    of_ten = [table.loc[table.index.repeat(10)].assign(file_name=names) for table in (a, b)]
    assert compare(*of_ten).outcome == BETTER
    person = np.repeat(np.arange(40), 10)
    with_people = compare(of_ten[0], of_ten[1].assign(person=person))
    assert with_people.outcome == UNCLEAR
    assert "on 400 common test photos of 40 people" in describe(with_people)
    only_a, both_know = (
        compare(of_ten[0].assign(person=person), of_ten[1]),
        compare(of_ten[0].assign(person=person + 7), of_ten[1].assign(person=person)),
    )
    pd.testing.assert_frame_equal(only_a.metrics, with_people.metrics)
    pd.testing.assert_frame_equal(both_know.metrics, with_people.metrics)


def test_many_photos_of_a_few_people_decide_nothing():
    a, b = normal_tables(400, 3, shared=6, own=3, gain=2)
    comparison = compare(a, b.assign(person=np.arange(400) % 29))
    assert comparison.outcome == UNCLEAR
    assert "Fewer than 30 people decide nothing." in describe(comparison)
    assert compare(a, b.assign(person=np.arange(400) % 30)).outcome == BETTER
