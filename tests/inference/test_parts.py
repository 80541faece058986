import pandas as pd
import pytest
from answering import decision

from shopper_age.inference.answers import FaceAnswer, PhotoAnswer
from shopper_age.inference.parts import AnswerParts, is_folder
from shopper_age.inference.sources import Source
from shopper_age.inference.tables import AnswerTable
from shopper_age.runtime.files import read_csv

N_PHOTOS = 300

# names that are formulas, that are no UTF-8, that break lines
PHOTOS = [
    Source("=1\r\n.jpg", 3.0),
    Source("d\udcff.jpg"),
    *(Source(f"{n}.jpg", n) for n in range(2, N_PHOTOS)),
]


def answer(source):
    """Two faces on every fifth photo, and no photo at all in every seventh file."""
    number = PHOTOS.index(source)
    if number % 7 == 0:
        return PhotoAnswer(source.path, (), "unreadable_photo", "broken")
    face = FaceAnswer(True, "estimated below 25", age=number + 0.1, low=0.3, high=31.0, is_sure=True)
    return PhotoAnswer(source.path, (face,) * (1 + (number % 5 == 0)))


def score(chunks):
    for chunk in chunks:
        chunk.write((source, answer(source)) for source in chunk.sources())


@pytest.fixture(scope="module")
def one_table(tmp_path_factory):
    """The CSV of an unbroken run without parts."""
    path = tmp_path_factory.mktemp("one") / "ages.csv"
    table = AnswerTable(path, decision())
    table.append([(source, answer(source)) for source in PHOTOS])
    table.complete()
    return path


def plan(out, photos=PHOTOS, made_with=None):
    parts = AnswerParts(str(out), made_with or decision())
    return parts, parts.plan(iter(photos))


def scored(out, photos=PHOTOS):
    parts, chunks = plan(out, photos)
    score(reversed(chunks))
    parts.complete()


def left_beside(out):
    return [path.name for path in out.parent.iterdir() if path != out]


def test_chunks_hold_every_photo_once_in_order_and_grow_with_their_number(tmp_path):
    _, chunks = plan(tmp_path / "ages", [Source(str(n)) for n in range(70_000)])
    assert [source.path for chunk in chunks for source in chunk.sources()] == [str(n) for n in range(70_000)]
    assert [chunk.first for chunk in chunks[:3]] == [0, 128, 256]
    assert {chunk.n_photos % 32 for chunk in chunks[:-1]} == {0}
    assert max(chunk.n_photos for chunk in chunks) == 1024


def test_a_folder_says_the_same_as_one_table_and_where_each_photo_stood(tmp_path, one_table):
    scored(tmp_path / "ages")
    rows = pd.read_parquet(tmp_path / "ages")
    expected = read_csv(one_table)
    assert rows["age"].dropna().tolist() == [float(age) for age in expected["age"] if age]
    assert rows["problem"].fillna("").tolist() == expected["problem"].tolist()
    assert rows["file_name"][0] == "=1\r\n.jpg"
    assert rows["file_name"][1] == r"d\udcff.jpg"  # Parquet's text is UTF-8
    assert rows["photo"].is_monotonic_increasing
    assert rows["photo"].unique().tolist() == list(range(N_PHOTOS))
    assert left_beside(tmp_path / "ages") == []


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_table_made_of_parts_is_that_of_one_process(tmp_path, one_table, kind):
    photos = [photo for photo in PHOTOS if "\udcff" not in photo.path] if kind == "parquet" else PHOTOS
    table = AnswerTable(tmp_path / f"one.{kind}", decision())
    table.append([(source, answer(source)) for source in photos])
    table.complete()
    scored(tmp_path / f"parts.{kind}", photos)
    assert (tmp_path / f"parts.{kind}").read_bytes() == (tmp_path / f"one.{kind}").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"one.{kind}", f"parts.{kind}"]
    assert kind != "csv" or (tmp_path / "one.csv").read_bytes() == one_table.read_bytes()


def test_an_interrupted_run_does_what_is_left_and_throws_away_what_was_half_written(tmp_path, one_table):
    _, chunks = plan(tmp_path / "ages.csv")
    score(chunks[1:2])
    (tmp_path / ".ages.csv.parts" / ".part-000002-half.lines").write_text("[")
    assert not (tmp_path / "ages.csv").exists()
    parts, left = plan(tmp_path / "ages.csv")
    assert left == [chunks[0], chunks[2]]
    assert (parts.n_photos, parts.n_finished) == (N_PHOTOS, 128)
    score(left)
    parts.complete()
    assert (tmp_path / "ages.csv").read_bytes() == one_table.read_bytes()
    assert left_beside(tmp_path / "ages.csv") == []


