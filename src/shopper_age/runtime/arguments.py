"""Checks of arguments that people type: what is wrong, with the rule and the value received."""

import math
import operator
from typing import Any


def check_whole(name: str, value: Any, *, at_least: int) -> None:
    """Returns where the value is a whole number of at least so much; NumPy's count, True does not.

    Raises:
        ValueError: it is none.
    """
    try:
        is_fine = not isinstance(value, bool) and operator.index(value) >= at_least
    except TypeError:
        is_fine = False
    if not is_fine:
        raise ValueError(f"{name} must be a whole number of at least {at_least}, received {value!r}")


def check_number(name: str, value: Any, *, above: float | None = None, at_least: float | None = None) -> None:
    """Returns where the value is a finite number within the limit.

    Raises:
        ValueError: it is none.
    """
    rule = f"above {above:g}" if above is not None else f"of at least {at_least:g}"
    try:
        number = math.nan if isinstance(value, str | bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    is_within = number > above if above is not None else at_least is None or number >= at_least
    if not (math.isfinite(number) and is_within):
        raise ValueError(f"{name} must be a number {rule}, received {value!r}")
