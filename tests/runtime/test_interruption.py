"""In processes of their own: a signal reaches the whole process."""

import signal
import subprocess
import sys

import pytest
from project import ROOT

STAGE = """
import sys, time
from shopper_age.runtime.progress import progress_bar
from shopper_age.runtime.stage import run_stage
sys.argv = ["stages/validate_data.py"]

def main():
    with progress_bar("checking", 10) as advance:
        advance(3)
        print("ready", flush=True)
        time.sleep(60)

run_stage(main)
"""

COMMAND = """
import time
from shopper_age.cli import app as module
from shopper_age.tracking import sync

def wait(*arguments):
    print("ready", flush=True)
    time.sleep(60)

sync.offline_logs = wait
module.app(["send-log"])
"""

DEMO = """
import sys
from unittest import mock
from shopper_age.demo import __main__, faces
import shopper_age.demo.__main__ as command

def first(folder, *arguments):
    print("ready", flush=True)
    import time
    time.sleep(60)

faces._save_face = first
sys.argv = ["demo", sys.argv[1], "--n", "3"]
command.usable_cores = lambda: 1
command.main()
"""


def _interrupted(code, number, *arguments):
    """What a process says on standard error, and its status, when it gets a signal after it said "ready"."""
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        # what a shell runs in its background ignores SIGINT, and so does all that it starts
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout.readline() == "ready\n", process.stderr.read()
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    return said, process.returncode


@pytest.mark.parametrize(
    ("number", "how", "status"),
    [
        (signal.SIGINT, "interrupted", 130),
        (signal.SIGTERM, "terminated", 143),
        (signal.SIGHUP, "terminated", 129),
    ],
)
def test_an_interrupted_stage_says_in_a_line_how_far_it_came_and_how_to_go_on(number, how, status):
    said, code = _interrupted(STAGE, number)
    assert said == (
        f"validate_data: {how}; checking: 3 of 10 photos done; "
        "`dvc repro` goes on with this stage, from its start\n"
    )
    assert code == status


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_command_is_a_line(number, status):
    said, code = _interrupted(COMMAND, number)
    assert said in ("shopper-age: interrupted\n", "shopper-age: terminated\n")
    assert code == status


def test_an_interrupted_demo_leaves_no_half_folder(tmp_path):
    said, code = _interrupted(DEMO, signal.SIGINT, str(tmp_path / "demo"))
    assert said == "python -m shopper_age.demo: interrupted; drawing: 0 of 3 photos done\n"
    assert code == 130
    assert not list(tmp_path.iterdir())


def test_a_terminal_that_closes_ends_no_process_that_ignores_it():
    code = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n{STAGE.replace('60', '1')}"
    assert _interrupted(code, signal.SIGHUP) == ("", 0)


def test_handlers_are_those_of_before_when_the_block_ends():
    from shopper_age.runtime.interruption import termination_raises

    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGHUP)
    with termination_raises():
        assert signal.getsignal(signal.SIGTERM) is not before[0]
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGHUP)) == before


def test_native_code_that_makes_an_exit_of_its_own_of_a_signal_hides_it_not():
    from shopper_age.runtime.interruption import Terminated, termination_raises

    def as_ray_does():
        try:
            signal.raise_signal(signal.SIGTERM)
        except Terminated:
            sys.exit(1)

    with pytest.raises(Terminated) as told, termination_raises():
        as_ray_does()
    assert told.value.code == 143
    with pytest.raises(SystemExit) as told, termination_raises():
        sys.exit(1)
    assert (type(told.value), told.value.code) == (SystemExit, 1)
