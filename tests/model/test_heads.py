"""The heads alone, on features that are noise."""

import keras
import numpy as np
import pytest

from shopper_age.model.heads import fill_constants, head, is_distribution_model

POOLED = np.random.default_rng(0).normal(0, 1, (5, 16)).astype("float32")


def _model(loss):
    features = keras.Input((16,))
    model = keras.Model(features, head(features, loss))
    fill_constants(model)
    return model


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_a_regression_head_predicts_one_number(loss):
    model = _model(loss)
    assert model.output_names == ["age"]
    assert model.predict(POOLED, verbose=0).shape == (5, 1)
    assert not is_distribution_model(model)


@pytest.mark.parametrize("loss", ["label_distribution", "ordinal"])
def test_a_distribution_head_predicts_the_age_and_its_distribution(loss):
    model = _model(loss)
    assert is_distribution_model(model)
    predicted = model.predict(POOLED, verbose=0)
    assert {name: values.shape for name, values in predicted.items()} == {
        "age": (5, 1),
        "age_distribution": (5, 101),
    }
    np.testing.assert_allclose(predicted["age_distribution"].sum(axis=1), 1, atol=1e-5)
    assert predicted["age_distribution"].min() >= -1e-6
    below = np.interp(
        predicted["age"][:, 0].astype(float)[:, None] + 0.5 - np.arange(102), [0, 1], [0, 1]
    )  # the part of each year that is younger than the prediction
    np.testing.assert_allclose((below[:, :101] * predicted["age_distribution"]).sum(axis=1), 0.5, atol=1e-4)


def test_the_constants_of_a_head_never_learn():
    trainable = {variable.path.split("/")[0] for variable in _model("ordinal").trainable_variables}
    assert not trainable & {"age", "age_distribution", "log_older_than"}


def test_an_untrained_ordinal_head_starts_at_about_23_years():
    age = _model("ordinal").predict(np.zeros((1, 16)), verbose=0)["age"]
    # P(age > k) = s^(k + 1) with s = sigmoid(3.5) = 0.9707 is a half at k = log(0.5) / log(s) - 1 = 22.3, and
    # age k reaches to k + 0.5
    assert float(age[0, 0]) == pytest.approx(22.8, abs=0.1)
