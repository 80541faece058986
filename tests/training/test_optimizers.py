"""Expected rates are worked by hand for two epochs of ten steps."""

import keras
import pytest
from small_training import SETTINGS

from shopper_age.training.optimizers import phases

N_STEPS = 10


def _optimizer(*, epochs=2, **changes):
    (phase,) = phases(SETTINGS.model_copy(update=changes), learning_rate=0.01, epochs=epochs)
    return phase.optimizer(N_STEPS)


def test_the_frozen_epochs_come_first_and_are_never_more_than_all():
    settings = SETTINGS.model_copy(update={"frozen_epochs": 2})
    spans = [(phase.start, phase.end, phase.is_frozen) for phase in phases(settings, 0.01, 5)]
    assert spans == [(0, 2, True), (2, 5, False)]
    assert [phase.end for phase in phases(settings, 0.01, 1)] == [1]


@pytest.mark.parametrize(("step", "rate"), [(0, 0), (5, 0.005), (10, 0.01), (15, 0.00505), (20, 0.0001)])
def test_the_cosine_warms_up_for_an_epoch_and_ends_at_a_hundredth(step, rate):
    schedule = _optimizer(warmup_epochs=1)._learning_rate
    assert float(schedule(step)) == pytest.approx(rate, abs=1e-8)


def test_a_constant_rate_stays():
    assert float(_optimizer(schedule="constant").learning_rate) == pytest.approx(0.01)


def test_a_frozen_backbone_is_trained_at_a_constant_rate():
    frozen, _ = phases(SETTINGS.model_copy(update={"frozen_epochs": 1}), 0.01, 2)
    assert float(frozen.optimizer(N_STEPS).learning_rate) == pytest.approx(0.01)


def test_the_average_of_a_short_run_reaches_over_a_tenth_of_it():
    assert _optimizer(epochs=10, ema_momentum=0.99).ema_momentum == pytest.approx(1 - 1 / 10)
    assert _optimizer(epochs=1000, ema_momentum=0.99).ema_momentum == 0.99
    assert not _optimizer(ema_momentum=0.0).use_ema


def test_adamw_takes_nothing_away_from_biases_and_scales():
    optimizer = _optimizer(weight_decay=0.1)
    assert isinstance(optimizer, keras.optimizers.AdamW)
    kernel, bias, scale = (keras.Variable([1.0], name=name) for name in ("kernel", "bias", "gamma"))
    assert [optimizer._use_weight_decay(variable) for variable in (kernel, bias, scale)] == [
        True,
        False,
        False,
    ]


def test_adam_has_no_weight_decay():
    optimizer = _optimizer(optimizer="adam")
    assert type(optimizer) is keras.optimizers.Adam
    assert optimizer.weight_decay is None
