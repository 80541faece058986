import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from shopper_age.metrics.age_groups import (
    accuracy,
    confusion,
    confusion_shares,
    group_table,
    macro_mae,
    misplaced_share,
    summarise_groups,
)
from shopper_age.metrics.bands import band_index

EDGES = (0, 12, 18)
GROUPS = (0, 12, 18, 25, 35, 45, 55, 65)
TRUE, PRED = [10, 15, 40], [12, 15, 11]


@pytest.fixture(scope="module")
def many():
    rng = np.random.default_rng(1)
    y_true = rng.uniform(0, 90, 500)
    return y_true, y_true + rng.normal(0, 8, 500)


def test_the_confusion_has_a_row_per_true_and_a_column_per_estimated_group():
    counts = confusion(TRUE, PRED, edges=EDGES)
    assert counts.to_numpy().tolist() == [[0, 1, 0], [0, 1, 0], [1, 0, 0]]
    assert counts.loc["0–11", "12–17"] == 1
    assert (counts.index.name, counts.columns.name) == ("true", "estimated")


@pytest.mark.parametrize(
    ("pred", "group"), [(11.99, "0–11"), (12.0, "12–17"), (17.999, "12–17"), (-2.0, "0–11")]
)
def test_an_estimate_counts_as_it_stands_unrounded(pred, group):
    assert confusion([15], [pred], edges=EDGES).loc["12–17", group] == 1


def test_confusion_and_accuracy_agree_with_scikit_learn(many):
    true, pred = (band_index(ages, GROUPS) for ages in many)
    counts = confusion(*many, edges=GROUPS)
    assert counts.to_numpy().tolist() == sklearn_metrics.confusion_matrix(true, pred).tolist()
    assert accuracy(counts) == pytest.approx(sklearn_metrics.accuracy_score(true, pred))
    table = group_table(*many, edges=GROUPS)
    recall = sklearn_metrics.recall_score(true, pred, average=None)
    precision = sklearn_metrics.precision_score(true, pred, average=None)
    assert table["recall"].tolist() == pytest.approx(recall.tolist())
    assert table["precision"].tolist() == pytest.approx(precision.tolist())


def test_shares_sum_to_one_per_true_group_and_a_group_without_photos_has_none():
    shares = confusion_shares(confusion([10, 10, 40], [10, 13, 40], edges=EDGES))
    assert shares.loc["0–11"].tolist() == [0.5, 0.5, 0]
    assert shares.loc["12–17"].isna().all()
    assert shares.loc["18+"].tolist() == [0, 0, 1]


def test_accuracy_worked_by_hand():
    counts = confusion(TRUE, PRED, edges=EDGES)
    assert accuracy(counts) == pytest.approx(1 / 3)
    assert accuracy(counts, within=1) == pytest.approx(2 / 3)
    assert accuracy(counts, within=2) == 1


def test_the_macro_mae_counts_a_small_group_as_much_as_a_large_one():
    assert macro_mae([10, 30, 40], [16, 32, 40], edges=(0, 18)) == pytest.approx(3.5)


def test_the_macro_mae_leaves_empty_groups_out():
    assert macro_mae([30, 40], [32, 40], edges=(0, 18)) == pytest.approx(1)


def test_the_table_sets_true_shares_beside_those_a_report_would_show():
    table = group_table([10, 10, 15, 40], [10, 13, 13, 40], edges=EDGES)
    assert table["age_group"].tolist() == ["0–11", "12–17", "18+"]
    assert table["n_true"].tolist() == [2, 1, 1]
    assert table["n_estimated"].tolist() == [1, 2, 1]
    assert table["share_true"].tolist() == [0.5, 0.25, 0.25]
    assert table["share_estimated"].tolist() == [0.25, 0.5, 0.25]
    assert table["recall"].tolist() == [0.5, 1, 1]
    assert table["precision"].tolist() == [1, 0.5, 1]
    assert table["mae"].tolist() == [1.5, 2, 0]
    assert table["bias"].tolist() == [1.5, -2, 0]
    assert misplaced_share(table) == pytest.approx(0.25)


def test_errors_that_cancel_out_misplace_nobody_in_the_report():
    table = group_table([10, 15], [15, 10], edges=EDGES)
    assert misplaced_share(table) == 0
    assert table["recall"].tolist()[:2] == [0, 0]


def test_a_group_that_is_never_estimated_has_no_precision():
    table = group_table([15], [40], edges=EDGES)
    assert table["precision"].isna().tolist() == [True, True, False]
    assert table["recall"].isna().tolist() == [True, False, True]


def test_the_summary_of_one_photo_names_only_its_own_group():
    assert summarise_groups([15], [19], edges=EDGES) == {
        "group_accuracy": 0.0,
        "group_accuracy_within_one": 1.0,
        "group_macro_mae": 4.0,
        "group_misplaced_share": 1.0,
        "group_recall_12_17": 0.0,
    }


def test_ages_that_are_not_numbers_are_refused():
    with pytest.raises(ValueError, match="not finite"):
        confusion([15], [np.nan], edges=EDGES)
