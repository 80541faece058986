import numpy as np
import pytest
from PIL import Image

from shopper_age.demo.drawing.canvas import Blob, Canvas, Pose

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
