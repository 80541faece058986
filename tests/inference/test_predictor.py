import io

import cv2
import numpy as np
import pytest
from answering import CROPS, SIDE, Engine, decision, photo
from fake_detector import cropper, face
from PIL import Image

from shopper_age.inference.decision import DecisionError
from shopper_age.inference.predictor import BATCH_SIZE, Predictor


def predictor(**changes):
    return Predictor(Engine(), decision(**changes), None)


def file_of(age, **options):
    stream = io.BytesIO()
    Image.fromarray(photo(age)).save(stream, format="PNG", **options)
    return stream.getvalue()


def test_paths_bytes_pictures_and_arrays_get_the_same_answer(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(file_of(33))
    photos = [path, str(path), file_of(33), bytearray(file_of(33)), Image.open(path), photo(33)]
    assert [found.faces[0].age for found in predictor().predict(photos)] == [33.0] * len(photos)


def test_answers_bear_the_path_or_a_name_or_the_number():
    assert [found.source for found in predictor().predict([photo(1), photo(2)])] == ["0", "1"]
    assert [found.source for found in predictor().predict([photo(1)], names=["till 7"])] == ["till 7"]
    assert next(predictor().predict(["no/such.jpg"])).source == "no/such.jpg"


def test_a_bad_photo_is_an_answer_and_the_others_stay_in_place(tmp_path):
    (tmp_path / "text.jpg").write_text("no photo")
    photos = [photo(20), tmp_path / "missing.jpg", photo(30), tmp_path / "text.jpg", tmp_path, 7, photo(40)]
    found = list(predictor().predict(photos))
    assert [one.faces[0].age if one.faces else one.problem for one in found] == [
        20.0, "missing_photo", 30.0, "unreadable_photo", "unreadable_photo", "unreadable_photo", 40.0,
    ]  # fmt: skip
    assert all(one.ask_for_id for one in found if not one.faces)
    assert found[3].detail == "none of JPEG, PNG, WEBP, GIF, BMP, TIFF"
    assert "int is no photo" in found[5].detail


@pytest.mark.parametrize(
    "array",
    [np.zeros((4, 4)), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 4), np.uint8)],
)
def test_arrays_that_are_no_rgb_photo_are_told(array):
    (found,) = predictor().predict([array])
    assert "must be uint8 RGB" in found.detail


def test_a_photo_of_too_many_pixels_is_refused_before_it_is_decoded():
    small = Predictor(Engine(), decision(), None, max_pixels=1000)
    (found,) = small.predict([file_of(5)])
    assert found.detail == "40 x 40 pixels are more than 1,000"


def test_a_photo_on_its_side_is_turned_upright():
    picture = photo(9)
    picture[:20] = 200
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="PNG", exif=exif)
    assert next(predictor().predict([stream.getvalue()])).faces[0].age == 9.0


def test_any_number_of_photos_goes_through_in_batches():
    engine = Engine()
    many = Predictor(engine, decision(), None)
    stream = many.predict(photo(index % 100) for index in range(2 * BATCH_SIZE + 5))
    assert engine.sizes == []
    assert next(stream).faces[0].age == 0
    assert engine.sizes == [BATCH_SIZE]  # no more was read than asked for
    assert [found.faces[0].age for found in stream] == [float(i % 100) for i in range(1, 2 * BATCH_SIZE + 5)]
    assert engine.sizes == [BATCH_SIZE, BATCH_SIZE, 5]


def test_no_photo_is_no_answer():
    assert list(predictor().predict([])) == []


def noisy(kind):
    picture = np.random.default_rng(0).integers(0, 255, (100, 100, 3), np.uint8)
    picture[0, 0] = kind
    return picture


def by_kind(picture):
    return [[], [face()], [face(side=10), face(side=60)], [face(side=80), face(side=60)]][picture[0, 0, 0]]


def test_each_face_is_cropped_and_answered_largest_first_and_unfit_ones_are_asked():
    crops = cropper(find=by_kind)
    found = list(
        Predictor(Engine(), decision(faces=CROPS), crops).predict([noisy(kind) for kind in range(4)])
    )
    assert [len(one.faces) for one in found] == [0, 1, 2, 2]
    assert found[0].problem == "no_face"
    assert found[1].faces[0].box == (20.0, 20.0, 80.0, 80.0)
    assert found[1].faces[0].eye_distance == pytest.approx(24)
    unfit, fit = found[2].faces
    assert (unfit.problem, unfit.age, unfit.ask_for_id) == ("too_small", None, True)
    assert fit.age is not None
    expected = cv2.resize(crops.crops(noisy(1))[0].pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    assert found[1].faces[0].age == float(expected[0, 0, 0])


def test_faces_are_not_looked_for_where_photos_are_crops_already():
    crops = cropper(find=by_kind)
    found = list(Predictor(Engine(), decision(faces=CROPS, detect="never"), crops).predict([noisy(0)]))
    assert crops.detector.n_calls == 0
    assert found[0].faces[0].box is None


def test_a_model_of_crops_needs_something_that_crops():
    with pytest.raises(DecisionError, match="pass a cropper"):
        Predictor(Engine(), decision(faces=CROPS), None)


def test_a_folder_without_model_or_decision_is_told(tmp_path):
    with pytest.raises(DecisionError, match=r"decision\.json not found"):
        Predictor.load(tmp_path)
    decision().save(tmp_path / "decision.json")
    with pytest.raises(DecisionError, match="holds no model"):
        Predictor.load(tmp_path)
    for name in ("a.onnx", "b.onnx"):
        (tmp_path / name).touch()
    with pytest.raises(DecisionError, match=r"holds 2 models, a\.onnx among them"):
        Predictor.load(tmp_path)


def test_answers_tell_of_what_the_model_saw():
    photos = [photo(9, side=64), file_of(5), noisy(0)]
    found = list(predictor().predict(photos))
    assert [one.faces[0].shorter_side for one in found] == [64, 40, 100]
    assert [one.faces[0].brightness for one in found[:2]] == pytest.approx([9, 5])
    assert [one.faces[0].sharpness > 1 for one in found] == [False, False, True]
    assert {one.model_md5 for one in found} == {decision().model_md5}
    crops = cropper(find=by_kind)
    unfit, fit = next(iter(Predictor(Engine(), decision(faces=CROPS), crops).predict([noisy(2)]))).faces
    assert (unfit.brightness, unfit.shorter_side) == (None, None)
    assert fit.shorter_side == min(crops.crops(noisy(2))[1].pixels.shape[:2])
