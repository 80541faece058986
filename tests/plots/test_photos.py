import numpy as np
import pytest

from shopper_age.plots.photos import activation_map_figure, contact_sheet, photos_with_estimates
from shopper_age.runtime.files import save_figure


@pytest.fixture
def photo():
    return np.full((8, 6, 3), 128, dtype=np.uint8)


def grey(height, width):
    return np.full((height, width, 3), 128, dtype=np.uint8)


def texts(figure):
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def test_photos_carry_true_age_and_estimate(photo):
    figure = photos_with_estimates([photo, photo], [5, 85.5], [9.4, 60.2], title="Worst, n = 2")
    assert {"Worst, n = 2", "true 5, estimate 9", "true 85.5, estimate 60"} <= set(texts(figure))


def test_photos_carry_their_interval_where_there_is_one(photo):
    figure = photos_with_estimates([photo], [5], [9.4], title="", intervals=([0.0], [21.6]))
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


def test_a_contact_sheet_shows_each_photo_with_its_caption_in_reading_order(tmp_path):
    photos = [grey(20, 30), grey(300, 200), np.zeros((64, 64, 3), np.uint8)]
    figure = contact_sheet(photos, ["4 years", "a_$1$.jpg\n30 years", "61 years"], title="Faces", n_columns=2)
    drawn = [axes for axes in figure.axes if axes.images]
    assert [axes.texts[0].get_text() for axes in drawn] == ["4 years", "a_$1$.jpg\n30 years", "61 years"]
    for axes, photo in zip(drawn, photos, strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), photo)
    assert figure.get_suptitle() == "Faces"
    assert len(figure.axes) == 4
    save_figure(tmp_path / "sheet.png", figure)


def test_a_sheet_of_one_photo_has_one_place():
    assert len(contact_sheet([grey(8, 8)], ["1 year"], title="One").axes) == 1


@pytest.mark.parametrize(("photos", "captions"), [([], []), ([grey(8, 8)], []), ([grey(8, 8)], ["a", "b"])])
def test_photos_and_captions_must_match(photos, captions):
    with pytest.raises(ValueError, match=f"got {len(photos)} and {len(captions)}"):
        contact_sheet(photos, captions, title="Faces")
