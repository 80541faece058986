"""The workflows stay thin: what they run can be typed by hand, and nothing from outside becomes a command."""

import re
from pathlib import Path

import pytest
import yaml
from project import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, flags=re.MULTILINE))


def steps(path: Path) -> list[dict]:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_each_command_of_a_workflow_is_a_target_of_the_makefile(path):
    commands = [step["run"] for step in steps(path) if "run" in step]
    called = {target for command in commands for target in re.findall(r"\bmake ([a-z-]+)", command)}
    assert called
    assert called <= TARGETS
    assert all("make " in command or command.startswith("cml ") for command in commands)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_command_is_put_together_from_what_people_type(path):
    assert not [step["run"] for step in steps(path) if "${{" in step.get("run", "")]


def test_every_push_is_linted_and_tested_and_runs_the_demo():
    commands = [step["run"] for step in steps(ROOT / ".github/workflows/ci.yml") if "run" in step]
    assert commands == ["make lint", "make test", "make demo"]


def test_every_target_is_in_the_list_of_phony_ones():
    phony = re.search(r"^\.PHONY:((?:.*\\\n)*.*)", MAKEFILE, flags=re.MULTILINE)
    assert set(phony[1].replace("\\", " ").split()) - {"help"} == TARGETS - {"help"}


def test_a_report_shows_pictures_that_are_made_and_show_nobody():
    shown = re.search(r"^REPORT_PLOTS = (.*)$", MAKEFILE, flags=re.MULTILINE)[1].split()
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    made = {Path(plot).stem for plot in pipeline["stages"]["evaluate"]["plots"]}
    assert set(shown) <= made - {"worst_photos", "best_photos", "activation_maps"}
