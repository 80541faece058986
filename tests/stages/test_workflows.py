"""The workflows stay thin: what they run can be typed by hand, and nothing from outside becomes a command."""

import json
import re
from pathlib import Path

import pytest
import yaml
from project import ROOT

from shopper_age import paths
from shopper_age.experiments.report import PICTURES

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


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_the_hash_of_a_commit_and_name_its_version(path):
    used = re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))
    assert used
    assert not [
        action for action in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)
    ]


TRAIN = ROOT / ".github/workflows/train.yml"


def _place(what: str) -> int:
    (place,) = [
        n for n, step in enumerate(steps(TRAIN)) if step.get("run", step.get("uses", "")).startswith(what)
    ]
    return place


def test_report_and_comment_come_before_anything_that_a_store_may_refuse():
    order = ["iterative/setup-cml", "make experiment", "make report", "make comment", "cml comment create"]
    places = [
        _place(what) for what in [*order, "actions/upload-artifact", "make push", "make keep-experiment"]
    ]
    assert places == sorted(places)
    assert places[-1] < _place("make keep-commit")


def test_the_comment_is_written_whatever_happened_and_uploads_no_picture():
    for what in ("make comment", "cml comment create"):
        assert steps(TRAIN)[_place(what)]["if"] == "always()"
    assert "--publish=false" in steps(TRAIN)[_place("cml comment create")]["run"]
    assert steps(TRAIN)[_place("iterative/setup-cml")]["with"]["vega"] is False


def test_the_artifact_has_the_report_with_its_pictures_and_shows_nobody():
    files = steps(TRAIN)[_place("actions/upload-artifact")]["with"]["path"].split()
    assert {"training-report.md", "reports/evaluate/report.md"} <= set(files)
    assert {f"{paths.EVALUATION}/{name}" for name in PICTURES} <= set(files)
    assert not [file for file in files if paths.shows_people(file)]


def test_no_training_that_waits_is_cancelled_for_a_later_one():
    workflow = yaml.safe_load(TRAIN.read_text(encoding="utf-8"))
    assert workflow["concurrency"] == {"group": "gpu", "cancel-in-progress": False, "queue": "max"}


def test_what_becomes_of_the_result_is_a_choice():
    text = TRAIN.read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    choice = workflow[True]["workflow_dispatch"]["inputs"]["keep"]  # YAML reads the key `on` as true
    assert choice["options"] == ["experiment", "commit", "nothing"]
    kept = "always() && steps.train.outcome == 'success'"
    conditions = {step["run"]: step["if"] for step in steps(TRAIN) if "keep" in step.get("run", "")}
    assert steps(TRAIN)[_place("make push")]["if"] == kept
    assert steps(TRAIN)[_place("make experiment")]["id"] == "train"
    assert conditions == {
        f"make keep-{option}": f"{kept} && env.KEEP == '{option}'" for option in choice["options"][:2]
    }


def test_every_target_is_in_the_list_of_phony_ones():
    phony = re.search(r"^\.PHONY:((?:.*\\\n)*.*)", MAKEFILE, flags=re.MULTILINE)
    assert set(phony[1].replace("\\", " ").split()) - {"help"} == TARGETS - {"help"}


def test_the_hooks_before_a_commit_check_what_lint_checks():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (repository,) = config["repos"]
    assert repository["repo"] == "local"
    hooks = {hook["entry"].removesuffix(" --force-exclude") for hook in repository["hooks"]}
    lint = re.search(r"^lint:.*\n((?:\t.*\n)+)", MAKEFILE, flags=re.MULTILINE)[1]
    assert hooks == {
        f".venv/bin/{command.strip().replace(' --check', '').removesuffix(' .')}"
        for command in lint.splitlines()
    }


def test_a_container_for_development_is_set_up_by_the_makefile():
    config = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    make, target = config["postCreateCommand"].split()
    assert make == "make"
    assert target in TARGETS
    assert config["image"].startswith("python:3.11-")
