import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from shopper_age import load_test, load_train
from shopper_age.data.cache import NO_CACHE, Cache
from shopper_age.data.loading import load_part
from shopper_age.data.tables import read_labels
from shopper_age.params import AugmentationParams

NOTHING = AugmentationParams(
    horizontal_flip=False, rotation_degrees=0, zoom=0, shift=0, brightness=0, contrast=0, erasing=0
)
EVERYTHING = AugmentationParams(
    horizontal_flip=True, rotation_degrees=20, zoom=0.1, shift=0.1, brightness=0.2, contrast=0.2, erasing=0.5
)


def _epoch(data):
    photos, ages = zip(*((np.asarray(x), np.asarray(y)) for x, y in data), strict=True)
    return np.concatenate(photos), np.concatenate(ages)


@pytest.fixture
def ages(faces):
    return read_labels(faces)["real_age"].astype(float).to_numpy()


def test_without_options_the_first_quarter_of_the_rows_is_the_test_part(faces, ages):
    photos, labels = _epoch(load_test(faces))
    assert photos.shape == (10, 224, 224, 3)
    np.testing.assert_array_equal(labels, ages[:10])
    photos, labels = _epoch(load_train(faces))
    assert sorted(labels) == sorted(ages[10:])


def test_photos_are_red_green_blue_from_0_to_255(faces):
    data = load_test(faces, image_size=48)
    photo = np.asarray(Image.open(faces / "final_files" / "000000.jpg"))
    first = np.asarray(next(iter(data))[0])[0]
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, photo)


@pytest.mark.parametrize(("size", "tolerance"), [(48, 0.1), (32, 3)])  # they average in different ways
def test_both_readers_give_the_same_test_photos(faces, size, tolerance):
    ours = next(iter(load_test(faces, image_size=size)))
    keras_own = next(load_test(faces, image_size=size, reader="image_data_generator"))
    for a, b in zip(ours, keras_own, strict=True):
        assert abs(np.asarray(a, float) - b).mean() < tolerance


def test_both_readers_have_the_same_number_of_batches(faces):
    lengths = [
        len(load(faces, batch_size=8, reader=reader))
        for load in (load_train, load_test)
        for reader in ("py_dataset", "image_data_generator")
    ]
    assert lengths == [4, 4, 2, 2]


@pytest.mark.parametrize("reader", ["py_dataset", "image_data_generator"])
def test_the_test_part_is_the_same_every_time(faces, reader):
    data = load_test(faces, image_size=32, reader=reader)
    first, second = [next(iter(data)) for _ in range(2)] if reader == "py_dataset" else [data[0], data[0]]
    np.testing.assert_array_equal(np.asarray(first[0]), np.asarray(second[0]))


def test_an_epoch_shows_every_training_photo_once_in_an_order_of_its_own(faces, ages):
    data = load_train(faces, image_size=32, augmentation=NOTHING)
    first, second = _epoch(data)[1], _epoch(data)[1]
    assert sorted(first) == sorted(second) == sorted(ages[10:])
    assert first.tolist() != second.tolist()


def test_photo_and_age_stay_together(faces):
    photos, labels = _epoch(load_train(faces, image_size=48, augmentation=NOTHING))
    # the drawn photos are brighter with age
    assert np.corrcoef(photos.mean(axis=(1, 2, 3)), labels)[0, 1] > 0.99


def test_seed_and_epoch_decide_order_and_augmentation(faces):
    def epoch(number, seed):
        data = load_train(faces, image_size=32, seed=seed, augmentation=EVERYTHING)
        data.epoch = number
        return _epoch(data)

    np.testing.assert_array_equal(epoch(3, 1)[0], epoch(3, 1)[0])
    assert not np.array_equal(epoch(3, 1)[0], epoch(4, 1)[0])
    assert not np.array_equal(epoch(3, 1)[0], epoch(3, 2)[0])


def test_augmented_photos_keep_shape_and_range(faces):
    photos, _ = _epoch(load_train(faces, image_size=32, augmentation=EVERYTHING))
    assert photos.shape == (30, 32, 32, 3)
    assert photos.min() >= 0
    assert photos.max() <= 255


def test_a_table_of_splits_decides_the_parts(faces, ages):
    labels = read_labels(faces)
    parts = np.array(["train", "validation", "test", "test"] * 10)
    splits = pd.DataFrame({"file_name": labels["file_name"], "real_age": ages, "split": parts})
    assert (
        _epoch(load_test(faces, splits=splits, image_size=32))[1].tolist() == ages[parts == "test"].tolist()
    )
    for part in ("train", "validation", "test"):
        data = load_part(faces, part, splits=splits, image_size=32)
        for _ in range(2):  # in the order of the table, every time
            assert _epoch(data)[1].tolist() == ages[parts == part].tolist()


def test_a_cache_changes_nothing_but_the_speed(faces):
    kept, read_again = (load_train(faces, image_size=32, cache=Cache(memory_gib=gib)) for gib in (1, 0))
    for _ in range(2):
        np.testing.assert_array_equal(_epoch(kept)[0], _epoch(read_again)[0])


def test_a_cache_may_lie_in_a_file(faces, tmp_path):
    _epoch(load_test(faces, image_size=32, cache=Cache(folder=tmp_path / "c", file_gib=1)))
    assert list(tmp_path.glob("c/*/pixels"))


@pytest.mark.parametrize("cache", [NO_CACHE, Cache(memory_gib=1)])
def test_a_photo_that_cannot_be_decoded_is_named(faces, tmp_path, cache):
    folder = shutil.copytree(faces, tmp_path / "faces")
    (folder / "final_files" / "000003.jpg").write_bytes(b"no photo")
    data = load_test(folder, image_size=32, batch_size=2, cache=cache)
    with pytest.raises(ValueError, match=r"000003\.jpg cannot be decoded"):
        _epoch(data)


def test_mistakes_are_told(faces, tmp_path):
    with pytest.raises(ValueError, match="received 'torch'"):
        load_train(faces, reader="torch")
    with pytest.raises(ValueError, match="part 'validation'"):
        load_part(faces, "validation")
    with pytest.raises(FileNotFoundError, match=r"labels\.csv not found"):
        load_train(tmp_path)
    (tmp_path / "labels.csv").write_text("file_name,real_age\na.jpg,old\n")
    with pytest.raises(ValueError, match=r"line 2: real_age is 'old', not a number"):
        load_train(tmp_path)


@pytest.mark.parametrize("load", [load_train, load_test])
def test_missing_photos_are_named_before_anything_is_read(faces, tmp_path, load):
    folder = tmp_path / "faces"
    shutil.copytree(faces, folder)
    for number in (3, 4, 30, 31):  # two of each part
        (folder / "final_files" / f"{number:06d}.jpg").unlink()
    named = "000030.jpg, 000031.jpg" if load is load_train else "000003.jpg, 000004.jpg"
    with pytest.raises(
        FileNotFoundError, match=rf"2 of \d+ photos are not in .*final_files: {named}\. Stage"
    ):
        load(folder)


@pytest.mark.parametrize("load", [load_train, load_test])
@pytest.mark.parametrize("name", ["batch_size", "image_size"])
@pytest.mark.parametrize("value", [0, -1, "64", 2.5])
def test_sizes_are_whole_numbers_from_one_on(faces, load, name, value):
    with pytest.raises(ValueError, match=f"{name} must be a whole number of at least 1, received {value!r}"):
        load(faces, **{name: value})


def test_a_seed_is_a_whole_number_from_zero_on(faces):
    with pytest.raises(ValueError, match="seed must be a whole number of at least 0, received -1"):
        load_train(faces, seed=-1)
