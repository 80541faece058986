import logging

import keras
import numpy as np
import pytest

from shopper_age.model.network import create_model

SHAPE = (32, 32, 3)


@pytest.fixture(scope="module")
def backbone():
    return keras.applications.ResNet50(include_top=False, weights=None, input_shape=SHAPE)


@pytest.fixture(autouse=True)
def _all_is_logged(caplog):
    caplog.set_level(logging.INFO, logger="shopper_age")


def _kernel(model, layer="conv4_block2_2_conv"):
    return model.get_layer(layer).get_weights()[0]


@pytest.mark.parametrize("ending", ["weights.h5", "keras"])
def test_a_file_of_a_backbone_fills_the_backbone(backbone, tmp_path, caplog, ending):
    path = tmp_path / f"resnet.{ending}"
    (backbone.save_weights if ending == "weights.h5" else backbone.save)(path)
    model = create_model(SHAPE, weights=str(path))
    np.testing.assert_array_equal(_kernel(model), _kernel(backbone))
    assert caplog.messages == [f"weights: 106 of 106 backbone layers from {path}"]


def test_a_partial_file_leaves_the_rest_random_and_says_so(backbone, tmp_path, caplog):
    part = keras.Model(backbone.input, backbone.get_layer("conv4_block6_out").output)
    part.save_weights(tmp_path / "part.weights.h5")
    model = create_model(SHAPE, weights=str(tmp_path / "part.weights.h5"))
    np.testing.assert_array_equal(_kernel(model), _kernel(backbone))
    assert not np.array_equal(_kernel(model, "conv5_block1_1_conv"), _kernel(backbone, "conv5_block1_1_conv"))
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "86 of 106 backbone layers" in record.message
    assert "left random: conv5_block1_1_conv, conv5_block1_1_bn" in record.message
    assert "and 16 more" in record.message


def test_random_residual_blocks_start_as_the_identity(backbone, tmp_path):
    part = keras.Model(backbone.input, backbone.get_layer("conv4_block6_out").output)
    part.save_weights(tmp_path / "part.weights.h5")
    model = create_model(SHAPE, weights=str(tmp_path / "part.weights.h5"))
    photo = np.random.default_rng(0).uniform(0, 255, (1, *SHAPE))
    block = keras.Model(
        model.input, [model.get_layer(name).output for name in ("conv5_block1_out", "conv5_block2_out")]
    )
    before, after = block.predict(photo, verbose=0)
    np.testing.assert_array_equal(after, before)
    assert before.any()
    assert model.get_layer("conv4_block6_3_bn").gamma.numpy().all()  # what the file brought stays
    assert not create_model(SHAPE, weights="random").get_layer("conv2_block1_3_bn").gamma.numpy().any()


def test_a_trained_age_model_can_be_trained_on(tmp_path, caplog):
    first = create_model(SHAPE, weights="random", loss="label_distribution")
    first.save_weights(tmp_path / "age.weights.h5")
    second = create_model(SHAPE, weights=str(tmp_path / "age.weights.h5"))
    np.testing.assert_array_equal(_kernel(second), _kernel(first))
    assert "not used: age_distribution" in caplog.text


def test_a_file_of_another_network_is_refused(tmp_path):
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="other")]).save_weights(
        tmp_path / "o.weights.h5"
    )
    with pytest.raises(ValueError, match=r"holds no layer of ResNet50 \(it has other"):
        create_model(SHAPE, weights=str(tmp_path / "o.weights.h5"))


def test_arrays_of_another_shape_are_refused(tmp_path):
    photo = keras.Input((32, 32, 3))
    keras.Model(photo, keras.layers.Conv2D(8, 7, name="conv1_conv")(photo)).save_weights(
        tmp_path / "o.weights.h5"
    )
    with pytest.raises(ValueError, match=r"layer conv1_conv has shapes .*ResNet50's are"):
        create_model(SHAPE, weights=str(tmp_path / "o.weights.h5"))


def test_a_missing_or_broken_file_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*none\.weights\.h5"):
        create_model(SHAPE, weights=str(tmp_path / "none.weights.h5"))
    (tmp_path / "broken.weights.h5").write_bytes(b"half")
    with pytest.raises(ValueError, match=r"broken\.weights\.h5 cannot be read"):
        create_model(SHAPE, weights=str(tmp_path / "broken.weights.h5"))


def test_a_failed_download_names_the_alternatives(monkeypatch):
    def fail(*_, **__):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.utils, "get_file", fail)
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", fail)
    with pytest.raises(OSError, match=r"(?s)could not be downloaded .*\.keras/models.*random"):
        create_model(SHAPE, weights="imagenet")
