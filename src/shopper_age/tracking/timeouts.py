"""Time limits for calls to the MLflow store, and readable errors."""

import textwrap
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from shopper_age.tracking.secrets import without_password

# How long one call may keep a stage waiting. A server that refuses is noticed much sooner.
TIMEOUT_S = 60.0

# How much of an error is shown. MLflow tells the cause of a failed request at the end of 400 characters.
MAX_ERROR_CHARACTERS = 600

Result = TypeVar("Result")


def with_timeout(function: Callable[..., Result], *arguments: Any) -> Result:
    """The function's result, or TimeoutError when that takes too long; it may hang until the process ends."""
    outcome: Future[Result] = Future()

    def call() -> None:
        try:
            outcome.set_result(function(*arguments))
        except BaseException as error:
            outcome.set_exception(error)

    # A thread pool would wait for its threads when Python ends, a daemon thread does not.
    threading.Thread(target=call, daemon=True).start()
    try:
        return outcome.result(timeout=TIMEOUT_S)
    except TimeoutError:
        if outcome.done():
            raise
        raise TimeoutError(f"no answer within {TIMEOUT_S:.0f} seconds") from None


def error_text(error: BaseException) -> str:
    """The error's kind and text in a line, without a secret."""
    text = textwrap.shorten(without_password(str(error)), MAX_ERROR_CHARACTERS, placeholder=" …").rstrip(".")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
