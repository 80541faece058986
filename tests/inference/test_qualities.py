import numpy as np
import pytest

from shopper_age.inference.qualities import measure


def test_one_bright_pixel_has_the_sharpness_worked_by_hand():
    # Grey 10 around a pixel of 20: its Laplacian is -40, that of its four neighbours 10, of the others 0.
    photo = np.full((5, 5, 3), 10, np.uint8)
    photo[2, 2] = 20
    found = measure(photo)
    assert found.brightness == pytest.approx(10.4)
    assert found.sharpness == pytest.approx((1600 + 4 * 100) / 25)


def test_the_border_is_mirrored_so_that_an_even_edge_is_not_sharp():
    photo = np.zeros((4, 4, 3), np.uint8)
    photo[:, 2:] = 30
    assert measure(photo).sharpness == pytest.approx((8 * 900) / 16)
