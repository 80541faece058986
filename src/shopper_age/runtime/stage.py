"""Running of one stage: its log, and errors of the user in a line instead of a traceback."""

import logging
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

from shopper_age.runtime.interruption import interruption_told
from shopper_age.runtime.messages import clip

_SHORT_OF_MEMORY = (
    "the memory, of the machine or of the GPU, is too small: lower batch_size, image_size or "
    "train.cache.memory_gib in params.yaml, or close other programs"
)


def run_stage(main: Callable[[], None]) -> None:
    """Shows the package's log, calls `main` and ends the process.

    A `ValueError` or `OSError` is about the user's settings, data or disk: its message goes to standard
    error, without its middle if it is very long, and the exit status is 1; so it is with a want of memory.
    Anything else is a fault of this project and keeps its traceback.
    `SHOPPER_AGE_TRACEBACK=1` shows the traceback of every error. After `dvc exp run`, which has changed the
    settings, a second line says how to go back.

    Ctrl-C and SIGTERM end it with a line on how far it came, and with the status 130 or 143.
    """
    configure_logging()
    name = Path(sys.argv[0]).stem
    try:
        with interruption_told(name, advice="`dvc repro` goes on with this stage, from its start"):
            main()
    except Exception as error:
        message = _SHORT_OF_MEMORY if _is_short_of_memory(error) else str(error)
        is_of_the_user = message == _SHORT_OF_MEMORY or isinstance(error, ValueError | OSError)
        if os.environ.get("SHOPPER_AGE_TRACEBACK") or not is_of_the_user:
            raise
        sys.exit(f"{name}: {clip(message)}{_way_back()}")


def _way_back() -> str:
    """What undoes a failed `dvc exp run`, as a line of its own; empty elsewhere, in a copy of DVC's too.

    DVC leaves the experiment's settings in params.yaml and has taken the results of the stage away.
    """
    if "DVC_EXP_NAME" not in os.environ or Path(os.environ.get("DVC_ROOT", "")).resolve() != Path.cwd():
        return ""
    commands = "git checkout HEAD -- params.yaml reports && dvc checkout --allow-missing"
    return f"\n`{commands}` goes back to the last commit"


def _is_short_of_memory(error: Exception) -> bool:
    """Whether Python, NumPy or TensorFlow, which need not be imported for this, got no memory."""
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"


def configure_logging() -> None:
    """Shows the package's log: information as plain lines on standard output, warnings on standard error.

    Called again, it changes nothing.
    """
    logger = logging.getLogger("shopper_age")
    if not any(isinstance(handler, _Console) for handler in logger.handlers):
        logger.addHandler(_Console())
        logger.setLevel(logging.INFO)
        logger.propagate = False
        # Pillow warns of odd metadata and of large photos without a file's name; what matters is an error
        warnings.filterwarnings("ignore", module=r"PIL\.")


class _Console(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.WARNING:
            print(self.format(record), flush=True)
        else:
            print(f"{record.levelname}: {clip(self.format(record))}", file=sys.stderr, flush=True)
