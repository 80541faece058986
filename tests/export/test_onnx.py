import keras
import numpy as np
import pytest
from answering import decision

from shopper_age.export.int8 import N_CALIBRATION, calibration_rows, quantize
from shopper_age.export.onnx import export_onnx
from shopper_age.export.parity import compare
from shopper_age.inference.decision import DecisionError
from shopper_age.inference.engines import OnnxEngine
from shopper_age.inference.estimates import Estimates
from shopper_age.inference.estimation import estimate
from shopper_age.model.conversion import in_float32
from shopper_age.model.network import create_model

PHOTOS = np.random.default_rng(0).integers(0, 255, (7, 32, 32, 3), np.uint8)


@pytest.fixture(scope="module")
def model():
    """Trained in bfloat16, with moving averages of batch normalisation that are not those of its photos."""
    keras.utils.set_random_seed(0)
    made = create_model((32, 32, 3), weights="random", loss="label_distribution", precision="bfloat16")
    rng = np.random.default_rng(0)
    for layer in made.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(rng.normal(0, 0.1, layer.moving_mean.shape))
    return made


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "age.onnx"
    export_onnx(model, path, n_views=4, model_md5="abc")
    return path


def test_the_export_answers_as_keras_does_in_any_batch(model, exported):
    engine = OnnxEngine(exported, decision(n_views=4))
    of_keras = estimate(in_float32(model), PHOTOS, n_views=4)
    together = engine.estimate(PHOTOS)
    alone = [engine.estimate(PHOTOS[[index]]) for index in range(len(PHOTOS))]
    np.testing.assert_allclose(together.age, of_keras.age, atol=0.01)
    np.testing.assert_allclose(np.concatenate([one.age for one in alone]), of_keras.age, atol=0.01)
    np.testing.assert_allclose(together.distribution, of_keras.distribution, atol=1e-4)


def test_the_network_is_in_the_file_once_whatever_the_views(exported):
    assert 90e6 < exported.stat().st_size < 100e6  # 23.9 million weights


def test_an_export_of_another_model_or_of_other_views_is_refused(exported):
    with pytest.raises(DecisionError, match="is not the model"):
        OnnxEngine(exported, decision(n_views=4, model_md5="other"))
    with pytest.raises(DecisionError, match="averages 4 views, its thresholds were settled with 1"):
        OnnxEngine(exported, decision(n_views=1))


def test_eight_bits_take_a_quarter_of_the_room_and_keep_what_the_file_says(exported, tmp_path):
    quantize(exported, tmp_path / "int8.onnx", PHOTOS)
    assert (tmp_path / "int8.onnx").stat().st_size < 0.3 * exported.stat().st_size
    assert [path.name for path in tmp_path.iterdir()] == ["int8.onnx"]
    found = OnnxEngine(tmp_path / "int8.onnx", decision(n_views=4)).estimate(PHOTOS)
    assert np.isfinite(found.age).all()
    np.testing.assert_allclose(found.distribution.sum(axis=1), 1, atol=1e-3)


def test_photos_to_calibrate_by_are_of_all_ages():
    ages = np.concatenate([np.full(5000, 25.0), np.arange(0, 90)])
    chosen = ages[calibration_rows(ages)]
    assert chosen.size == N_CALIBRATION
    assert (chosen.min(), chosen.max()) == (0, 89)
    assert np.count_nonzero(chosen == 25) < 60
    assert np.unique(np.arange(ages.size)[calibration_rows(ages)]).size == N_CALIBRATION
    assert calibration_rows([5, 3, 9]).tolist() == [1, 0, 2]


def test_parity_is_worked_by_hand():
    found = compare([20, 30], Estimates(np.array([22.0, 30.0])), Estimates(np.array([23.0, 30.5])))
    assert (found.n_photos, found.mean_difference, found.max_difference) == (2, 0.75, 1.0)
    assert (found.mae_model, found.mae_export, found.mae_loss) == (1.0, 1.75, 0.75)
