"""Messages of the commands, on standard error."""

import sys
from typing import NoReturn

from shopper_age.runtime.messages import clip


def tell(message: str) -> None:
    print(f"shopper-age: {message}", file=sys.stderr, flush=True)


def stop(message: str) -> NoReturn:
    """Ends the command with exit status 1."""
    sys.exit(f"shopper-age: {clip(message)}")
