import numpy as np
import pandas as pd
import pytest

from shopper_age.evaluation.attributes import measure_photos, photo_attributes, photo_people, photo_qualities


def grey(level, size=6):
    return np.full((size, size, 3), level, dtype=np.uint8)


def chequered(size=6):
    squares = np.indices((size, size)).sum(axis=0) % 2 * 255
    return np.repeat(squares[:, :, None], 3, axis=2).astype(np.uint8)


def test_brightness_runs_from_black_to_white_and_weighs_green_most():
    measures = measure_photos(
        [grey(0), grey(255), *(np.eye(3, dtype=np.uint8)[None, [c]] * 255 for c in range(3))]
    )
    assert measures["brightness"].tolist() == pytest.approx([0, 255, 76.245, 149.685, 29.07])


def test_an_even_photo_has_no_sharpness_and_edges_have_much():
    blurred = chequered() // 2 + 64
    flat, soft, sharp = measure_photos([grey(90), blurred, chequered()])["sharpness"]
    assert flat == 0
    assert 0 < soft < sharp


def test_photos_are_measured_one_at_a_time():
    alive = []

    def photos():
        for level in (10, 20):
            alive.append(level)
            yield grey(level)

    assert measure_photos(photos())["brightness"].tolist() == pytest.approx([10, 20])
    assert alive == [10, 20]
    assert measure_photos([]).columns.tolist() == ["brightness", "sharpness"]


def test_everything_but_name_age_and_part_is_an_attribute_of_a_photo():
    manifest = pd.DataFrame(
        {
            "file_name": ["a.jpg", "b.jpg"],
            "real_age": [20.0, 30.0],
            "width": [200, 90],
            "height": [100, 300],
            "mode": ["RGB", "L"],
            "n_bytes": [1, 2],
            "content_hash": ["0" * 16] * 2,
            "perceptual_hash": ["0" * 16] * 2,
            "duplicate_group": [0, 1],
            "split": ["test", "test"],
            "camera": ["left", ""],
        },
        index=[7, 9],
    )
    attributes = photo_attributes(manifest, ["b.jpg", "a.jpg"], [grey(20), grey(10)])
    assert attributes.columns.tolist() == ["camera", "shorter side (px)", "brightness", "sharpness"]
    assert attributes["shorter side (px)"].tolist() == [90, 100]
    assert attributes["camera"].tolist() == ["", "left"]
    assert attributes["brightness"].tolist() == pytest.approx([20, 10])


def customers():
    return pd.DataFrame(
        {
            "file_name": ["a.jpg", "b.jpg", "c.jpg", "d.jpg"],
            "real_age": [20.0, 20.0, 30.0, 40.0],
            "width": 90,
            "height": 90,
            "customer": ["Ann", "Ann ", "", ""],
            "sex": ["f", "f", "m", "m"],
        }
    )


def test_photos_of_a_customer_are_of_one_person_and_those_of_nobody_of_one_each():
    people = photo_people(customers(), ["d.jpg", "b.jpg", "c.jpg", "a.jpg"], "customer")
    assert people[1] == people[3]
    assert len({*people}) == 3
    assert photo_people(customers(), ["a.jpg"], "") is None
    with pytest.raises(ValueError, match=r"split\.group_column is 'client'"):
        photo_people(customers(), ["a.jpg"], "client")


def test_a_person_is_no_group_of_people():
    attributes = photo_attributes(customers(), ["a.jpg"], [grey(1)], group_column="customer")
    assert attributes.columns.tolist() == ["sex", "shorter side (px)", "brightness", "sharpness"]


def test_qualities_are_what_was_measured_whatever_columns_labels_csv_has():
    manifest = pd.DataFrame(
        {"file_name": ["a.jpg"], "real_age": [20.0], "width": [200], "height": [100], "brightness": ["dim"]}
    )
    found = photo_qualities(photo_attributes(manifest, ["a.jpg"], [grey(90)]))
    assert found.to_dict("records") == [{"shorter_side": 100, "brightness": 90, "sharpness": 0}]
