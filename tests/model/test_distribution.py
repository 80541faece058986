"""Expected numbers are worked by hand; a distribution with all mass on one age is a row of the identity."""

import keras
import numpy as np
import pytest

from shopper_age.model.distribution import N_AGES, expected_age, median_age, older_than, soft_labels


def _all_mass_on(*ages):
    return np.eye(N_AGES, dtype="float32")[list(ages)]


def _array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_the_expected_age_weighs_each_age_with_its_probability():
    distribution = 0.25 * _all_mass_on(20) + 0.75 * _all_mass_on(40)
    assert _array(expected_age(distribution)) == pytest.approx([35])


@pytest.mark.parametrize("age", [0, 30, 100])
def test_the_median_of_all_mass_on_an_age_is_that_age(age):
    assert _array(median_age(_all_mass_on(age))) == pytest.approx(age, abs=1e-4)


def test_half_of_the_mass_lies_below_the_median():
    # 0.3 below 39.5, so 0.2 of the 0.4 on 40 are missing: half of that year is below the median
    distribution = 0.3 * _all_mass_on(20) + 0.4 * _all_mass_on(40) + 0.3 * _all_mass_on(90)
    assert _array(median_age(distribution)).shape == (1, 1)
    assert _array(median_age(distribution)) == pytest.approx(40, abs=1e-4)
    # 0.5 of the 0.75 on 20 are two thirds of that year
    assert _array(median_age(0.75 * _all_mass_on(20) + 0.25 * _all_mass_on(90))) == pytest.approx(
        19.5 + 2 / 3, abs=1e-4
    )


def test_no_other_estimate_has_a_smaller_expected_absolute_error():
    ages = np.arange(N_AGES)
    distribution = np.exp(-0.5 * ((ages - 25) / np.where(ages < 25, 3, 15)) ** 2)[None]  # a long tail
    distribution /= distribution.sum()
    error_of = np.abs(ages[:, None] - ages) @ distribution[0]
    assert abs(float(_array(median_age(distribution))[0, 0]) - error_of.argmin()) <= 0.5
    assert float(_array(expected_age(distribution))[0]) - error_of.argmin() > 1


def test_a_soft_label_is_a_gaussian_around_the_true_age():
    (label,) = _array(soft_labels(np.array([30.0]), sigma=2.0))
    assert label.sum() == pytest.approx(1, abs=1e-6)
    assert label.argmax() == 30
    assert label[32] / label[30] == pytest.approx(np.exp(-0.5), rel=1e-5)
    assert label[28] == pytest.approx(label[32], rel=1e-5)


def test_a_fraction_of_a_year_lies_between_two_bins():
    (label,) = _array(soft_labels(np.array([30.5]), sigma=1.0))
    assert label[30] == pytest.approx(label[31], rel=1e-5)


@pytest.mark.parametrize("age", [0.0, 100.0])
def test_soft_labels_at_the_ends_still_sum_to_one(age):
    assert _array(soft_labels(np.array([age]), sigma=3.0)).sum() == pytest.approx(1, abs=1e-6)


def test_older_than_counts_the_whole_years_below():
    answers = _array(older_than(np.array([0.0, 2.0, 2.5, 100.0])))
    assert answers.sum(axis=1).tolist() == [0, 2, 3, 100]
    assert answers[1, :3].tolist() == [1, 1, 0]
