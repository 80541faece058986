"""Running one stage: an error of the user is told in a line, not in a traceback."""

import os
import sys
from collections.abc import Callable
from pathlib import Path


def run_stage(main: Callable[[], None]) -> None:
    """Calls `main` and ends the process.

    A `ValueError` or `OSError` is about the user's settings, data or disk: its message goes to standard
    error and the exit status is 1. Anything else is a fault of this project and keeps its traceback.
    `SHOPPER_AGE_TRACEBACK=1` shows the traceback of every error.
    """
    try:
        main()
    except (ValueError, OSError) as error:
        if os.environ.get("SHOPPER_AGE_TRACEBACK"):
            raise
        sys.exit(f"{Path(sys.argv[0]).stem}: {error}")
