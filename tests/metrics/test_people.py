import numpy as np
import pytest

from shopper_age.metrics.people import (
    any_photo,
    check_people,
    count_people,
    effective_people,
    one_photo_each,
    person_means,
    share_interval,
    share_intervals,
)
from shopper_age.metrics.proportions import exact_interval


def test_each_photo_is_another_person_where_people_are_not_known():
    assert check_people(None, 3).tolist() == [0, 1, 2]
    assert check_people(["b", "a", "b"], 3).tolist() == [1, 0, 1]
    assert count_people(None, [True, False, True]) == 2
    assert count_people(["a", "a", "b"], [True, True, False]) == 1


def test_a_person_for_each_photo_is_demanded():
    with pytest.raises(ValueError, match=r"person of each of 3 photos; found the shape \(2,\)"):
        check_people([1, 2], 3)


def test_a_person_passes_who_passes_on_any_photo():
    assert any_photo([False, True, False], ["a", "a", "b"]).tolist() == [True, False]
    assert any_photo([False, True], None).tolist() == [False, True]
    assert any_photo([], None).tolist() == []


def test_a_person_has_the_mean_of_their_photos():
    assert person_means([1, 3, 5], ["a", "a", "b"]).tolist() == [2, 5]


def test_one_photo_of_each_person_is_drawn_and_each_has_its_chance():
    people = np.repeat(np.arange(400), 4)
    chosen = one_photo_each(people, people.size, seed=0)
    assert np.bincount(people[chosen]).tolist() == [1] * 400
    places = np.bincount(np.flatnonzero(chosen) % 4)  # 100 each, and 35 off is four standard deviations
    assert np.abs(places - 100).max() < 35
    assert (one_photo_each(people, people.size, seed=0) == chosen).all()


def test_equal_photos_tell_as_much_as_one():
    assert effective_people(["a", "a", "a", "b"]) == 16 / 10
    assert effective_people([1, 2, 3]) == 3
    assert share_interval([True, True, False, False], ["a", "a", "b", "b"]) == pytest.approx(
        np.ravel(exact_interval(1, 2))
    )
    assert share_interval([True, False, False]) == pytest.approx(np.ravel(exact_interval(1, 3)))
    assert np.isnan(share_interval([])).all()


def test_the_interval_by_person_holds_the_share_where_that_by_photo_does_not():
    # 60 people with 10 photos each that are all hits or none, with a chance of 0.3
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(60), 10)
    by_person, by_photo = 0, 0
    for _ in range(200):
        hits = np.repeat(rng.random(60) < 0.3, 10)
        low, high = share_interval(hits, people)
        by_person += low <= 0.3 <= high
        low, high = share_interval(hits)
        by_photo += low <= 0.3 <= high
    assert by_person >= 188
    assert by_photo < 120


def test_groups_of_photos_have_their_intervals():
    hits, group, people = [True, True, False, True], [0, 0, 0, 2], ["a", "a", "b", "b"]
    low, high = share_intervals(hits, group, 3, people)
    assert (low[0], high[0]) == share_interval(hits[:3], people[:3])
    assert np.isnan([low[1], high[1]]).all()
    assert high[2] == 1