def test_photos_that_came_since_are_scored_with_those_of_their_chunk(tmp_path):
    _, chunks = plan(tmp_path / "ages", PHOTOS[:200])
    score(chunks)
    parts, left = plan(tmp_path / "ages")
    assert [chunk.first for chunk in left] == [128, 256]
    score(left)
    parts.complete()
    assert pd.read_parquet(tmp_path / "ages")["photo"].nunique() == N_PHOTOS


def test_parts_about_other_photos_are_kept_and_told(tmp_path):
    _, chunks = plan(tmp_path / "ages")
    score(chunks)
    before = {path: path.read_bytes() for path in (tmp_path / ".ages.parts").iterdir()}
    with pytest.raises(ValueError, match="holds parts of a table about other photos"):
        plan(tmp_path / "ages", PHOTOS[1:])
    assert {path: path.read_bytes() for path in (tmp_path / ".ages.parts").iterdir()} == before


def test_parts_of_another_model_are_thrown_away(tmp_path):
    _, chunks = plan(tmp_path / "ages", made_with=decision(model_md5="other"))
    score(chunks)
    _, left = plan(tmp_path / "ages")
    assert len(left) == len(chunks)


def test_a_worker_of_a_killed_run_does_not_take_other_photos_for_its_own(tmp_path):
    _, before = plan(tmp_path / "ages")
    plan(tmp_path / "ages", [Source("new.jpg"), *PHOTOS])
    with pytest.raises(ValueError, match="another command writes there"):
        score(before)


def test_a_missing_part_is_no_table(tmp_path):
    parts, chunks = plan(tmp_path / "ages.csv")
    score(chunks[:-1])
    with pytest.raises(RuntimeError, match="1 of 3 parts were not written"):
        parts.complete()
    assert not (tmp_path / "ages.csv").exists()


def test_a_finished_folder_is_made_anew_and_replaced_whole(tmp_path):
    scored(tmp_path / "ages", PHOTOS[:10])
    parts, chunks = plan(tmp_path / "ages", PHOTOS[10:30])
    score(chunks)
    assert len(pd.read_parquet(tmp_path / "ages")) == sum(
        len(answer(photo).faces) or 1 for photo in PHOTOS[:10]
    )
    parts.complete()
    assert pd.read_parquet(tmp_path / "ages")["file_name"][0] == "10.jpg"
    assert left_beside(tmp_path / "ages") == []


def test_a_folder_with_other_files_is_never_replaced(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/a.jpg").touch()
    with pytest.raises(ValueError, match=r"holds a\.jpg, and answers would replace the folder"):
        AnswerParts(str(tmp_path / "photos"), decision())
    with pytest.raises(ValueError, match="is a file, not a folder"):
        AnswerParts(f"{tmp_path / 'photos/a.jpg'}/", decision())


def test_no_photo_at_all_leaves_readable_answers_without_rows(tmp_path):
    for name in ("ages", "ages.csv"):
        parts, chunks = plan(tmp_path / name, [])
        assert chunks == []
        parts.complete()
    assert pd.read_parquet(tmp_path / "ages").empty
    assert read_csv(tmp_path / "ages.csv").empty


def test_a_list_that_cannot_be_read_to_its_end_leaves_nothing(tmp_path):
    def listed():
        yield PHOTOS[0]
        raise FileNotFoundError("no.jpg not found")

    with pytest.raises(FileNotFoundError):
        plan(tmp_path / "ages", listed())
    assert list(tmp_path.iterdir()) == []


def test_what_is_a_folder(tmp_path):
    (tmp_path / "old.parquet").mkdir()
    assert all(is_folder(out) for out in ("ages", "ages/", "ages.2026/", str(tmp_path / "old.parquet")))
    assert not any(is_folder(out) for out in ("ages.csv", "ages.xlsx", "in/ages.parquet"))
    with pytest.raises(ValueError, match=r"must end in one of .* or in / for a folder"):
        AnswerParts("ages.xlsx", decision())
