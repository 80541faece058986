import pytest

from shopper_age.training.selection import best_epoch, has_stalled


def _history(*errors):
    return [{"epoch": i + 1, "val_mae": error} for i, error in enumerate(errors)]


def test_the_best_epoch_is_the_first_with_the_lowest_validation_mae():
    assert best_epoch(_history(9, 7, 8, 7)) == 2


def test_without_validation_the_last_epoch_is_the_best():
    assert best_epoch([{"epoch": 1, "mae": 5}, {"epoch": 2, "mae": 6}]) == 2
    assert best_epoch([]) == 0


@pytest.mark.parametrize(
    ("errors", "patience", "stalled"),
    [
        ((9, 7, 8), 2, False),
        ((9, 7, 8, 7), 2, True),
        ((9, 7, 8, 6), 2, False),
        ((9, 10, 11, 12), 0, False),
        ((), 1, False),
    ],
)
def test_a_training_has_stalled_after_as_many_epochs_as_its_patience(errors, patience, stalled):
    assert has_stalled(_history(*errors), patience) == stalled
