import numpy as np
import pytest

from shopper_age.metrics.calibration import expected_calibration_error, reliability_table


def test_four_photos_give_the_numbers_worked_by_hand():
    table = reliability_table([False, False, False, True], [0.1, 0.1, 0.1, 0.9], n_bins=2)
    assert table["n"].tolist() == [3, 1]
    assert table["mean_probability"].tolist() == pytest.approx([0.1, 0.9])
    assert table["observed_share"].tolist() == [0, 1]
    assert table["high"].iloc[0] == pytest.approx(1 - 0.025 ** (1 / 3))
    assert expected_calibration_error(table) == pytest.approx(0.1)


def test_the_table_agrees_with_scikit_learn():
    from sklearn.calibration import calibration_curve

    rng = np.random.default_rng(0)
    probability = rng.random(500)
    is_hit = rng.random(500) < probability**2
    table = reliability_table(is_hit, probability)
    observed, predicted = calibration_curve(is_hit, probability, n_bins=10)
    np.testing.assert_allclose(table["observed_share"], observed)
    np.testing.assert_allclose(table["mean_probability"], predicted)


def test_honest_probabilities_have_a_small_error_and_boastful_ones_a_large_one():
    rng = np.random.default_rng(1)
    probability = rng.random(20_000)
    is_hit = rng.random(20_000) < probability
    honest = expected_calibration_error(reliability_table(is_hit, probability))
    boastful = expected_calibration_error(reliability_table(is_hit, probability > 0.5))
    assert honest < 0.02
    assert boastful == pytest.approx(0.25, abs=0.02)


def test_an_edge_belongs_to_the_upper_bin_and_one_to_the_last():
    assert reliability_table([True] * 4, [0, 0.25, 0.5, 1.0], n_bins=4)["n"].tolist() == [1, 1, 1, 1]


def test_empty_bins_have_no_share_and_do_not_count():
    table = reliability_table([True], [0.95])
    assert table["observed_share"].isna().sum() == 9
    assert expected_calibration_error(table) == pytest.approx(0.05)


def test_without_photos_the_error_is_not_zero():
    assert np.isnan(expected_calibration_error(reliability_table([], [])))


def test_a_rounding_error_above_one_is_no_fault_but_a_percentage_is():
    assert reliability_table([True], [1 + 1e-7])["n"].iloc[-1] == 1
    with pytest.raises(ValueError, match="between 0 and 1"):
        reliability_table([True], [30.0])
    with pytest.raises(ValueError, match="between 0 and 1"):
        reliability_table([True], [np.nan])


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="share one shape"):
        reliability_table([True, False], [0.5])
