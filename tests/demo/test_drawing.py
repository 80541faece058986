import numpy as np
import pytest
from PIL import Image

from shopper_age.demo.drawing.backdrop import paint_backdrop
from shopper_age.demo.drawing.canvas import Blob, Canvas, Pose
from shopper_age.demo.drawing.head import head_of
from shopper_age.demo.drawing.person import random_person
from shopper_age.demo.drawing.portrait import paint_portrait
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


def blank(pose=None):
    return Canvas(Image.new("RGB", (100, 100), (0, 0, 0)), pose or Pose())


def red(canvas):
    return np.asarray(canvas.picture)[..., 0].astype(int)


def test_a_square_of_half_the_side_covers_a_quarter_of_the_picture():
    canvas = blank()
    canvas.fill(SQUARE, (200, 0, 0))
    assert np.mean(red(canvas) == 200) == pytest.approx(0.25, abs=0.02)
    assert red(canvas)[50, 50] == 200
    assert red(canvas)[10, 50] == 0


def test_opacity_blends():
    canvas = blank()
    canvas.fill(SQUARE, (200, 0, 0), 0.5)
    assert red(canvas)[50, 50] == pytest.approx(100, abs=1)


def test_the_pose_scales_turns_and_moves():
    canvas = blank(Pose(turn_degrees=90, scale=0.5, shift_x=0.5))
    canvas.fill([(-1, -0.2), (0, -0.2), (0, 0.2), (-1, 0.2)], (200, 0, 0))  # from the middle to the left
    covered = np.argwhere(red(canvas) == 200)
    assert covered.min(axis=0) == pytest.approx([25, 70], abs=2)  # now upwards, right of the middle
    assert covered.max(axis=0) == pytest.approx([50, 80], abs=2)


def test_undoing_a_pose_gives_the_points_back():
    pose, points = Pose(17, 0.8, 0.1, -0.2), np.array([[0.3, -0.4], [0, 1]])
    assert pose.undo(pose.apply(points)) == pytest.approx(points)


def test_a_stroke_is_thick_in_the_middle_and_thin_at_its_ends():
    canvas = blank()
    canvas.stroke(np.column_stack([np.linspace(-0.8, 0.8, 41), np.zeros(41)]), (200, 0, 0), 0.4)
    thickness = (red(canvas) == 200).sum(axis=0)
    assert thickness[50] == pytest.approx(20, abs=2)
    assert thickness[12] < 8


def test_a_shade_fades_and_stays_inside_its_mask():
    canvas = blank()
    canvas.shade([Blob(0, 0, 0.2, 0.2, 1.0)], (200, 0, 0), canvas.mask(SQUARE))
    assert red(canvas)[50, 50] > 180
    assert 0 < red(canvas)[50, 70] < red(canvas)[50, 60] < red(canvas)[50, 50]
    assert red(canvas)[50, 80:].max() == 0


def test_a_shade_outside_the_picture_changes_nothing():
    canvas = blank()
    canvas.shade([Blob(5, 5, 0.1, 0.1, 1.0)], (200, 0, 0))
    assert red(canvas).max() == 0


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


def mean_measure(name, age_years):
    return np.mean([random_person(age_years, np.random.default_rng([7, i])).measure[name] for i in range(40)])


@pytest.mark.parametrize("name", ["eye_level", "eye_width", "rosy"])
def test_what_shrinks_with_age(name):
    assert mean_measure(name, 4) > mean_measure(name, 30) > mean_measure(name, 75)


@pytest.mark.parametrize("name", ["nose_length", "ears", "grey", "lines", "blotches"])
def test_what_grows_with_age(name):
    assert mean_measure(name, 4) < mean_measure(name, 30) < mean_measure(name, 75)


def test_people_of_one_age_differ():
    people = [random_person(40, np.random.default_rng(i)) for i in range(30)]
    assert {person.female for person in people} == {True, False}
    assert len({person.hairdo for person in people}) > 4
    assert len({person.skin for person in people}) > 5
    assert np.std([person.measure["grey"] for person in people]) > 0.02


def test_no_child_has_a_beard():
    people = [random_person(8, np.random.default_rng(i)) for i in range(60)]
    assert {person.beard for person in people} == {"none"}


@pytest.mark.parametrize("age_years", [0, 5, 20, 50, 100])
def test_the_parts_of_a_face_are_in_order(age_years):
    for i in range(20):
        head = head_of(random_person(age_years, np.random.default_rng(i)))
        assert -1 < head.top < head.brow_y < head.eye_y < head.nose_y < head.mouth_y < head.chin < 0.8
        assert head.eye_x + head.eye_width < head.half_width < 0.8
        assert head.width_at(head.eye_y) == pytest.approx(head.half_width, rel=0.05)


def test_backdrops_differ_and_have_the_size_asked_for():
    first, second = (np.asarray(paint_backdrop(90, np.random.default_rng(i)), float) for i in (0, 1))
    assert first.shape == (90, 90, 3)
    assert np.abs(first - second).mean() > 5


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
