import dataclasses
from io import StringIO

import numpy as np
import pytest
from estimates_table import table
from rich.console import Console
from typer.testing import CliRunner

from shopper_age.cli.app import app
from shopper_age.experiments.ranking import Experiment
from shopper_age.experiments.results import Result
from shopper_age.experiments.tables import compared, ranking_table

FAST = Experiment("fast", "success", {"epochs": 5, "train.schedule": "cosine"}, 6.5, 7.0, 40.0)
SLOW = Experiment("slow", "success", {"epochs": 10, "train.schedule": "cosine"}, 5.25, 7.5, 20.0)
WAITING = Experiment("waiting", "queued", {"epochs": 20, "train.schedule": "cosine"})
BROKEN = Experiment("broken", "failed", {"epochs": 0, "train.schedule": "cosine"})


def text(table):
    console = Console(file=StringIO(), width=160)
    console.print(table)
    return console.file.getvalue()


def test_the_table_shows_settings_metrics_and_state():
    lines = text(ranking_table([BROKEN, WAITING, FAST, SLOW], ["epochs"])).splitlines()
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]
    assert rows == [
        ["slow", "10", "5.25", "7.50", "20.00", ""],
        ["fast", "5", "6.50", "7.00", "40.00", ""],
        ["waiting", "20", "–", "–", "–", "queued"],
        ["broken", "0", "–", "–", "–", "failed"],
    ]


@pytest.fixture
def run(evaluated_project, monkeypatch):
    monkeypatch.chdir(evaluated_project)
    monkeypatch.setenv("COLUMNS", "160")
    return lambda *arguments: CliRunner().invoke(app, ["compare", *arguments])


def told(answer) -> str:
    """What the user sees, spaces and line ends made one."""
    return " ".join((answer.output + str(answer.exception.code if answer.exception else "")).split())


@pytest.mark.parametrize("newer", ["HEAD", "v2", "brave-one"])
def test_revisions_and_experiments_are_compared_from_dvcs_cache(run, newer):
    answer = run("HEAD~1", newer)
    assert answer.exit_code == 0
    assert f"{newer} is better than HEAD~1: MAE 4.00 against 8.00 years on 60 common test photos" in told(
        answer
    )
    assert "│ epochs │ 1 │ 2 │" in told(answer)
    assert "evaluate.legal_age" not in answer.output  # it does not differ
    assert "meets its requirement, on its whole test part │ no │ yes │" in told(answer)
    assert "minors not asked, if asked below 25, % │ 0.0 │ 0.0 │ +0.0 │ no photo differs │ 11 │" in told(
        answer
    )


def test_the_workspace_is_compared_as_it_lies_there(run):
    answer = run("HEAD", "workspace")
    assert "│ epochs │ 2 │ 3 │" in told(answer)
    assert "workspace is worse than HEAD" in told(answer)  # by a thousandth on each and every photo
    assert "No parameter differs." in run("workspace", "workspace").output
    assert "no clear difference between workspace and workspace" in told(run("workspace", "workspace"))


def test_an_unknown_name_is_answered_with_those_that_are_known(run):
    answer = run("HEAD", "brave-two")
    assert answer.exit_code == 1
    assert "there is no `brave-two` here; name `workspace`, a commit, or one of these:" in told(answer)
    assert "experiments brave-one; branches main; tags v1, v2" in told(answer)


def test_a_result_that_is_not_at_hand_says_where_to_get_it(run, evaluated_project):
    cache = evaluated_project / ".dvc" / "cache"
    away = cache.rename(evaluated_project / ".dvc" / "away")
    try:
        answer = run("v1", "v2")
    finally:
        away.rename(cache)
    assert answer.exit_code == 1
    assert "`v1` has no reports/evaluate/predictions.csv at hand" in told(answer)
    assert "dvc fetch --all-commits" in told(answer)


def test_without_a_result_or_a_project_the_user_is_told_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "run `dvc repro`" in told(CliRunner().invoke(app, ["compare", "workspace", "workspace"]))
    assert "no DVC project" in told(CliRunner().invoke(app, ["compare", "HEAD", "workspace"]))


@pytest.mark.parametrize("width", [60, 80, 200])
def test_names_are_never_cut_and_other_photos_are_marked(width):
    name = "a-name-of-a-sweep-that-is-long-17"
    found = [
        dataclasses.replace(FAST, split="1"),
        dataclasses.replace(SLOW, split="1"),
        Experiment(name, "success", {}, 5.0, split="2"),
    ]
    stream = StringIO()
    Console(file=stream, width=width).print(ranking_table(found, ["epochs", "train.schedule"]))
    shown = stream.getvalue()
    assert name in shown
    assert "≠ other photos" in shown


def comparison_lines(name_a: str, name_b: str, *, n_minors: int, width: int) -> list[str]:
    """The comparison of two models on `n_minors` minors and 40 adults."""
    true = np.concatenate([np.full(n_minors, 16.0), np.linspace(20, 70, 40)])
    metrics, settings = {"mae": 5.0, "meets_requirement": True}, {"evaluate": {"legal_age": 18}}
    results = (
        Result(name, table(true, true + np.resize(errors, true.size)), metrics, {**settings, "loss": name})
        for name, errors in ((name_a, (20.0, -1.0)), (name_b, (1.0, -2.0, 12.0)))
    )
    console = Console(file=StringIO(), width=width)
    console.print(*compared(*results), sep="\n")
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_names_are_never_cut_in_a_comparison(width):
    names = ("sweep-1127-221334-1", "sweep-1127-221334-learning-rate-12")
    lines = comparison_lines(*names, n_minors=12, width=width)
    assert "…" not in "".join(lines)
    assert max(map(len, lines)) <= width
    starts, ends = ([n for n, line in enumerate(lines) if line[0] == corner] for corner in "┏┡")
    for start, end in zip(starts, ends, strict=True):
        columns = zip(*(line.split("┃")[1:-1] for line in lines[start + 1 : end]), strict=True)
        assert set(names) <= {"".join(part.strip() for part in column) for column in columns}


def test_no_interval_is_shown_of_a_handful_of_photos():
    (few,) = (
        line for line in comparison_lines("a", "b", n_minors=9, width=160) if "minors not asked" in line
    )
    assert "too few photos" in few
    (enough,) = (
        line for line in comparison_lines("a", "b", n_minors=10, width=160) if "minors not asked" in line
    )
    assert " to " in enough
