import re

import numpy as np
import pandas as pd
import pytest
from answer_tables import write_answers
from answering import decision
from typer.testing import CliRunner

from shopper_age import paths
from shopper_age.cli.app import app
from shopper_age.inference.decision import DecisionError
from shopper_age.monitoring.monitor import monitor
from shopper_age.runtime.files import write_csv


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with an evaluation of the model abc, whose test photos are brighter than those of the till."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(5)
    age, half = rng.normal(40, 10, 600), rng.uniform(5, 15, 600)
    predictions = {
        "file_name": [f"{number}.jpg" for number in range(600)], "real_age": age, "predicted_age": age,
        "interval_low": age - half, "interval_high": age + half, "is_answered": True,
        "shorter_side": 200, "brightness": rng.normal(160, 20, 600), "sharpness": rng.gamma(3, 100, 600),
    }  # fmt: skip
    paths.PREDICTIONS.parent.mkdir(parents=True)
    write_csv(paths.PREDICTIONS, pd.DataFrame(predictions))
    paths.DECISION.parent.mkdir()
    decision().save(paths.DECISION)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, ["monitor", *map(str, arguments)])


def test_the_command_says_what_moved_and_writes_a_page(project):
    write_answers(project / "june.csv", 500, problems=100)
    done = run("june.csv")
    assert done.exit_code == 0
    assert "- The photos are darker: median 12" in done.output
    assert "More answers are without an estimate: 17 % instead of 0.0 %" in done.output
    assert "most of them `no_face`" in done.output
    assert "Stable: age, interval width, sharpness, shorter side." in done.output
    page = (project / "reports/monitor/report.html").read_text()
    assert len(re.findall(r'src="data:image/png;base64', page)) == 6
    assert "<strong>The photos are darker</strong>" in page
    report = (project / "reports/monitor/report.md").read_text()
    assert all(
        (project / "reports/monitor" / name).is_file() for name in re.findall(r"\]\((.*?\.png)\)", report)
    )
    assert "| brightness | moved |" in report


def test_an_earlier_table_stands_in_for_the_test_part(project):
    for name, seed in (("may.csv", 1), ("june.csv", 2)):
        write_answers(project / name, seed=seed)
    done = run("june.csv", "--reference", "may.csv", "--out", "out")
    assert "Stable: age, interval width, brightness, sharpness, shorter side, problems." in done.output
    assert "against 300 of may.csv" in (project / "out/report.md").read_text()


def test_few_answers_are_no_evidence_and_missing_columns_are_told(project):
    path = write_answers(project / "june.csv", 20)
    pd.read_csv(path).drop(columns=["brightness", "model_md5"]).to_csv(path, index=False)
    done = run("june.csv")
    assert "20 answers against 600 are too few to tell a shift from chance" in done.output
    assert "Not compared: brightness; june.csv has no such columns" in done.output
    assert "do not say which model" in done.output
    assert "moved" not in done.output


def test_pictures_of_an_earlier_run_do_not_stay(project):
    path = write_answers(project / "june.csv")
    monitor(path, project / "out")
    (project / "out/mine.png").touch()
    pd.read_csv(path).drop(columns="brightness").to_csv(path, index=False)
    monitor(path, project / "out")
    assert not (project / "out/brightness.png").exists()
    assert (project / "out/mine.png").exists()


def test_errors_are_told_and_nothing_is_written(project):
    write_answers(project / "june.csv", model="other")
    done = run("june.csv")
    assert done.exit_code == 1
    assert "of the model other, but the test part is of the model abc" in done.output.replace("\n", " ")
    paths.DECISION.unlink()
    with pytest.raises(DecisionError, match="dvc repro"):
        monitor(project / "june.csv", project / "out")
    assert not (project / "out").exists()
    assert not (project / "reports/monitor").exists()
