import numpy as np
import pytest

from shopper_age.plots.photos import activation_map_figure, photos_with_answers


@pytest.fixture
def photo():
    return np.full((8, 6, 3), 128, dtype=np.uint8)


def texts(figure):
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def test_photos_carry_true_age_and_estimate(photo):
    figure = photos_with_answers([photo, photo], [5, 85.5], [9.4, 60.2], title="Worst, n = 2")
    assert {"Worst, n = 2", "true 5, estimate 9", "true 85.5, estimate 60"} <= set(texts(figure))


def test_photos_carry_their_interval_where_there_is_one(photo):
    figure = photos_with_answers([photo], [5], [9.4], title="", intervals=([0.0], [21.6]))
    assert "true 5, estimate 9\n(0 to 22)" in texts(figure)


def test_activation_maps_lie_over_grey_photos_on_one_scale(photo):
    coloured = photo.copy()
    coloured[..., 0] = 30
    maps = [np.array([[0.0, 2.0], [-1.0, 0.0]]), np.zeros((2, 2))]
    figure = activation_map_figure([photo, coloured], maps, [20, 30], [25, 31])
    first, second, bar = figure.axes
    below, above = second.images
    assert np.ptp(below.get_array(), axis=2).max() == 0
    assert above.get_extent() == below.get_extent()
    assert {image.get_clim() for image in (first.images[1], above)} == {(-2.0, 2.0)}
    assert first.images[1].get_alpha().tolist() == [[0, 0.75], [0.375, 0]]
    assert bar.get_xlabel() == "Years that a spot adds to the expected age"
    assert "true 20, estimate 25" in texts(figure)


def test_maps_that_show_nothing_are_drawn(photo, tmp_path):
    activation_map_figure([photo], [np.zeros((2, 2))], [20], [25]).savefig(tmp_path / "looked.png")
