import os
import subprocess
from pathlib import Path

import pytest
import yaml
from project import ROOT
from typer.testing import CliRunner

from shopper_age.cli.app import app
from shopper_age.experiments.report import BASE, PICTURES, training_report
from shopper_age.paths import EVALUATION, shows_people


@pytest.fixture
def _in_the_project(evaluated_project, monkeypatch):
    monkeypatch.chdir(evaluated_project)


@pytest.mark.usefixtures("_in_the_project")
def test_the_report_has_comparison_changed_metrics_and_the_pictures_that_were_made():
    made = [EVALUATION / name for name in ("error_by_age.png", "worst_photos.png")]
    for picture in made:
        picture.touch()
    report = training_report("v1")
    for picture in made:
        picture.unlink()
    assert report.startswith("## The workspace against v1\n\n**Parameters that differ**\n\n| Parameter | v1 ")
    told = " ".join(report.split())
    assert "| epochs | 1 | 3 |" in told
    assert "| mean absolute error (MAE), years | 8.00 | 4.00 | -4.00 |" in told
    assert "workspace is better than v1: MAE 4.00 against 8.00 years" in told
    assert "<details><summary>All metrics that changed</summary>\n\n| Metric" in report
    assert "| mae | 8.0 | 4.001 | -3.999 |" in told
    assert report.endswith("</details>\n\n![error_by_age](reports/evaluate/error_by_age.png)")


@pytest.mark.usefixtures("_in_the_project")
def test_the_command_writes_the_report_whatever_the_width_of_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    answer = CliRunner().invoke(app, ["report", "v2"])
    written = Path("training-report.md").read_text(encoding="utf-8")
    Path("training-report.md").unlink()
    assert answer.exit_code == 0
    assert written == training_report("v2") + "\n"
    assert "meets its requirement, on its whole test part" in written


@pytest.mark.usefixtures("_in_the_project")
def test_a_revision_whose_estimates_are_not_at_hand_still_has_its_metrics(evaluated_project):
    away = (evaluated_project / ".dvc" / "cache").rename(evaluated_project / ".dvc" / "away")
    try:
        report = training_report("v1")
    finally:
        away.rename(evaluated_project / ".dvc" / "cache")
    assert "\n\n`v1` has no reports/evaluate/predictions.csv at hand" in report
    assert "| mean absolute error (MAE) | 4.00 years |" in report
    assert "| mae | 8.0 |" in " ".join(report.split())


def without_results(commit: str, index: Path) -> str:
    """A commit with the files of another but its reports."""

    def git(*command: str) -> str:
        environment = {**os.environ, "GIT_INDEX_FILE": str(index)}
        return subprocess.run(
            ["git", *command], env=environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    git("read-tree", commit)
    git("rm", "-r", "--cached", "--force", "--quiet", "reports")
    return git("commit-tree", "-m", "code alone", git("write-tree").strip()).strip()


@pytest.mark.usefixtures("_in_the_project")
@pytest.mark.parametrize("is_there", [False, True])
def test_the_first_result_is_reported_alone(is_there, tmp_path):
    """Before the first push there is no origin/main, and later it may have code without results."""
    base = without_results("v1", tmp_path / "index") if is_there else BASE
    answer = CliRunner().invoke(app, ["report", base])
    written = Path("training-report.md").read_text(encoding="utf-8")
    Path("training-report.md").unlink()
    assert answer.exit_code == 0, answer.output
    assert written.startswith("## The result of the workspace\n\nNothing to compare with: ")
    reason = f"nothing was evaluated in `{base}`" if is_there else f"there is no `{base}` here"
    assert reason in written.split("\n\n")[1]
    assert "| mean absolute error (MAE) | 4.00 years |" in written
    assert "All metrics that changed" not in written


@pytest.mark.usefixtures("_in_the_project")
def test_for_a_revision_that_there_is_not_no_report_is_written():
    answer = CliRunner().invoke(app, ["report", "--", "--no-such"])
    assert answer.exit_code == 1
    assert "`--no-such`" in answer.output + str(answer.exception)
    assert not Path("training-report.md").exists()


def test_a_report_shows_pictures_that_are_made_and_show_nobody():
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    stage = pipeline["stages"]["evaluate"]
    made = {Path(file).name for file in [*stage["plots"], *stage["outs"]] if isinstance(file, str)}
    assert set(PICTURES) <= made
    assert not [picture for picture in PICTURES if shows_people(picture)]
    assert shows_people("reports/evaluate/worst_photos.png")


def arguments_of_make_report(folder: Path, environment: dict[str, str], *behind: str) -> str:
    """What `make report` hands to the command, a line each."""
    command = folder / ".venv" / "bin" / "shopper-age"
    command.parent.mkdir(parents=True)
    command.write_text('#!/usr/bin/env bash\nprintf "%s\\n" "$@" > arguments\n')
    command.chmod(0o755)
    make = ["make", "--file", str(ROOT / "Makefile"), "--old-file", ".venv/.complete", "report", *behind]
    subprocess.run(make, cwd=folder, env=environment, check=True, capture_output=True)
    return (folder / "arguments").read_text()


@pytest.mark.parametrize(
    "base",
    [
        "main",
        "",
        "x; touch evil",
        "$(touch evil)",
        "`touch evil`",
        'x"; touch evil; "',
        "$(shell touch evil)",
    ],
)
def test_make_hands_the_revision_over_as_one_argument_and_runs_nothing_in_it(tmp_path, base):
    assert arguments_of_make_report(tmp_path, {**os.environ, "BASE": base}) == f"report\n--\n{base}\n"
    assert not (tmp_path / "evil").exists()


def test_make_compares_with_the_main_branch_unless_told_otherwise(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "BASE"}
    assert arguments_of_make_report(tmp_path, environment) == "report\n--\norigin/main\n"


@pytest.mark.parametrize(
    "base", ["$(shell touch made)", "${shell touch made}", "a$(shell touch made)b", "$$HOME"]
)
def test_make_expands_nothing_in_a_revision_behind_it(tmp_path, base):
    told = arguments_of_make_report(tmp_path / "BASE", dict(os.environ), f"BASE={base}")
    assert told == f"report\n--\n{base}\n"
    for name in ("GRID", "SETTINGS"):
        arguments_of_make_report(tmp_path / name, dict(os.environ), f"{name}={base}")
    assert list(tmp_path.rglob("made")) == []
