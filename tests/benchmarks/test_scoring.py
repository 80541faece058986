"""The benchmark of scoring many photos: what it links, and that it notices a wrong answer."""

import pytest
import scoring

from shopper_age.cli import predicting
from shopper_age.runtime.files import read_csv


@pytest.fixture
def answered(tmp_path):
    """The answers for 130 links to two photos, in parts and as one table."""
    import cv2
    import numpy as np

    (tmp_path / "faces").mkdir()
    for name, value in (("a.jpg", 50), ("b.jpg", 200)):
        cv2.imwrite(str(tmp_path / "faces" / name), np.full((40, 40, 3), value, np.uint8))
    scoring.link_photos(tmp_path / "faces", tmp_path / "photos", 130)
    (tmp_path / "models").mkdir()
    scoring.make_models(tmp_path / "models")
    for out in ("ages/", "ages.csv"):
        predicting.predict_with(
            [f"{tmp_path / 'photos'}/"],
            tmp_path / "models",
            out=f"{tmp_path}/{out}",
            annotate_to=None,
            n_workers=1,
            n_threads=1,
            tell=print,
        )
    return tmp_path


def test_both_ways_answer_alike_and_a_difference_ends_the_program(answered):
    rows, expected = scoring._rows(answered / "ages"), read_csv(answered / "ages.csv")
    assert rows["age"].dropna().round(0).unique().tolist() == [63, 16]
    assert rows["problem"].notna().sum() == 2  # of every hundred links the first is broken
    scoring.check(rows, expected, 130)
    for wrong in (rows.iloc[1:], rows.assign(age=rows["age"] + 0.01), rows.assign(photo=rows["photo"] + 1)):
        with pytest.raises(SystemExit):
            scoring.check(wrong.reset_index(drop=True), expected, 130)
