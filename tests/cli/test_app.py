import json
import logging

import pytest
from public_sets import put_photo
from typer.testing import CliRunner

from shopper_age.cli.app import app
from shopper_age.tracking import SyncReport

METRICS = {
    "n_test": 1897,
    "mae": 5.5,
    "mae_low": 5.3,
    "mae_high": 5.7,
    "bias": -0.4,
    "cs5": 0.58,
    "baseline_mae": 11.0,
    "meets_requirement": True,
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return lambda *arguments: CliRunner().invoke(app, arguments)


def test_the_result_is_a_table_of_the_last_evaluation(run, tmp_path):
    folder = tmp_path / "reports" / "evaluate"
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps(METRICS), encoding="utf-8")
    (folder / "report.md").touch()
    answer = run("result")
    assert answer.exit_code == 0
    for text in (
        "1,897",
        "5.50 years (95 % interval 5.30–5.70)",
        "11.00 years",
        "50%",
        "-0.40 years",
        "58%",
        "yes",
    ):
        assert text in answer.output
    assert "reports/evaluate/report.md" in answer.output
    assert "worst_photos" not in answer.output  # it was not made


def test_no_result_yet_says_how_to_get_one(run):
    answer = run("result")
    assert answer.exit_code == 1
    assert "dvc repro" in str(
        answer.exception.code if isinstance(answer.exception, SystemExit) else answer.output
    )


def test_nothing_waits_to_be_sent_in_a_fresh_checkout(run, monkeypatch, tmp_path):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    answer = run("send-log")
    assert answer.exit_code == 0
    assert "nothing waits" in answer.output


def test_a_warning_of_the_library_is_told_once_with_its_level(run, monkeypatch):
    def sync():
        logging.getLogger("shopper_age.tracking.sync").warning("100 % of it was not accepted")
        return SyncReport(["sunny-cat"], [])

    monkeypatch.setattr("shopper_age.tracking.sync_offline_logs", sync)
    for _ in range(2):
        answer = run("send-log")
        assert answer.stderr == "WARNING: 100 % of it was not accepted\n"
        assert answer.stdout == "sent: sunny-cat\n"


def test_an_import_tells_what_was_taken_what_was_left_out_and_what_to_do_next(run, tmp_path):
    put_photo(tmp_path / "agedb" / "0_MariaCallas_35_f.jpg", 1)
    put_photo(tmp_path / "agedb" / "1_MariaCallas_70_f.jpg", 2)
    put_photo(tmp_path / "agedb" / "cover[bold].jpg", 3)
    answer = run("import", "agedb", "agedb", "data/agedb", "--copy")
    assert answer.exit_code == 0
    for text in (
        "ages 35 to 70; 2 copied",
        "gender, person",
        "left out: its name is not NUMBER_PERSON_AGE_GENDER.jpg",
        "cover[bold].jpg",
        "data/agedb/skipped.csv lists all that was left out.",
        "set split.group_column in params.yaml to person",
        "Set data_path in params.yaml to data/agedb.",
        "`dvc add data/agedb`, then `dvc repro`",
    ):
        assert text in answer.output
    assert (tmp_path / "data" / "agedb" / "labels.csv").is_file()


def test_an_import_that_cannot_be_done_is_told_in_one_line(run, tmp_path):
    answer = run("import", "agedb", "nowhere")
    assert answer.exit_code == 1
    assert answer.output == "shopper-age: nowhere is no folder: name the folder with the unpacked set.\n"
    assert not (tmp_path / "data").exists()


def test_an_unknown_format_of_an_export_is_refused_with_those_there_are(run):
    from shopper_age.export.formats import FORMATS

    answer = run("export", "--format", "tensorrt")
    assert answer.exit_code == 2
    assert all(f"'{name}'" in answer.output for name in FORMATS)
