from pathlib import Path

import pytest
from typer.testing import CliRunner

from shopper_age.cli.app import app
from shopper_age.experiments.comment import training_comment

ANALYSIS = """# Analysis of the trained model

## In short

- **Error:** 5.50 years on average.
- **Alcohol check:** **not good enough**.

## How good it is

Much more.
"""
REPORT = """## The workspace against main

```
│ mae │ 8.0 │ 5.5 │
```

![error_by_age](reports/evaluate/error_by_age.png)

![id_trade_off](reports/evaluate/id_trade_off.png)
"""
RUN = "https://git.example.com/shop/ages/actions/runs/7"


def _comment(outcome="success", *, report=REPORT, analysis=ANALYSIS, run_url=RUN):
    return training_comment(outcome, report=report, analysis=analysis, run_url=run_url)


def test_verdicts_come_first_and_pictures_stay_away():
    assert _comment() == (
        "## In short\n\n- **Error:** 5.50 years on average.\n- **Alcohol check:** **not good enough**.\n\n"
        "## The workspace against main\n\n```\n│ mae │ 8.0 │ 5.5 │\n```\n\n"
        f"Pictures and the whole report are among the [artifacts of the run]({RUN})."
    )


def test_verdicts_that_the_report_begins_with_are_not_told_twice():
    assert _comment(report=f"## In short\n\n- fine\n\n{REPORT}").count("## In short") == 1


def test_an_analysis_that_ends_with_the_verdicts_is_told_to_its_end():
    assert _comment(analysis="## In short\n\n- fine").startswith("## In short\n\n- fine\n\n## The workspace")


@pytest.mark.parametrize("outcome", ["failure", "cancelled"])
def test_after_a_failure_nothing_is_told_of_what_an_earlier_run_left(outcome):
    comment = _comment(outcome)
    assert comment.startswith(f"**The training did not end well ({outcome})**: [its log]({RUN}) says why.")
    assert "5.5" not in comment


def test_without_a_page_of_the_run_nothing_is_linked():
    assert "](" not in _comment(run_url="")
    assert "](" not in _comment("failure", run_url="")


@pytest.fixture
def _reports(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports" / "evaluate").mkdir(parents=True)
    (tmp_path / "reports" / "evaluate" / "report.md").write_text(ANALYSIS, encoding="utf-8")
    (tmp_path / "training-report.md").write_text(REPORT, encoding="utf-8")


@pytest.mark.usefixtures("_reports")
@pytest.mark.parametrize("outcome", ["success", "failure"])
def test_the_command_takes_outcome_and_page_from_the_environment(monkeypatch, outcome):
    monkeypatch.setenv("OUTCOME", outcome)
    monkeypatch.setenv("RUN_URL", RUN)
    assert CliRunner().invoke(app, ["comment"]).exit_code == 0
    assert Path("training-comment.md").read_text(encoding="utf-8") == _comment(outcome) + "\n"


@pytest.mark.usefixtures("_reports")
def test_a_missing_report_is_told_and_a_failed_run_needs_none():
    Path("training-report.md").unlink()
    answer = CliRunner().invoke(app, ["comment"])
    assert answer.exit_code == 1
    assert "training-report.md not found: run `dvc repro` and `make report`" in str(answer.exception)
    assert CliRunner().invoke(app, ["comment", "--outcome", "failure"]).exit_code == 0
