import numpy as np
import pytest

from shopper_age.demo.drawing.person import random_person


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
