"""Interruption of the process, by Ctrl-C or a signal: a line on how far it came, and the exit status."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType


class Terminated(SystemExit):
    """SIGTERM or SIGHUP asked the process to end; `code` is the exit status that says so, 143 or 129."""


# What ends a block although nothing in it went wrong.
INTERRUPTIONS = (KeyboardInterrupt, Terminated)

# `docker stop`, cluster schedulers and service managers send the first, a terminal that closes the second.
_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def termination_raises() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as an error does, so that what is open in it is closed.

    SIGHUP stays ignored where it is, as under `nohup`.
    """
    if threading.current_thread() is not threading.main_thread():  # Python takes handlers only there
        yield
        return

    received: list[int] = []

    def leave(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        raise Terminated(128 + number)

    with ExitStack() as stack:
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                stack.callback(signal.signal, number, signal.signal(number, leave))
        try:
            yield
        except SystemExit as error:
            # Ray's native code, when it is waiting, makes a SystemExit(1) of what the handler raises
            if received and not isinstance(error, Terminated):
                raise Terminated(128 + received[-1]) from error
            raise


@contextmanager
def interruption_told(name: str, *, advice: str = "") -> Iterator[None]:
    """Ends the process with a line and status 130, 143 or 129 where Ctrl-C or a signal ends the block.

    The notes of the exception (`add_note`) tell how far the work came.

    Args:
        name: of the stage or command.
        advice: how to go on, unless the notes say so.
    """
    try:
        with termination_raises():
            yield
    except INTERRUPTIONS as error:
        notes = getattr(error, "__notes__", [])
        how = "terminated" if isinstance(error, Terminated) else "interrupted"
        told = [f"{name}: {how}", *notes]
        if advice and not any("`" in note for note in notes):
            told.append(advice)
        print("\n" * sys.stderr.isatty() + "; ".join(told), file=sys.stderr, flush=True)
        sys.exit(error.code if isinstance(error, Terminated) else 128 + signal.SIGINT)
