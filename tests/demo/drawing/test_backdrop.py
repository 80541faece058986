import numpy as np

from shopper_age.demo.drawing.backdrop import paint_backdrop


def test_backdrops_differ_and_have_the_size_asked_for():
    first, second = (np.asarray(paint_backdrop(90, np.random.default_rng(i)), float) for i in (0, 1))
    assert first.shape == (90, 90, 3)
    assert np.abs(first - second).mean() > 5
