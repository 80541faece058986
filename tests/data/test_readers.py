import numpy as np
import pandas as pd
import pytest
from photos import small_photo
from PIL import Image

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


def _saved(faces, name, image, kind="PNG", **options):
    image.save(faces / "final_files" / name, kind, **options)


def _turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


FACE = small_photo(1)
DEEP = Image.fromarray(np.asarray(FACE.convert("L")).astype(np.uint16) * 257)
CLEAR = Image.merge("RGBA", (*FACE.split(), FACE.convert("L")))


@pytest.mark.parametrize(
    ("name", "image", "kind", "options", "problem"),
    [
        ("a.webp", FACE, "WEBP", {}, "whose names end in none of"),
        ("a.gif", FACE, "GIF", {}, "whose names end in none of"),
        ("a", FACE, "JPEG", {}, "whose names end in none of"),
        ("a.png", DEEP, "PNG", {}, "of 16 bits"),
        ("a.tif", DEEP, "TIFF", {}, "of 16 bits"),
        ("a.png", CLEAR, "PNG", {}, "with transparent pixels"),
        ("a.jpg", FACE, "JPEG", {"exif": _turned()}, "turned by their EXIF orientation"),
        ("a.jpg", FACE, "EPS", {}, "that cannot be decoded"),
        ("a.jpg", None, None, {}, "not found"),
    ],
)
@pytest.mark.parametrize("seed", [None, 1])
def test_the_generator_refuses_by_name_what_keras_would_drop_or_misread(
    tmp_path, name, image, kind, options, problem, seed
):
    (tmp_path / "final_files").mkdir()
    _saved(tmp_path, "good.png", FACE)
    if image:
        _saved(tmp_path, name, image, kind, **options)
    table = pd.DataFrame({"file_name": ["good.png", name], "real_age": [30.0, 40.0]})

    with pytest.raises((ValueError, FileNotFoundError)) as refused:
        image_data_generator(tmp_path, table, 32, 2, seed=seed)

    assert str(refused.value).startswith(f"image_data_generator cannot read 1 of 2 photos: 1 {problem}")
    assert f"({name})" in str(refused.value)
    assert "validate_data" in str(refused.value) or "py_dataset" in str(refused.value)


def test_the_generator_refuses_broken_photos_together_and_names_some(tmp_path):
    (tmp_path / "final_files").mkdir()
    names = [f"{number}.jpg" for number in range(12)]
    for name in names[:8]:
        (tmp_path / "final_files" / name).write_bytes(b"no photo")
    _saved(tmp_path, "8.jpg", FACE, "JPEG")
    content = (tmp_path / "final_files" / "8.jpg").read_bytes()
    (tmp_path / "final_files" / "8.jpg").write_bytes(content[:-2])
    table = pd.DataFrame({"file_name": names, "real_age": 30.0})

    with pytest.raises(FileNotFoundError) as refused:
        image_data_generator(tmp_path, table, 32, 2)

    assert (
        "12 of 12 photos: 8 that cannot be decoded (0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg, …); 1 without their "
        "end marker (8.jpg); 3 not found (9.jpg, 10.jpg, 11.jpg). Stage validate_data"
    ) in str(refused.value)


@pytest.mark.parametrize(
    ("name", "mode", "kind"),
    [
        ("a.PNG", "RGB", "PNG"),
        ("a.png", "P", "PNG"),
        ("a.jpeg", "L", "JPEG"),
        ("a.bmp", "RGB", "BMP"),
        ("a.tiff", "RGB", "TIFF"),
        ("a.jpg", "RGB", "WEBP"),
        ("a.png", "RGBA", "PNG"),
        ("a.png", "1", "PNG"),
    ],
)
def test_what_the_generator_takes_has_the_pixels_of_the_other_reader(tmp_path, name, mode, kind):
    pytest.importorskip("tensorflow")
    (tmp_path / "final_files").mkdir()
    _saved(tmp_path, name, FACE.convert(mode), kind)
    table = pd.DataFrame({"file_name": [name], "real_age": [30.0]})

    photos, ages = next(image_data_generator(tmp_path, table, 64, 1))

    np.testing.assert_allclose(photos, PhotoStore.open(tmp_path, [name], 64)[[0]], atol=1)
    assert ages.tolist() == [30]
