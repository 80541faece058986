import numpy as np
import pytest

from shopper_age.eda.summary import decade_table
from shopper_age.plots.dataset import age_histogram, image_sizes
from shopper_age.runtime.files import save_figure


@pytest.mark.parametrize(
    ("ages", "per_year", "shares"),
    [
        ([3, 12.9, 12.1, 25], {3: 1, 12: 2, 25: 1}, ["25.0%", "50.0%", "25.0%"]),
        ([7], {7: 1}, ["100.0%"]),
        ([33] * 5, {33: 5}, ["0.0%", "0.0%", "0.0%", "100.0%"]),
        ([0, 100], {0: 1, 100: 1}, ["50.0%", *["0.0%"] * 9, "50.0%"]),
    ],
)
def test_the_age_histogram_has_a_bar_per_year_and_a_share_per_decade(ages, per_year, shares, tmp_path):
    figure = age_histogram(ages, decade_table(ages))
    (axes,) = figure.axes
    bars = axes.containers[0]
    drawn = {int(bar.get_x() + bar.get_width() / 2): bar.get_height() for bar in bars if bar.get_height()}
    assert drawn == per_year
    assert [text.get_text() for text in axes.texts] == shares
    assert axes.get_title(loc="left") == f"Ages, n = {len(ages)}"
    assert axes.get_xlabel() == "Age (years)"
    save_figure(tmp_path / "ages.png", figure)


def test_image_sizes_give_the_commonest_size_the_largest_dot():
    figure = image_sizes([200, 200, 200, 640], [200, 200, 200, 480])
    (axes,) = figure.axes
    (dots,) = axes.collections
    assert dots.get_offsets().tolist() == [[200, 200], [640, 480]]
    assert dots.get_sizes()[0] > dots.get_sizes()[1]
    assert [text.get_text() for text in axes.texts] == ["200 × 200: 75%"]
    assert axes.get_xlabel() == "Width (pixels)"
    assert axes.get_xlim() == axes.get_ylim() == (100, 1280)


def test_many_sizes_become_few_dots():
    rng = np.random.default_rng(0)
    widths, heights = rng.integers(300, 400, (2, 100_000))
    (axes,) = image_sizes(widths, heights).axes
    assert len(axes.collections[0].get_offsets()) < 400
    assert not axes.texts  # no size is common enough to be named


def test_image_sizes_of_one_photo_can_be_drawn(tmp_path):
    save_figure(tmp_path / "sizes.png", image_sizes([32], [48]))
