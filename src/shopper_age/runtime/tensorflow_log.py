"""Log lines of TensorFlow: silent at its start and below fatal, unless the user asks for more."""

import faulthandler
import functools
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"

# Lines of TensorFlow's C++ code below fatal (oneDNN is used, no GPU was found), and what comes with them.
_STARTUP_LINE = re.compile(
    rb"[IWE]\d{4} \d\d:\d\d:|WARNING: All log messages before absl::|To enable the following instructions:"
)


@contextmanager
def without_startup_lines() -> Iterator[None]:
    """A block in which TensorFlow is imported and leaves no lines about itself on standard error.

    `TF_CPP_MIN_LOG_LEVEL` becomes 3, fatal errors alone, where it is not set: what else goes wrong raises an
    exception. TensorFlow 2.21 heeds it only after it has logged some lines, which are taken out of standard
    error here. All lines stay with a level of 0 or 1, and when the block raises an error.
    """
    if os.environ.setdefault(_LEVEL, "3") in ("0", "1") or sys.stderr is None:
        yield
        return
    sys.stderr.flush()
    stderr = os.dup(2)
    has_fault_handler = faulthandler.is_enabled()
    is_failed = True
    with tempfile.TemporaryFile() as held_back:
        os.dup2(held_back.fileno(), 2)
        if not has_fault_handler:
            faulthandler.enable(stderr)  # a crash takes the lines with it, but tells where it happened
        try:
            yield
            is_failed = False
        except (KeyboardInterrupt, SystemExit):
            is_failed = False
            raise
        finally:
            if not has_fault_handler:
                faulthandler.disable()
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            held_back.seek(0)
            os.write(2, b"".join(line for line in held_back if is_failed or not _STARTUP_LINE.match(line)))


def quieten_tensorflow() -> None:
    """From now on TensorFlow is imported within `without_startup_lines`, whoever imports it.

    Called again, it changes nothing.
    """
    if not any(isinstance(finder, _QuietFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _QuietFinder())


class _QuietFinder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname == "tensorflow" else None
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            @functools.wraps(run)
            def exec_module(module: ModuleType) -> None:
                with without_startup_lines():
                    run(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def hide_retracing_warnings() -> None:
    """From here on this process leaves out TensorFlow's warning that models are compiled one after the other.

    It takes them for one model that is compiled anew each time.
    """
    logging.getLogger("tensorflow").addFilter(_is_no_retracing_warning)  # which adds a filter once


def _is_no_retracing_warning(record: logging.LogRecord) -> bool:
    return "triggered tf.function retracing" not in record.getMessage()
