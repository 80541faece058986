import dataclasses

import numpy as np
import pandas as pd
import pytest
from evaluations import usual_evaluation
from metrics_docs import explained

from shopper_age.data.tables import read_estimates
from shopper_age.evaluation.tables import evaluation_tables
from shopper_age.runtime.files import write_csv


@pytest.fixture(scope="module")
def usual():
    return usual_evaluation()


def test_the_same_tables_come_from_every_model(usual):
    full, bare = evaluation_tables(usual), evaluation_tables(usual_evaluation(sd=None))
    assert list(full) == list(bare)
    for name in ("id_check_by_probability.csv", "id_trade_off_by_probability.csv"):
        assert list(full[name]) == list(bare[name])
        assert bare[name].empty
    assert bare["reliability.csv"]["n"].sum() == 0


def test_predictions_tell_of_every_photo_all_that_was_estimated(usual):
    table = evaluation_tables(usual)["predictions.csv"]
    assert len(table) == 300
    first = table.iloc[0]
    assert first["file_name"] == "0.jpg"
    assert first["predicted_age"] == pytest.approx(usual.test.y_pred[0], abs=1e-3)
    assert first["interval_low"] <= first["predicted_age"] <= first["interval_high"]
    assert table["age_sd"].to_numpy() == pytest.approx(usual.test.estimates.sd(), abs=1e-3)
    assert table["is_answered"].tolist() == (usual.intervals.high - usual.intervals.low <= 20).tolist()
    assert set(table["age_group"]) <= set(usual.groups["age_group"])
    assert table["p_minor"].between(0, 1).all()
    assert (table["age_group"] == table["predicted_age_group"]).mean() == pytest.approx(
        usual.metrics["group_accuracy"], abs=1e-4
    )


def test_every_column_of_the_predictions_is_explained(usual):
    assert explained("## The tables of `evaluate`") == list(evaluation_tables(usual)["predictions.csv"])


@pytest.mark.parametrize(
    ("heading", "table"),
    [
        ("## The slices of `evaluate`", "slices.csv"),
        ("## Parity in `evaluate`", "parity.csv"),
        ("## Differences of parity in `evaluate`", "parity_differences.csv"),
    ],
)
def test_every_column_of_slices_and_parity_is_explained(usual, heading, table):
    names = [
        name for name in explained(heading) if name not in ("false_positive_rate", "id_request_rate", "mae")
    ]
    found = [name for name in evaluation_tables(usual)[table] if name != "mae"]
    assert names == found


def test_dvc_draws_a_few_of_many_photos_and_always_the_same(usual, monkeypatch):
    everybody = evaluation_tables(usual)
    drawn = list(everybody["predictions_sample.csv"])
    pd.testing.assert_frame_equal(everybody["predictions_sample.csv"], everybody["predictions.csv"][drawn])
    monkeypatch.setattr("shopper_age.evaluation.tables.MAX_DRAWN", 40)
    first, again = (evaluation_tables(usual)["predictions_sample.csv"] for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert len(first) == 40
    assert first.index.is_monotonic_increasing


def test_predictions_number_the_people_where_they_are_known(usual, tmp_path):
    people = np.arange(300) // 3
    named = dataclasses.replace(usual, test=dataclasses.replace(usual.test, people=people))
    tables = evaluation_tables(named)
    write_csv(tmp_path / "predictions.csv", tables["predictions.csv"])
    read = read_estimates(tmp_path / "predictions.csv")
    assert read["person"].tolist() == people.tolist()
    assert list(read)[-1] == "person"
    assert "person" not in evaluation_tables(usual)["predictions.csv"]
