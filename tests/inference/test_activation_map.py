import keras
import numpy as np
import pytest

from shopper_age.inference.activation_map import activation_maps, age_gradient

RNG = np.random.default_rng(0)


def age(pooled, kernel, bias, activation):
    """The heads' ages, computed another way: from probabilities and survivals one by one."""
    z = pooled @ kernel + bias
    match activation:
        case "linear":
            return z[:, 0]
        case "softmax":
            p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
            return (p * np.arange(z.shape[1])).sum(axis=1)
        case "log_sigmoid":
            older = 1 / (1 + np.exp(-z))
            return sum(older[:, : k + 1].prod(axis=1) for k in range(z.shape[1]))


@pytest.mark.parametrize(("activation", "units"), [("linear", 1), ("softmax", 101), ("log_sigmoid", 100)])
def test_the_gradient_agrees_with_finite_differences(activation, units):
    pooled, kernel, bias = (
        RNG.uniform(0, 1, (3, 5)),
        RNG.normal(0, 0.5, (5, units)),
        RNG.normal(0, 0.5, units),
    )
    gradient = age_gradient(pooled, kernel, bias, activation=activation)
    for feature in range(5):
        step = np.zeros(5)
        step[feature] = 1e-5
        change = age(pooled + step, kernel, bias, activation) - age(pooled - step, kernel, bias, activation)
        assert gradient[:, feature] == pytest.approx(change / 2e-5, abs=1e-6)


def test_the_gradient_of_a_certain_softmax_is_worked_by_hand():
    # p = (1/2, 1/2) over the years 0 and 1: age 0.5, gradient p_1 (1 − 0.5) = 0.25 by the second logit
    kernel = np.array([[0.0, 1.0]])
    assert age_gradient([[0.0]], kernel, np.zeros(2), activation="softmax") == pytest.approx(
        np.array([[0.25]])
    )


@pytest.mark.parametrize(("activation", "units"), [("relu", 101), ("linear", 2)])
def test_an_unknown_head_is_named(activation, units):
    with pytest.raises(ValueError, match=f"found {activation} with {units} units"):
        age_gradient(np.ones((1, 3)), np.ones((3, units)), np.zeros(units), activation=activation)


def small_model(units=1, activation="linear"):
    photo = keras.Input((8, 8, 3))
    features = keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(photo)
    pooled = keras.layers.GlobalAveragePooling2D()(features)
    return keras.Model(photo, keras.layers.Dense(units, activation=activation)(pooled))


def test_the_maps_of_a_linear_head_add_up_to_the_age():
    model = small_model()
    model.layers[-1].set_weights([RNG.normal(0, 1, (4, 1)), np.array([30.0])])
    photos = RNG.integers(0, 255, (2, 8, 8, 3)).astype(np.uint8)
    maps = activation_maps(model, photos)
    assert maps.shape == (2, 4, 4)
    ages = model.predict(photos, verbose=0)[:, 0]
    assert maps.sum(axis=(1, 2)) + 30 == pytest.approx(ages, rel=1e-4)


def test_only_the_spot_with_something_on_it_counts():
    model = small_model(101, "softmax")
    model.layers[1].set_weights([np.ones((3, 3, 3, 4)), np.zeros(4)])
    photo = np.zeros((1, 8, 8, 3), dtype=np.uint8)
    photo[0, 7, 0] = 255
    (spots,) = activation_maps(model, photo)
    assert np.flatnonzero(spots).tolist() == [12]  # the lower left corner of 4 × 4


def test_a_model_without_pooling_is_refused():
    flat = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="GlobalAveragePooling2D"):
        activation_maps(flat, np.zeros((1, 8, 8, 3), dtype=np.uint8))
