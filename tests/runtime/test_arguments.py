import numpy as np
import pytest

from shopper_age.runtime.arguments import check_number, check_whole


@pytest.mark.parametrize("value", [1, 7, np.int64(3), np.uint8(1)])
def test_whole_numbers_pass(value):
    check_whole("epochs", value, at_least=1)


@pytest.mark.parametrize("value", [0, -1, 1.0, 2.5, "3", None, True, np.nan, [1]])
def test_anything_else_is_told_with_the_rule(value):
    with pytest.raises(ValueError, match="epochs must be a whole number of at least 1, received"):
        check_whole("epochs", value, at_least=1)


def test_numbers_are_checked_against_their_limit():
    check_number("learning_rate", 1e-4, above=0)
    check_number("l1_weight", np.float32(0), at_least=0)
    for value in (0, -1, np.nan, np.inf, "0.1", None, True, [1.0, 2.0]):
        with pytest.raises(ValueError, match="learning_rate must be a number above 0, received"):
            check_number("learning_rate", value, above=0)
    with pytest.raises(ValueError, match="l1_weight must be a number of at least 0, received -1"):
        check_number("l1_weight", -1, at_least=0)
