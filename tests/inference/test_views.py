import keras
import numpy as np
import pytest

from shopper_age.inference.views import with_views
from shopper_age.model.distribution import median_age
from shopper_age.model.heads import AGE, AGE_DISTRIBUTION

SHAPE = (32, 32, 3)
PHOTOS = np.random.default_rng(0).integers(0, 256, (5, *SHAPE)).astype("float32")


@pytest.fixture(scope="module")
def models():
    """By the output that is looked at: every pixel has a weight of its own, so a mirror image differs."""
    keras.utils.set_random_seed(0)
    photo = keras.Input(SHAPE)
    pixels = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(photo))
    distribution = keras.layers.Dense(101, activation="softmax", name=AGE_DISTRIBUTION)(pixels)
    both = {AGE: median_age(distribution), AGE_DISTRIBUTION: distribution}
    return {
        AGE: keras.Model(photo, keras.layers.Dense(1, name=AGE)(pixels)),
        AGE_DISTRIBUTION: keras.Model(photo, both),
    }


@pytest.mark.parametrize("name", [AGE, AGE_DISTRIBUTION])
def test_two_views_are_the_mean_of_photo_and_mirror_image(models, name):
    mean = with_views(models[name], 2).predict(PHOTOS, verbose=0)[name]
    views = [models[name].predict(view, verbose=0) for view in (PHOTOS, PHOTOS[:, :, ::-1])]
    first, second = (view[name] if isinstance(view, dict) else view for view in views)
    assert np.abs(first - second).max() > 1e-3
    np.testing.assert_allclose(mean, (first + second) / 2, rtol=1e-3, atol=1e-5)


def test_the_age_of_two_views_is_the_median_of_their_mean_distribution(models):
    output = with_views(models[AGE_DISTRIBUTION], 2).predict(PHOTOS, verbose=0)
    expected = keras.ops.convert_to_numpy(median_age(output[AGE_DISTRIBUTION]))
    np.testing.assert_allclose(output[AGE], expected, rtol=1e-5)


def test_four_views_of_a_plain_photo_agree(models):
    # the middle of a photo of one colour is that photo
    plain = np.full((2, *SHAPE), 90, "float32")
    one, four = (with_views(models[AGE], n).predict(plain, verbose=0)[AGE] for n in (1, 4))
    np.testing.assert_allclose(four, one, rtol=1e-3, atol=1e-3)


def test_four_views_see_the_middle_larger():
    # the centre of the photo is bright, so the views of its middle 90 % are brighter on average
    photo = keras.Input(SHAPE)
    brightness = keras.Model(
        photo,
        keras.layers.Dense(1, use_bias=False, name=AGE)(
            keras.layers.Flatten()(keras.layers.GlobalAveragePooling2D(keepdims=True)(photo))
        ),
    )
    brightness.layers[-1].set_weights([np.full((3, 1), 1 / 3)])
    centre = np.zeros((1, *SHAPE), "float32")
    centre[:, 8:24, 8:24] = 200
    one, four = (with_views(brightness, n).predict(centre, verbose=0)[AGE].item() for n in (1, 4))
    assert one == pytest.approx(50, rel=1e-3)
    assert four == pytest.approx((50 + 50 * (32 / 29) ** 2) / 2, rel=0.03)


def test_three_views_are_refused(models):
    with pytest.raises(ValueError, match="1, 2 or 4, received 3"):
        with_views(models[AGE], 3)


@pytest.mark.parametrize("n_views", [1, 2, 4])
@pytest.mark.parametrize("name", [AGE, AGE_DISTRIBUTION])
def test_stacked_views_give_the_same_answers(models, name, n_views):
    one_by_one = with_views(models[name], n_views).predict(PHOTOS, verbose=0)
    stacked = with_views(models[name], n_views, stacked=True).predict(PHOTOS, verbose=0)
    assert one_by_one.keys() == stacked.keys()
    for output, values in one_by_one.items():
        np.testing.assert_allclose(stacked[output], values, rtol=1e-4, atol=1e-4)


def test_products_enlarge_the_middle_as_resizing_does():
    photos = np.random.default_rng(1).integers(0, 256, (3, 32, 45, 3)).astype("float32")
    photo = keras.Input(photos.shape[1:])
    sums = keras.Model(photo, keras.layers.Dense(7, name=AGE)(keras.layers.Flatten()(photo)))
    found = [
        with_views(sums, 4, stacked=stacked).predict(photos, verbose=0)[AGE] for stacked in (False, True)
    ]
    assert np.abs(found[0]).max() > 10
    np.testing.assert_allclose(found[1], found[0], rtol=1e-4, atol=1e-2)
