import numpy as np
import pytest

from shopper_age.demo.drawing.shapes import (
    between,
    darker,
    deeper,
    ellipse,
    flipped,
    mixed,
    resampled,
    smooth,
    symmetrical,
)

SQUARE = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]


def test_a_smooth_curve_goes_through_its_corners():
    corners = np.array([(0, 0), (1, 2), (3, 1), (4, 4)], float)
    curve = smooth(corners, steps=7)
    assert len(curve) == 3 * 7 + 1
    assert curve[::7] == pytest.approx(corners)


def test_a_smooth_curve_along_a_line_stays_on_it():
    assert smooth([(0, 0), (1, 1), (2, 2)])[:, 0] == pytest.approx(smooth([(0, 0), (1, 1), (2, 2)])[:, 1])


def test_a_closed_curve_returns_without_repeating_its_start():
    curve = smooth(SQUARE, closed=True, steps=5)
    assert len(curve) == 20
    assert curve[::5] == pytest.approx(np.array(SQUARE))


def test_a_symmetrical_outline_does_not_repeat_points_on_the_axis():
    assert symmetrical([(0, -1), (1, 0), (0, 1)]).tolist() == [[0, -1], [1, 0], [0, 1], [-1, 0]]


def test_flipping_to_the_right_changes_nothing():
    assert flipped([(1, 2)], 1).tolist() == [[1, 2]]
    assert flipped([(1, 2)]).tolist() == [[-1, 2]]


def test_resampled_points_are_equally_far_apart():
    points = resampled(np.array([(0, 0), (1, 0), (1, 3)], float), 5)
    assert points.tolist() == [[0, 0], [1, 0], [1, 1], [1, 2], [1, 3]]


def test_between_two_curves_goes_there_and_back():
    x = np.array([0, 1])
    assert between(x, x + 2, x - 2).tolist() == [[0, 2], [1, 3], [1, -1], [0, -2]]


def test_an_ellipse_has_its_axes():
    points = ellipse(1, 2, 3, 4, n=400)
    assert points.min(axis=0) == pytest.approx([-2, -2], abs=0.01)
    assert points.max(axis=0) == pytest.approx([4, 6], abs=0.01)


def test_colours_mix_by_their_share():
    assert mixed((0, 100, 200), (100, 100, 0), 0.25) == (25, 100, 150)
    assert mixed((0, 0, 0), (100, 100, 100), 2) == (100, 100, 100)


def test_shades_of_skin_stay_warm_and_shades_of_grey_hair_stay_grey():
    shade = deeper((200, 160, 120), 0.5)
    assert shade[0] / shade[2] > 200 / 120
    assert max(darker((200, 200, 200), 0.5)) - min(darker((200, 200, 200), 0.5)) < 5
