"""In processes of their own: the lines are written past Python, to the file descriptor."""

import logging
import os
import subprocess
import sys

import pytest

from shopper_age.runtime.tensorflow_log import hide_retracing_warnings

START = """
import os, sys
from shopper_age.runtime.tensorflow_log import without_startup_lines
with without_startup_lines():
    os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\\n")
    os.write(2, b"I0000 00:00:1795827427.658633   15338 port.cc:153] oneDNN custom operations are on.\\n")
    os.write(2, b"E0000 00:00:1795827430.016279   15338 cuda_platform.cc:52] failed call to cuInit\\n")
    print("UserWarning: h5py is old", file=sys.stderr)
    {last}
os.write(2, b"I0000 00:00:1795827430.016279   15338 later.cc:1] later\\n")
"""


def _stderr(last="pass", *, returncode=0, **environment):
    inherited = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-c", START.format(last=last)]
    environment = {**inherited, **environment}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == returncode
    return done.stderr.splitlines()


def test_lines_of_the_start_are_left_out_and_others_stay():
    first, second = _stderr()
    assert first == "UserWarning: h5py is old"
    assert second.endswith("later")


@pytest.mark.parametrize("level", ["0", "1"])
def test_who_asks_for_all_lines_gets_them(level):
    assert len(_stderr(TF_CPP_MIN_LOG_LEVEL=level)) == 5


def test_a_failed_import_shows_all_that_was_said():
    said = _stderr("import no_such_module", returncode=1)
    assert "oneDNN" in said[1]
    assert said[-1] == "ModuleNotFoundError: No module named 'no_such_module'"


def test_a_crash_is_told_with_its_place():
    said = _stderr("os.abort()", returncode=-6)
    assert said[0] == "Fatal Python error: Aborted"
    assert any('File "<string>", line 9 in <module>' in line for line in said)


def test_the_level_of_later_lines_is_fatal_unless_it_was_chosen():
    level = 'print(os.environ["TF_CPP_MIN_LOG_LEVEL"], file=sys.stderr)'
    assert "3" in _stderr(level)
    assert "2" in _stderr(level, TF_CPP_MIN_LOG_LEVEL="2")


def test_only_the_warning_of_models_compiled_anew_is_left_out(caplog):
    logger = logging.getLogger("tensorflow")
    try:
        for _ in range(2):
            hide_retracing_warnings()
        assert len(logger.filters) == 1
        logger.warning("5 out of the last 13 calls to <f> triggered tf.function retracing.")
        logger.warning("something else")
    finally:
        logger.filters.clear()
    assert [record.getMessage() for record in caplog.records] == ["something else"]
