import subprocess
import sys

import pytest
from project import ROOT

from shopper_age.runtime.stage import run_stage

SLOW_TO_IMPORT = {"keras", "matplotlib", "mlflow", "pandera", "PIL", "scipy", "sklearn", "tensorflow"}


def _raising(error):
    def main():
        raise error

    return main


@pytest.mark.parametrize("error", [ValueError("the rule"), FileNotFoundError("the file")])
def test_what_the_user_did_is_told_in_one_line(monkeypatch, error):
    monkeypatch.setattr(sys, "argv", ["stages/split.py"])
    with pytest.raises(SystemExit) as stopped:
        run_stage(_raising(error))
    assert stopped.value.code == f"split: {error}"


def test_a_fault_of_the_project_keeps_its_traceback():
    with pytest.raises(KeyError):
        run_stage(_raising(KeyError("x")))


def test_a_traceback_can_be_asked_for(monkeypatch):
    monkeypatch.setenv("SHOPPER_AGE_TRACEBACK", "1")
    with pytest.raises(ValueError, match="the rule"):
        run_stage(_raising(ValueError("the rule")))


@pytest.mark.parametrize(
    ("script", "used"),
    [
        ("stages/validate_data.py", {"PIL", "pandera", "scipy"}),
        ("stages/eda.py", {"PIL", "matplotlib", "scipy"}),
        ("stages/split.py", set()),
        ("src/shopper_age/cli/app.py", set()),
    ],
)
def test_what_is_slow_to_import_is_imported_only_where_it_is_used(script, used):
    code = "import runpy, sys; runpy.run_path(sys.argv[1]); print(*sys.modules)"
    command = [sys.executable, "-c", code, ROOT / script]
    imported = set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert imported & SLOW_TO_IMPORT == used
    assert ("pandas" in imported) == script.startswith("stages/")
