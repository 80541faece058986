import contextlib
import io
import os
import subprocess
import sys

import pytest

from shopper_age.runtime.progress import progress_bar, with_progress


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("stderr", [io.StringIO, _Terminal])
def test_a_bar_is_for_terminals_alone_and_leaves_nothing_behind(monkeypatch, stderr):
    said = stderr()
    monkeypatch.setattr(sys, "stderr", said)
    with progress_bar("checking", 4) as advance:
        advance(1)
        advance(3)
    assert ("checking:   0%" in said.getvalue()) == said.isatty()
    assert said.getvalue().split("\r")[-1].strip() == ""


def test_a_terminal_without_a_size_has_bars_too():
    master, terminal = os.openpty()  # its size is 0 x 0
    code = "from shopper_age.runtime.progress import with_progress; list(with_progress('ab', 'sending', 2))"
    with subprocess.Popen([sys.executable, "-c", code], stderr=terminal) as process:
        os.close(terminal)
        said = b""
        with contextlib.suppress(OSError):  # what Linux raises at the end of a terminal
            while part := os.read(master, 4096):
                said += part
    os.close(master)
    assert process.returncode == 0
    assert b"sending:   0%" in said


def test_items_pass_unchanged(capsys):
    assert list(with_progress(iter("abc"), "sending", None, "entries")) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("n", "told"), [(4_000, "1,500 of 4,000 photos"), (None, "1,500 photos")])
def test_an_interruption_is_told_how_far_the_work_came(n, told):
    def work():
        with progress_bar("checking", n) as advance:
            advance(1_500)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        work()
    assert caught.value.__notes__ == [f"checking: {told} done"]


def test_an_error_is_left_as_it_is():
    with pytest.raises(ValueError, match="x") as caught, progress_bar("checking", 2):
        raise ValueError("x")
    assert not hasattr(caught.value, "__notes__")
