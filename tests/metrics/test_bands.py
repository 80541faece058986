import numpy as np
import pytest

from shopper_age.metrics.bands import DECADES, band_index, band_keys, band_names, by_band

GROUPS = (0, 12, 18, 25, 35, 45, 55, 65)


def test_names_show_first_and_last_year_and_the_last_band_is_open():
    assert band_names((0, 12, 18)) == ["0–11", "12–17", "18+"]
    assert band_names(DECADES)[-2:] == ["70–79", "80+"]


def test_a_band_of_one_year_has_a_single_number():
    assert band_names((0, 17, 18)) == ["0–16", "17", "18+"]


def test_one_edge_is_one_open_band():
    assert band_names((0,)) == ["0+"]
    assert band_index([0, 50], (0,)).tolist() == [0, 0]


def test_keys_are_plain_letters_digits_and_underscores():
    assert band_keys((0, 12, 18)) == ["0_11", "12_17", "18_plus"]


@pytest.mark.parametrize(
    ("age", "band"),
    [(0, 0), (11, 0), (11.99, 0), (12.0, 1), (17.999, 1), (18, 2), (24.5, 2), (64.9, 6), (65, 7), (120, 7)],
)
def test_an_age_belongs_to_the_band_that_holds_its_last_birthday(age, band):
    assert band_index([age], GROUPS).tolist() == [band]


def test_an_estimate_below_zero_counts_as_the_first_band():
    assert band_index([-3.2], GROUPS).tolist() == [0]


@pytest.mark.parametrize("edges", [(), (5, 12), (0, 12, 12), (0, 18, 12)])
def test_edges_that_do_not_rise_from_zero_are_refused(edges):
    with pytest.raises(ValueError, match="must start at 0 and rise"):
        band_names(edges)


def test_values_are_sorted_into_bands_by_age_and_an_empty_band_stays():
    found = by_band(np.array([1.0, 2.0, 3.0]), [15, 40, 12], (0, 12, 18))
    assert {name: values.tolist() for name, values in found.items()} == {
        "0–11": [],
        "12–17": [1, 3],
        "18+": [2],
    }
