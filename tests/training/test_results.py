import os
import subprocess
import sys

import pytest

from shopper_age.training import results
from shopper_age.training.results import NotWantedError, results_lock


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(results, "_WAIT_SECONDS", 0.2)
    for name in ("DVC_ROOT", "DVC_STAGE"):
        monkeypatch.delenv(name, raising=False)


def test_a_second_training_is_refused_with_the_number_of_the_first(tmp_path):
    with (
        results_lock(tmp_path / "state") as first,
        pytest.raises(ValueError, match=rf"another training \(process {os.getpid()}\)"),
        results_lock(tmp_path / "state"),
    ):
        pass
    first.check()
    with results_lock(tmp_path / "state"):
        pass


def test_two_working_folders_do_not_wait_for_each_other(tmp_path):
    with results_lock(tmp_path / "one"), results_lock(tmp_path / "other"):
        pass


def test_a_killed_training_leaves_no_lock(tmp_path):
    code = (
        "import os, sys, pathlib; from shopper_age.training.results import results_lock\n"
        f"with results_lock(pathlib.Path({str(tmp_path)!r})): os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    with results_lock(tmp_path):
        pass


def test_a_training_whose_lock_was_deleted_and_taken_writes_nothing(tmp_path):
    with results_lock(tmp_path) as first:
        (tmp_path / "results.lock").unlink()
        first.check()
        with results_lock(tmp_path) as second:
            second.check()
            with pytest.raises(NotWantedError, match="writes the results of this folder by now"):
                first.check()


def test_a_training_of_dvc_stops_when_dvc_is_gone(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setattr(results.Parent, "is_gone", lambda _: True)
    with results_lock(tmp_path) as lock, pytest.raises(NotWantedError, match=r"is gone.*dvc repro"):
        lock.check()


def test_without_dvc_nobody_need_wait(tmp_path, monkeypatch):
    monkeypatch.setattr(results.Parent, "is_gone", lambda _: True)
    with results_lock(tmp_path) as lock:
        lock.check()
