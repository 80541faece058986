import json

import pandas as pd
import pytest
from answer_tables import write_answers

from shopper_age.monitoring.samples import QUANTITIES, read_answers, read_test_part
from shopper_age.runtime.files import write_csv


def test_every_kind_of_table_gives_the_same_sample(tmp_path):
    found = [
        read_answers(write_answers(tmp_path / f"a{kind}", 20, problems=3))
        for kind in (".csv", ".jsonl", ".parquet")
    ]
    assert tuple(found[0].values) == QUANTITIES
    for one in found:
        assert (one.n_rows, one.n_estimates, one.missing) == (23, 20, [])
        assert one.problems == {"no_face": 3}
        assert one.models == {"abc": 23}
        for name in QUANTITIES:
            assert one.values[name].tolist() == pytest.approx(found[0].values[name].tolist())
    assert (found[0].values["interval_width"] >= 9.9).all()


def test_a_folder_of_parts_is_one_table(tmp_path):
    for name in ("a.parquet", "deeper/b.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_answers(tmp_path / name, 5)
    (tmp_path / ".c.parquet").write_text("half-written")
    assert read_answers(tmp_path).n_rows == 10


def test_a_table_of_an_earlier_version_lacks_what_it_does_not_tell(tmp_path):
    path = write_answers(tmp_path / "a.csv", 5)
    pd.read_csv(path).drop(columns=["brightness", "model_md5"]).to_csv(path, index=False)
    found = read_answers(path)
    assert found.missing == ["brightness"]
    assert not found.models


def test_the_test_part_is_read_from_its_predictions(tmp_path):
    table = pd.DataFrame({"predicted_age": [20.0, 30.0], "interval_low": [10.0, 5.0]})
    table = table.assign(interval_high=[25.0, 50.0], brightness=[99.0, 98.0])
    write_csv(tmp_path / "predictions.csv", table)
    found = read_test_part(tmp_path / "predictions.csv", "abc")
    assert found.values["interval_width"].tolist() == [15, 45]
    assert found.missing == ["sharpness", "shorter_side"]
    assert found.models == {"abc": 2}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", r"has no rows"),
        ("a.csv", "file_name,age,problem\n", r"has no rows"),
        ("a.csv", "file_name,real_age\na.jpg,3\n", r"lacks the column age and problem \(found: file_name"),
        ("a.csv", "age,problem\n1\n", r"line 2 has 1 cells, its header 2: was it copied whole"),
        ("a.csv", "age,problem\nyoung,\n", r"row 1: age is 'young', no number"),
        ("a.jsonl", "", r"has no rows"),
        ("a.jsonl", '{"age": 1, "problem": null}\n{"age": 2', r"line 2 is no JSON .* was it copied whole"),
        ("a.jsonl", "[1]\n", r"line 1 is no row"),
        ("a.jsonl", '{"age": [1], "problem": null}\n', r"row 1: age is \[1\], no number"),
        ("a.parquet", "PAR1", r"is no Parquet file"),
        ("a.xlsx", "x", r"must end in one of \.csv, \.jsonl, \.parquet"),
    ],
)  # fmt: skip
def test_what_is_no_table_of_answers_is_told(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        read_answers(tmp_path / name)


def test_nothing_at_a_path_and_a_folder_without_parts_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="pass a table that `shopper-age predict --out` wrote"):
        read_answers(tmp_path / "no.csv")
    with pytest.raises(ValueError, match=r"holds no \.parquet file"):
        read_answers(tmp_path)
    with pytest.raises(FileNotFoundError, match="dvc repro"):
        read_test_part(tmp_path / "predictions.csv", "abc")


def test_numbers_that_are_none_are_left_out(tmp_path):
    row = {"age": float("nan"), "low": None, "high": 3, "problem": None, "shorter_side": float("inf")}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n")
    found = read_answers(tmp_path / "a.jsonl")
    assert [found.values[name].size for name in ("age", "interval_width", "shorter_side")] == [0, 0, 0]
