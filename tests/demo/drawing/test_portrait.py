import numpy as np

from shopper_age.demo.drawing.backdrop import paint_backdrop
from shopper_age.demo.drawing.canvas import Canvas, Pose
from shopper_age.demo.drawing.person import random_person
from shopper_age.demo.drawing.portrait import paint_portrait


def test_ages_can_be_read_from_few_pixels():
    """Ridge regression on 24 x 24 pixels: what a straight line can read, a network can learn."""
    rng = np.random.default_rng(0)
    ages = rng.permutation(np.linspace(1, 90, 150))
    pixels = []
    for age in ages:
        canvas = Canvas(paint_backdrop(72, rng), Pose(rng.normal(0, 3), 1, *rng.normal(0, 0.03, 2)))
        paint_portrait(canvas, random_person(age, rng), rng)
        pixels.append(np.asarray(canvas.picture.reduce(3), float).ravel())
    x = np.array(pixels)
    x = (x - x.mean(axis=0)) / (x.std(axis=0) + 10)
    kernel, train, test = x @ x.T / x.shape[1], np.s_[:110], np.s_[110:]
    centre = ages[train].mean()
    weights = np.linalg.solve(kernel[train, train] + 0.1 * np.eye(110), ages[train] - centre)
    mae = np.abs(centre + kernel[test, train] @ weights - ages[test]).mean()
    assert mae < 0.7 * np.abs(np.median(ages[train]) - ages[test]).mean()
