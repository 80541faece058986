import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shopper_age.tracking.provenance import (
    git_commit,
    is_dead_process,
    process_id,
    provenance,
    run_name,
    user_name,
    with_origin,
)

pytestmark = pytest.mark.usefixtures("outside_of_dvc_and_git")


def test_a_run_is_named_after_its_experiment_else_its_commit(
    git_checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (branch,) = (git_checkout / ".git" / "refs" / "heads").iterdir()
    commit = branch.read_text().strip()
    assert git_commit() == commit
    assert run_name() == f"repro-{commit[:7]}"
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", "f" * 40)
    assert git_commit() == "f" * 40
    monkeypatch.setenv("DVC_EXP_NAME", "sunny-cat")
    assert run_name() == "sunny-cat"


def test_without_git_a_run_has_a_name_and_no_commit() -> None:
    assert run_name() == "repro"
    assert "git_commit" not in provenance()


def test_a_project_without_a_git_program_is_none_the_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert git_commit() is None


def test_hardware_and_versions_are_told() -> None:
    facts = provenance()
    assert facts["python"] == ".".join(map(str, sys.version_info[:3]))
    assert facts["keras"].startswith("3.")
    assert 1 <= int(facts["cpu_cores"]) <= (os.cpu_count() or 1)
    assert float(facts["memory_gib"]) > 0.1
    assert facts["cpu"]


def test_a_process_is_dead_when_it_has_ended_or_its_id_went_to_another() -> None:
    me = process_id()
    node, _, start = me.rsplit(" ", 2)
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    assert not is_dead_process(me)
    assert is_dead_process(f"{node} {ended.pid} {start}")
    assert is_dead_process(f"{node} {os.getpid()} {float(start) - 3600:.0f}")


@pytest.mark.parametrize("elsewhere", ["another-host 1 0", "", "nonsense"])
def test_nothing_is_said_about_a_process_elsewhere(elsewhere: str) -> None:
    assert not is_dead_process(elsewhere)


def test_a_user_without_a_name_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "shopper_age.tracking.provenance.getuser", lambda: (_ for _ in ()).throw(KeyError("uid 1234"))
    )
    assert user_name() == "unknown"


def test_a_report_ends_with_the_day_and_what_else_is_known():
    text = with_origin("| model | `2` |\n\n", {"commit": None, "MLflow run": "a|b (1)"})
    assert text.splitlines() == [
        "| model | `2` |",
        f"| day | {datetime.now(UTC):%Y-%m-%d} |",
        "| commit | not known |",
        "| MLflow run | a\\|b (1) |",
    ]
