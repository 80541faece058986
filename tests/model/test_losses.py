"""Expected numbers are worked by hand; a distribution with all mass on one age is a row of the identity."""

import numpy as np
import pytest

from shopper_age.model.distribution import N_AGES
from shopper_age.model.losses import LabelDistributionLoss, MedianAgeError, OrdinalLoss, keras_loss


def _all_mass_on(*ages):
    return np.eye(N_AGES, dtype="float32")[list(ages)]


def test_the_label_distribution_loss_adds_l1_to_cross_entropy():
    # a narrow label is all on one bin, so the cross-entropy is -log of that bin's probability
    loss = LabelDistributionLoss(sigma=0.1, l1_weight=0.2)
    distribution = 0.5 * _all_mass_on(20) + 0.5 * _all_mass_on(30)
    assert float(loss(np.array([20.0]), distribution)) == pytest.approx(np.log(2) + 0.2 * 5, rel=1e-4)


def test_the_ordinal_loss_sums_the_binary_cross_entropies():
    # P(older than k) is 1 below 20, 1/2 for k = 20..29 and 0 above; the truth is 25
    distribution = 0.5 * _all_mass_on(20) + 0.5 * _all_mass_on(30)
    assert float(OrdinalLoss()(np.array([25.0]), distribution)) == pytest.approx(10 * np.log(2), rel=1e-3)


def test_a_perfect_ordinal_prediction_costs_almost_nothing():
    assert float(OrdinalLoss()(np.array([25.0]), _all_mass_on(25))) < 1e-3


@pytest.mark.parametrize("loss", [LabelDistributionLoss(2.0, 0.2), OrdinalLoss()])
def test_a_hopeless_prediction_costs_a_finite_amount(loss):
    assert np.isfinite(float(loss(np.array([80.0]), _all_mass_on(1))))


@pytest.mark.parametrize("loss", [LabelDistributionLoss(2.0, 0.2), OrdinalLoss()])
def test_ages_may_come_as_a_row_or_a_column(loss):
    distribution = np.full((3, N_AGES), 1 / N_AGES, "float32")
    ages = np.array([1.0, 50.0, 90.0])
    assert float(loss(ages, distribution)) == pytest.approx(float(loss(ages[:, None], distribution)))


def test_the_age_error_is_in_years():
    metric = MedianAgeError(name="mae")
    metric.update_state(np.array([20.0, 40.0]), _all_mass_on(23, 39))
    assert float(metric.result()) == pytest.approx(2.0, abs=1e-4)


def test_losses_come_back_from_their_configuration():
    loss = LabelDistributionLoss.from_config(LabelDistributionLoss(3.0, 0.5).get_config())
    assert (loss.sigma, loss.l1_weight) == (3.0, 0.5)
    assert OrdinalLoss.from_config(OrdinalLoss().get_config()).name == "ordinal_loss"


def test_the_losses_of_params_yaml_are_made_by_name():
    options = {"label_sigma": 3.0, "l1_weight": 0.5}
    assert [keras_loss(name, **options) for name in ("mse", "mae")] == ["mse", "mae"]
    huber, distribution, ordinal = (
        keras_loss(name, **options) for name in ("huber", "label_distribution", "ordinal")
    )
    # off by 7 years: 5 * (7 - 5 / 2)
    assert float(huber(np.array([[20.0]]), np.array([[27.0]]))) == pytest.approx(22.5)
    assert (distribution.sigma, distribution.l1_weight) == (3.0, 0.5)
    assert isinstance(ordinal, OrdinalLoss)


def test_an_unknown_loss_is_told_with_those_there_are():
    with pytest.raises(
        ValueError, match="one of mse, mae, huber, label_distribution, ordinal; received 'rmse'"
    ):
        keras_loss("rmse", label_sigma=2.0, l1_weight=0.0)
