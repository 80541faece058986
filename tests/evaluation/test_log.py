import dataclasses
import re
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from evaluations import usual_evaluation
from project import ROOT

from shopper_age import paths
from shopper_age.evaluation import log
from shopper_age.evaluation.origin import with_hashes
from shopper_age.params import load_params

pytestmark = pytest.mark.usefixtures("project")

METRICS = {
    "mae": 5.5,
    "mae_low": 5.2,
    "mae_high": 5.8,
    "n_test": 1897,
    "baseline_mae": 11.0,
    "bias": -0.25,
    "cs5": 0.58,
    "meets_requirement": True,
    "is_useful": True,
}


class Recorder:
    """Stands in for a run and keeps what it is told."""

    name, store_id = "sunny-cat", "0123"

    def __init__(self):
        self.artifacts, self.texts = {}, {}

    def log_metrics(self, metrics):
        self.metrics = metrics

    def describe(self, text):
        self.text = text

    def log_dataset(self, name, **facts):
        self.dataset = {"name": name, **facts}

    def log_artifact(self, path, folder, *, shows_people=False):
        assert path.is_file()
        self.artifacts[f"{folder}/{path.name}"] = shows_people
        if path.suffix == ".html":
            self.texts[path.name] = path.read_text(encoding="utf-8")

    @contextmanager
    def opened(self, experiment, **facts):
        self.experiment, self.facts = experiment, facts
        yield self


@pytest.fixture
def params():
    return load_params(ROOT / "params.yaml").model_copy(update={"data_path": Path("data/mine")})


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with reports, a manifest, splits and a lock, as the working folder."""
    monkeypatch.chdir(tmp_path)
    for file in (
        "validate_data/summary.json",
        "validate_data/manifest.csv",
        "eda/contact_sheet.png",
        "eda/ages.png",
        "eda/.gitignore",
        "split/summary.json",
        "train/metrics.json",
        "evaluate/report.md",
        "evaluate/predictions.csv",
        "evaluate/worst_photos.png",
        "evaluate/activation_maps.png",
    ):
        Path("reports", file).parent.mkdir(parents=True, exist_ok=True)
        Path("reports", file).touch()
    paths.SPLITS.parent.mkdir(parents=True)
    paths.SPLITS.write_text("file_name,real_age,split\n")
    paths.DVC_LOCK.write_text("stages: {train: {deps: [{path: data/mine, md5: abc.dir}]}}")


def logged(params, monkeypatch, metrics=METRICS):
    run = Recorder()
    monkeypatch.setattr(log, "evaluation_run", run.opened)
    usual = usual_evaluation()
    log.log_evaluation(dataclasses.replace(usual, metrics={**usual.metrics, **metrics}), params)
    return run


def test_reports_and_pictures_are_logged_and_those_of_people_marked(params, monkeypatch):
    run = logged(params, monkeypatch)
    assert run.artifacts == {
        "validate_data/summary.json": False,
        "eda/ages.png": False,
        "eda/contact_sheet.png": True,
        "split/summary.json": False,
        "evaluate/activation_maps.png": True,
        "evaluate/report.html": False,
        "evaluate/worst_photos.png": True,
    }
    assert METRICS.items() <= run.metrics.items()


def test_day_commit_and_run_stand_in_the_copy_of_the_reports_that_mlflow_gets(params, monkeypatch):
    made_of = with_hashes("# Report", {"data": "abc.dir", "split": "1", "model": "2"})
    for name in ("report.md", "MODEL_CARD.md"):
        (paths.EVALUATION / name).write_text(made_of, encoding="utf-8")
    monkeypatch.setattr(log, "git_commit", lambda: "1a2b3c4")
    run = logged(params, monkeypatch)
    for name in ("report", "MODEL_CARD"):
        page = run.texts[f"{name}.html"]
        cells = re.findall(r"<td[^>]*>(.*?)</td>", page)
        assert cells[:2] == ["data", "<code>abc.dir</code>"]
        assert cells[-6:] == [
            *("day", f"{datetime.now(UTC):%Y-%m-%d}"),
            *("commit", "1a2b3c4", "MLflow run", "sunny-cat (0123)"),
        ]
        assert (paths.EVALUATION / f"{name}.md").read_text(encoding="utf-8") == made_of


def test_the_description_says_how_good_the_model_is(params, monkeypatch):
    text = logged(params, monkeypatch).text
    assert "**Test MAE 5.50 years** (95 % interval 5.20 to 5.80) on 1,897 photos" in text
    assert "Bias −0.2, within 5 years 58 %." in text
    assert "the requirement of at most 8 is met." in text
    assert re.search(r"^- \*\*Age groups:\*\* ", text, flags=re.MULTILINE)
    assert re.search(r"^- \*\*Alcohol check:\*\* ", text, flags=re.MULTILINE)
    assert "](RUN_PAGE/artifacts/evaluate/report.html)" in text
    missed = logged(params, monkeypatch, {**METRICS, "meets_requirement": False}).text
    assert "is **missed**." in missed


def test_the_description_tells_how_to_get_the_experiment_where_there_is_one(params, monkeypatch):
    monkeypatch.setenv("DVC_EXP_NAME", "sunny-cat")
    headline = logged(params, monkeypatch).text.partition("\n")[0]
    assert headline.endswith(", `dvc exp apply sunny-cat`."), "MLflow folds what comes further down"
    monkeypatch.delenv("DVC_EXP_NAME")
    assert "dvc exp apply" not in logged(params, monkeypatch).text


def test_the_run_is_that_of_the_model_and_names_settings_and_data(params, monkeypatch):
    run = logged(params, monkeypatch)
    assert run.experiment == params.tracking.experiment
    assert run.facts["model_path"] == paths.MODEL
    assert run.facts["params"]["evaluate"]["tta"] == params.evaluate.tta
    assert run.facts["tags"] == {"data_md5": "abc.dir"}
    assert run.facts["log_photos"] is params.tracking.log_photos
    assert run.dataset == {
        "name": "mine (test part)",
        "digest": "abc.dir",
        "source": Path("data/mine"),
        "n_rows": 300,
        "context": "testing",
    }


def test_another_setting_or_other_photos_are_another_evaluation(params, monkeypatch):
    def key():
        return logged(params, monkeypatch).facts["evaluation_key"]

    first = key()
    assert key() == first
    paths.SPLITS.write_text("file_name,real_age,split\na.jpg,3,test\n")
    assert key() != first
    other = key()
    evaluation = params.evaluate.model_copy(update={"max_mae": 1.0})
    params = params.model_copy(update={"evaluate": evaluation})
    assert key() != other
