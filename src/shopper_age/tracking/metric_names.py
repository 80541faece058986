"""Names and values of metrics in MLflow: DVC's flat names behind the section that MLflow shows them in.

MLflow makes a titled section of all metrics with the same text before "/", and sorts the sections by the
alphabet: the curves come first, then the speed, load and memory (MLflow's own "system"), and the test part.
"""

import math

EPOCHS, SPEED, TEST = "epochs", "speed", "test"
TEST_BY_AGE, TEST_BY_GROUP, TEST_ID_CHECK = "test_by_age", "test_by_group", "test_id_check"

# A curve has a value per epoch; these are about the machine.
_OF_SPEED = ("images_per_second", "seconds_per_epoch", "training_seconds")

_OF_CURVES = ("best_val_mae", "train_loss", "train_mae", "val_loss", "val_mae")

# The beginning of a metric's name tells what it is about; whatever begins otherwise is of the test part.
_SECTIONS = {
    "mae_age_": TEST_BY_AGE,
    "bias_age_": TEST_BY_AGE,
    "group_": TEST_BY_GROUP,
    "id_": TEST_ID_CHECK,
    **dict.fromkeys(_OF_CURVES, EPOCHS),
    **dict.fromkeys(_OF_SPEED, SPEED),
}

# What MLflow's tables cannot show anyway, and nobody measures.
_DECIMALS = 4


def mlflow_name(name: str, *, of_epoch: bool = False) -> str:
    """The name in MLflow of a metric that metrics.json or an epoch has; one with a section keeps its own.

    `mae` gives "test/mae", `group_accuracy` "test_by_group/group_accuracy", `val_mae` "epochs/val_mae".

    Args:
        of_epoch: whether it has a value per epoch; what no section is known for is then a curve.
    """
    if "/" in name:
        return name
    other = EPOCHS if of_epoch else TEST
    section = next((title for beginning, title in _SECTIONS.items() if name.startswith(beginning)), other)
    return f"{section}/{name}"


def rounded(value: float) -> float:
    """The value with four decimals, below 1 with four digits: 3.635504 gives 3.6355, 0.00123456 0.001235."""
    if not math.isfinite(value) or value == 0:
        return value
    return round(value, _DECIMALS if abs(value) >= 1 else _DECIMALS - 1 - math.floor(math.log10(abs(value))))
