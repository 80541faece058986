import sys

import pytest

from shopper_age.stage import run_stage


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
