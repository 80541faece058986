import numpy as np
import pandas as pd
from PIL import Image

from shopper_age.evaluation.parts import PartEstimates, open_part
from shopper_age.inference.estimates import Estimates


def test_a_part_holds_its_own_photos_in_the_order_of_the_splits(tmp_path):
    (tmp_path / "final_files").mkdir()
    for level in (10, 20, 30):
        Image.new("RGB", (40, 40), (level,) * 3).save(tmp_path / "final_files" / f"{level}.png")
    splits = pd.DataFrame(
        {
            "file_name": ["30.png", "20.png", "10.png"],
            "real_age": [3.0, 2.0, 1.0],
            "split": ["test", "train", "test"],
        }
    )
    part = open_part(tmp_path, splits, "test", 32)
    assert part.file_names == ["30.png", "10.png"]
    assert part.ages.tolist() == [3.0, 1.0]
    photos = part.photos[np.arange(2)]
    assert photos.shape == (2, 32, 32, 3)
    assert photos[:, 0, 0, 0].tolist() == [30, 10]


def test_a_part_that_no_photo_belongs_to_is_empty(tmp_path):
    splits = pd.DataFrame({"file_name": ["a.png"], "real_age": [3.0], "split": ["train"]})
    assert len(open_part(tmp_path, splits, "validation", 32).photos) == 0


def test_the_estimated_ages_stand_beside_the_true_ones():
    part = PartEstimates(np.array([20.0]), Estimates(np.array([22.0])))
    assert (part.y_true.tolist(), part.y_pred.tolist()) == ([20.0], [22.0])
