"""The project as a user has it: a checkout of its own, DVC, MLflow, drawn faces and a small network."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from settings import copy_params

from shopper_age.demo import draw_faces
from shopper_age.files import write_csv

ROOT = Path(__file__).parents[1]
CHECKED_OUT = (
    ".dvc",
    "data",
    "models",
    "stages",
    "src",
    ".dvcignore",
    ".gitignore",
    "dvc.yaml",
)
SMALL = (
    "image_size=32",
    "weights=random",
    "epochs=1",
    "split.validation_share=0.2",
    "loss=label_distribution",
)

pytestmark = pytest.mark.pipeline


class Checkout:
    """A fresh copy of the project under Git and DVC."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in CHECKED_OUT:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
            ignored = shutil.ignore_patterns(
                "__pycache__", "faces", "demo", "tmp", "cache", "*.egg-info", "*.keras"
            )
            copy(ROOT / name, folder / name, **({"ignore": ignored} if copy is shutil.copytree else {}))
        copy_params(folder)
        self.environment = {
            **{
                key: value
                for key, value in os.environ.items()
                if not key.startswith(("DVC_", "MLFLOW_", "GIT_"))
            },
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(folder / "src"),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            **{
                f"GIT_{who}_{what}": "tester@localhost"
                for who in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            },
        }
        self.run("git", "init", "--quiet")
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", "a fresh clone")

    def run(self, *command: str, fails: bool = False) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert (done.returncode != 0) == fails, done.stdout
        return done.stdout

    def json(self, path: str) -> dict:
        return json.loads((self.folder / path).read_text(encoding="utf-8"))

    def runs(self) -> pd.DataFrame:
        """The MLflow runs of the checkout, the oldest first."""
        code = (
            "import mlflow; mlflow.set_tracking_uri('sqlite:///mlflow.db'); "
            "runs = mlflow.search_runs(experiment_names=['age-resnet50'], order_by=['start_time ASC']); "
            "print(runs.to_json(orient='records'))"
        )
        answer = self.run(sys.executable, "-W", "ignore", "-c", code)
        return pd.DataFrame(json.loads(answer.strip().splitlines()[-1]))


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    return Checkout(tmp_path_factory.mktemp("empty"))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A checkout in which the pipeline has run once, as a DVC experiment."""
    project = Checkout(tmp_path_factory.mktemp("project"))
    faces = project.folder / "data" / "faces"
    labels = draw_faces(faces, n=60, seed=1)
    (faces / "final_files" / "broken.jpg").write_bytes(b"no picture")
    write_csv(
        faces / "labels.csv", pd.concat([labels, pd.DataFrame([{"file_name": "broken.jpg", "real_age": 30}])])
    )
    settings = [argument for setting in SMALL for argument in ("--set-param", setting)]
    project.output = project.run("dvc", "exp", "run", "--name", "first", *settings)
    return project


def test_without_data_the_user_is_told_what_is_missing_and_how_to_start(empty):
    assert "data/faces" in empty.run("dvc", "repro", fails=True)
    (empty.folder / "data" / "faces").mkdir()  # the Makefile makes it
    told = empty.run("dvc", "repro", fails=True)
    assert "data/faces/labels.csv not found. Put your photos into data/faces/final_files" in told
    assert "make demo" in told
    assert "Traceback" not in told


def test_five_stages_lead_from_photos_to_a_versioned_model_with_its_error(checkout):
    folder = checkout.folder
    for stage in ("validate_data", "eda", "split", "train", "evaluate"):
        assert f"Running stage '{stage}'" in checkout.output
    assert checkout.json("reports/validate_data/summary.json")["n_bad"] == 1
    assert "broken.jpg" in (folder / "reports/validate_data/findings.csv").read_text()
    splits = pd.read_csv(folder / "data/splits/splits.csv")
    assert splits["split"].value_counts().to_dict() == {"train": 36, "test": 15, "validation": 9}
    figures = checkout.json("reports/evaluate/metrics.json")
    predictions = pd.read_csv(folder / "reports/evaluate/predictions.csv")
    assert figures["n_test"] == len(predictions) == 15
    assert figures["mae"] == pytest.approx(
        (predictions["predicted_age"] - predictions["real_age"]).abs().mean(), abs=1e-3
    )
    assert "Traceback" not in checkout.output


def test_mlflow_has_one_run_with_everything_about_the_model(checkout):
    (run,) = checkout.runs().to_dict("records")
    figures = checkout.json("reports/evaluate/metrics.json")
    assert run["status"] == "FINISHED"
    assert run["tags.mlflow.runName"] == run["tags.dvc_experiment"] == "first"
    assert run["metrics.mae"] == pytest.approx(figures["mae"])
    assert run["metrics.train_mae"] > 0
    assert run["metrics.val_mae"] == pytest.approx(
        checkout.json("reports/train/metrics.json")["val_mae"], abs=1e-3
    )
    assert (run["params.epochs"], run["params.image_size"]) == ("1", "32")
    assert len(run["tags.git_commit"]) == 40
    assert run["tags.data_md5"].endswith(".dir")
    lock = (checkout.folder / "dvc.lock").read_text()
    assert run["tags.model_md5"] in lock
    logged = {path.name for path in (checkout.folder / "mlartifacts").rglob("*") if path.is_file()}
    assert {"history.csv", "report.md", "predicted_against_true.png", "ages.png"} <= logged
    assert not logged & {"worst_photos.png", "contact_sheet.png", "augmentation.png", "age_resnet50.keras"}


def test_a_second_run_has_nothing_to_do(checkout):
    assert "Data and pipelines are up to date." in checkout.run("dvc", "repro")


def test_git_gets_no_photo(checkout):
    checkout.run("git", "add", "--all")
    staged = checkout.run("git", "diff", "--cached", "--name-only").split()
    assert "dvc.lock" in staged
    assert not [path for path in staged if path.endswith((".jpg", ".png", ".keras", ".db"))]


def test_more_epochs_retrain_and_evaluate_and_nothing_else(checkout):
    checkout.run("git", "commit", "--quiet", "--message", "first result")
    told = checkout.run("dvc", "exp", "run", "--name", "longer", "--set-param", "epochs=2")
    assert {line.split("'")[1] for line in told.splitlines() if line.startswith("Running stage")} == {
        "train",
        "evaluate",
    }
    assert len(pd.read_csv(checkout.folder / "reports/train/history.csv")) == 2
    table = checkout.run("dvc", "exp", "show", "--csv")
    assert "longer" in table
    assert "mae" in table.splitlines()[0].split(",")
    assert "mae" in checkout.run("dvc", "metrics", "diff")
    checkout.run("dvc", "plots", "show", "--out", "dvc_plots")
    assert (checkout.folder / "dvc_plots" / "index.html").is_file()
    runs = checkout.runs()
    assert runs["tags.mlflow.runName"].tolist() == ["first", "longer"]
    assert set(runs["status"]) == {"FINISHED"}


def test_a_training_killed_at_a_random_moment_is_resumed_by_the_next_repro(checkout):
    state = checkout.folder / ".checkpoints"
    command = ["dvc", "exp", "run", "--name", "killed", "--set-param", "epochs=4"]
    process = subprocess.Popen(
        command,
        cwd=checkout.folder,
        env=checkout.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not list(state.glob("*/state.json")):
        assert process.poll() is None, "the training ended before it could be killed"
        time.sleep(0.05)
    time.sleep(random.uniform(0, 1))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (checkout.folder / "models/age_resnet50.keras").exists()

    told = checkout.run("dvc", "repro", "train")

    assert "going on after epoch" in told
    assert pd.read_csv(checkout.folder / "reports/train/history.csv")["epoch"].tolist() == [1, 2, 3, 4]
    assert not list(state.glob("*/state.json"))
    run = checkout.runs().iloc[-1]
    assert run["status"] == "FINISHED"
    assert run["tags.resumed"] == "True"
    assert len(checkout.runs()) == 3
