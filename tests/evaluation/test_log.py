from shopper_age.evaluation.log import log_evaluation

METRICS = {
    "mae": 5.5,
    "n_test": 1897,
    "baseline_mae": 11.0,
    "bias": -0.25,
    "cs5": 0.58,
    "meets_requirement": True,
}


class Recorder:
    """Stands in for a run and keeps what it is told."""

    def __init__(self):
        self.artifacts = {}

    def log_metrics(self, metrics):
        self.metrics = metrics

    def describe(self, text):
        self.text = text

    def log_artifact(self, path, folder, *, shows_people):
        self.artifacts[f"{folder}/{path.name}"] = shows_people


def test_reports_and_pictures_are_logged_and_those_of_people_marked(tmp_path):
    for name in (
        "eda/contact_sheet.png",
        "eda/ages.png",
        "eda/.gitignore",
        "report/report.md",
        "report/predictions.csv",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    run = Recorder()
    log_evaluation(run, METRICS, tmp_path / "report", earlier={"eda": tmp_path / "eda"})
    assert run.artifacts == {
        "eda/ages.png": False,
        "eda/contact_sheet.png": True,
        "evaluate/report.md": False,
    }
    assert run.metrics == METRICS


def test_the_description_says_how_good_the_model_is(tmp_path):
    run = Recorder()
    log_evaluation(run, METRICS, tmp_path, earlier={})
    assert "**Test MAE 5.50 years** on 1,897 photos" in run.text
    assert "Bias -0.25, within 5 years 58%. It meets the requirement." in run.text
