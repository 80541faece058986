import numpy as np
import pytest

from shopper_age.data.augmentation import augment, batch_seed
from shopper_age.data.order import shuffled
from shopper_age.data.readers import image_data_generator, ordered_batches, photo_batches, shuffled_batches
from shopper_age.data.store import PhotoStore
from shopper_age.data.tables import read_labels
from shopper_age.params import AugmentationParams

STRONG = AugmentationParams(
    horizontal_flip=True, rotation_degrees=20, zoom=0.1, shift=0.1, brightness=0.2, contrast=0.2, erasing=0.5
)


@pytest.fixture
def table(faces):
    labels = read_labels(faces)
    return labels.assign(real_age=labels["real_age"].astype(float))


@pytest.fixture
def store(faces, table):
    return PhotoStore.open(faces, table["file_name"], 32)


def test_photos_alone_come_in_batches_of_one_size(store):
    sizes = {size: [len(batch) for batch in photo_batches(store, size)] for size in (4000, 39, 15)}
    assert sizes == {4000: [40], 39: [20, 20], 15: [14, 14, 14]}
    photos = np.concatenate(list(photo_batches(store, 15)))
    np.testing.assert_array_equal(photos[:40], store[range(40)])
    np.testing.assert_array_equal(photos[40], photos[41])


def test_ordered_batches_follow_the_table(store, table):
    data = ordered_batches(store, table["real_age"], 16)
    assert [len(photos) for photos, _ in data] == [16, 16, 8]
    for step, (photos, ages) in enumerate(data):
        rows = range(16 * step, min(16 * step + 16, 40))
        np.testing.assert_array_equal(photos, store[rows])
        np.testing.assert_array_equal(ages, table["real_age"].to_numpy("float32")[rows])
        assert (photos.dtype, ages.dtype) == (np.uint8, np.float32)


def test_shuffled_batches_follow_from_seed_epoch_and_step(store, table):
    data = shuffled_batches(store, table["real_age"], 16, seed=7, augmentation=STRONG)
    data.epoch = 3
    order = shuffled(40, seed=7, epoch=3)
    for step, (photos, ages) in enumerate(data):
        indices = order[16 * step : 16 * step + 16]
        np.testing.assert_array_equal(photos, augment(store[indices], batch_seed(7, 3, step), STRONG))
        np.testing.assert_array_equal(ages, table["real_age"].to_numpy("float32")[indices])


def test_the_generator_says_what_it_cannot_do(faces, table):
    for strength in ("contrast", "erasing"):
        settings = STRONG.model_copy(update={"contrast": 0, "erasing": 0, strength: 0.1})
        with pytest.raises(ValueError, match="no contrast and no erasing"):
            image_data_generator(faces, table, 32, 16, seed=0, augmentation=settings)


def test_the_generator_shuffles_only_with_a_seed(faces, table):
    pytest.importorskip("tensorflow")
    ages = table["real_age"].to_numpy("float32")
    assert next(image_data_generator(faces, table, 32, 40))[1].tolist() == ages.tolist()
    shuffled_ages = next(image_data_generator(faces, table, 32, 40, seed=1))[1]
    assert shuffled_ages.tolist() != ages.tolist()
    assert sorted(shuffled_ages) == sorted(ages)
