import csv
import json

import pandas as pd
import pytest
from answering import decision

from shopper_age.inference import tables
from shopper_age.inference.answers import FaceAnswer, PhotoAnswer
from shopper_age.inference.sources import Source
from shopper_age.inference.tables import AnswerTable
from shopper_age.runtime.files import read_csv

FACE = FaceAnswer(
    True, "estimated below 25", age=21.256, low=11.2, high=31.3, age_group="18–24", is_sure=True
)
UNFIT = FaceAnswer(True, "no estimate: too_small", "too_small", box=(1, 2, 3, 4), eye_distance=5.0)

# two faces, none, the same photo twice, names that are formulas or hold anything
ANSWERS = [
    (Source("a.jpg", 20.0), PhotoAnswer("a.jpg", (FACE, UNFIT))),
    (Source("a.jpg", 20.0), PhotoAnswer("a.jpg", (FACE, UNFIT))),
    (Source('=b,"\r.jpg'), PhotoAnswer('=b,"\r.jpg', (), "unreadable_photo", "line\nbreak")),
    (Source("d\udcff.jpg"), PhotoAnswer("d\udcff.jpg", (FACE,))),
    (Source("Ж.jpg", 3.0), PhotoAnswer("Ж.jpg", ())),
]


def written(path, answers=ANSWERS, made_with=None):
    table = AnswerTable(path, made_with or decision())
    table.append(answers)
    table.complete()
    return path


def test_a_csv_has_a_row_for_each_face_and_problem(tmp_path):
    table = read_csv(written(tmp_path / "ages.csv"))
    assert table["file_name"].tolist() == ["a.jpg"] * 4 + ['=b,"\r.jpg', "d\udcff.jpg", "Ж.jpg"]
    assert table["face"].tolist() == ["1", "2", "1", "2", "0", "1", "0"]
    assert table["age"].tolist() == ["21.26", "", "21.26", "", "", "21.26", ""]
    assert table["problem"][4] == "unreadable_photo line\nbreak"
    assert table["real_age"].tolist() == ["20.0"] * 4 + ["", "", "3.0"]
    assert b"'=b" in (tmp_path / "ages.csv").read_bytes()


def test_the_kinds_of_table_say_the_same(tmp_path):
    answers = [pair for pair in ANSWERS if "\udcff" not in pair[0].path]  # Parquet's text is UTF-8
    lines = [json.loads(line) for line in written(tmp_path / "a.jsonl", answers).read_text().splitlines()]
    parquet = pd.read_parquet(written(tmp_path / "a.parquet", answers))
    assert parquet["file_name"].tolist() == [line["file_name"] for line in lines]
    assert parquet["age"].dropna().tolist() == [line["age"] for line in lines if line["age"] is not None]
    assert parquet["ask_for_id"].all()
    assert [line["left"] for line in lines][1] == 1
    with (written(tmp_path / "a.csv", answers)).open(newline="", encoding="utf-8") as file:
        assert len(list(csv.reader(file))) == 1 + len(lines)


@pytest.mark.parametrize("n_lines", range(9))
@pytest.mark.parametrize("cut", [0, 1, 20])
def test_killed_at_any_byte_it_goes_on_to_the_same_table(tmp_path, n_lines, cut):
    whole = written(tmp_path / "whole.csv").read_bytes()
    path = tmp_path / "ages.csv"
    AnswerTable(path, decision()).append(ANSWERS)
    log = tmp_path / ".ages.csv.unfinished"
    lines = log.read_bytes().splitlines(keepends=True)
    kept = b"".join(lines[:n_lines])
    log.write_bytes(kept[: len(kept) - cut] if n_lines else b"")
    table, wanted = AnswerTable(path, decision()), iter([source for source, _ in ANSWERS])
    n_done = table.skip_finished(wanted)
    left = list(wanted)
    assert left == [source for source, _ in ANSWERS[n_done:]]
    assert n_done <= max(0, n_lines - 2)
    table.append(ANSWERS[n_done:])
    table.complete()
    assert path.read_bytes() == whole
    assert not log.exists()


def test_a_finished_table_is_not_gone_on_with(tmp_path):
    path = written(tmp_path / "ages.csv")
    assert AnswerTable(path, decision()).skip_finished(iter([ANSWERS[0][0]])) == 0


def test_the_beginning_of_another_model_is_begun_anew(tmp_path):
    AnswerTable(tmp_path / "ages.csv", decision(model_md5="other")).append(ANSWERS)
    table = AnswerTable(tmp_path / "ages.csv", decision())
    assert table.skip_finished(iter(source for source, _ in ANSWERS)) == 0
    table.append(ANSWERS[:1])
    table.complete()
    assert len(read_csv(tmp_path / "ages.csv")) == 2


def test_the_beginning_with_other_columns_is_begun_anew(tmp_path, monkeypatch):
    with monkeypatch.context() as older:
        older.setattr(tables, "ROW_COLUMNS", tables.ROW_COLUMNS[:-1])
        AnswerTable(tmp_path / "ages.csv", decision()).append(ANSWERS)
    wanted = iter(source for source, _ in ANSWERS)
    assert AnswerTable(tmp_path / "ages.csv", decision()).skip_finished(wanted) == 0


def test_the_beginning_about_other_photos_is_kept_and_told(tmp_path):
    AnswerTable(tmp_path / "ages.csv", decision()).append(ANSWERS)
    log = tmp_path / ".ages.csv.unfinished"
    before = log.read_bytes()
    with pytest.raises(ValueError, match=r"about other photos, a\.jpg among them"):
        AnswerTable(tmp_path / "ages.csv", decision()).skip_finished(iter([Source("z.jpg")]))
    assert log.read_bytes() == before


@pytest.mark.parametrize("name", ["ages", "ages.xlsx"])
def test_another_kind_of_table_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"must end in one of \.csv, \.jsonl, \.parquet"):
        AnswerTable(tmp_path / name, decision())


def test_no_photo_at_all_is_a_table_without_rows(tmp_path):
    table = AnswerTable(tmp_path / "ages.csv", decision())
    table.append([])
    table.complete()
    assert read_csv(tmp_path / "ages.csv").empty
