"""The project as a user has it: a checkout of its own, DVC, MLflow, drawn faces and a small network."""

import os
import random
import signal
import subprocess
import time
from io import StringIO

import pandas as pd
import pytest
from checkout import SMALL, Checkout
from s3_store import CREDENTIALS, s3_store, set_up_remote

from shopper_age.demo.faces import draw_faces
from shopper_age.runtime.files import write_csv

pytestmark = pytest.mark.pipeline


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
    project.run("dvc", "add", "data/faces")
    project.run("git", "add", "data/faces.dvc")
    project.run("git", "commit", "--quiet", "--message", "photos")
    settings = [argument for setting in SMALL for argument in ("--set-param", setting)]
    project.output = project.run("dvc", "exp", "run", "--name", "first", *settings)
    return project


def stages_run(told: str) -> set[str]:
    """The stages that DVC says it ran."""
    return {line.split("'")[1] for line in told.splitlines() if line.startswith("Running stage")}


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


def test_another_way_of_evaluating_trains_nothing_and_leaves_the_first_figures(checkout):
    before = checkout.json("reports/evaluate/metrics.json")
    told = checkout.run("dvc", "exp", "run", "--name", "two-views", "--set-param", "evaluate.tta=2")
    assert stages_run(told) == {"evaluate"}
    after = checkout.json("reports/evaluate/metrics.json")
    assert after["mae_one_view"] == pytest.approx(before["mae"], abs=1e-3)
    first, child = checkout.runs().to_dict("records")
    assert (first["tags.mlflow.runName"], first["metrics.mae"]) == ("first", before["mae"])
    assert (child["tags.mlflow.runName"], child["metrics.mae"]) == ("two-views", after["mae"])
    assert child["tags.mlflow.parentRunId"] == first["run_id"]
    assert (first["params.evaluate.tta"], child["params.evaluate.tta"]) == ("1", "2")
    assert checkout.json("reports/train/run.json")["mlflow_run_id"] == first["run_id"]


def test_a_sweep_trains_and_evaluates_and_nothing_else_and_says_what_failed(checkout):
    told = checkout.run("shopper-age", "sweep", "epochs=2,0", "--name", "swept", fails=True)
    rows = [line.split("│")[1:-1] for line in told.splitlines() if line.startswith("│")]
    (best, failed) = ([cell.strip() for cell in row] for row in rows)
    assert best[:2] == ["swept-1", "2"]
    assert all(float(figure) > 0 for figure in best[2:5])
    assert failed[:2] == ["swept-2", "0"]
    assert failed[-1] == "failed"
    assert "swept-2 failed: `dvc queue logs swept-2` shows why." in told
    assert "1 of 2 experiments failed" in told
    # As long as dvc.lock is not committed, a copy goes by what DVC remembers; of eda, whose report is kept in
    # Git, it remembers nothing.
    assert stages_run(checkout.run("dvc", "queue", "logs", "swept-1")) - {"eda"} == {"train", "evaluate"}
    assert "epochs" in checkout.run("dvc", "queue", "logs", "swept-2")
    assert "mae" in checkout.run("dvc", "metrics", "diff", "first", "swept-1")
    checkout.run("dvc", "plots", "show", "--out", "dvc_plots")
    assert (checkout.folder / "dvc_plots" / "index.html").is_file()


def test_experiments_run_anywhere_are_told_alike_by_dvc_and_mlflow(checkout):
    checkout.run("dvc", "exp", "run", "--temp", "--name", "apart", "--set-param", "epochs=3")
    shown = checkout.run("dvc", "exp", "show", "--csv")
    table = pd.read_csv(StringIO(shown), na_values="!").set_index("Experiment")
    runs = checkout.runs().set_index("tags.mlflow.runName")
    for name, n_epochs in (("first", 1), ("swept-1", 2), ("apart", 3)):
        row, run = table.loc[name], runs.loc[name]
        assert (run["status"], run["tags.dvc_experiment"]) == ("FINISHED", name)
        assert (row["epochs"], run["params.epochs"]) == (n_epochs, str(n_epochs))
        assert row["val_mae"] == run["metrics.best_val_mae"]
        assert row["mae"] == run["metrics.mae"]
        assert (row["mlflow_run"], row["mlflow_run_id"]) == (name, run["run_id"])
        assert row["git_commit"] == run["tags.git_commit"]
        assert row["data_md5"] == run["tags.data_md5"]
        assert row["tensorflow"] == run["tags.tensorflow"]


def test_a_colleague_gets_all_results_from_the_store_and_has_nothing_to_run(checkout, tmp_path):
    checkout.run("dvc", "add", "data/faces")
    with s3_store() as store:
        for command in set_up_remote(store.port):
            checkout.run(*command)
        checkout.run("git", "add", "--all")
        checkout.run("git", "commit", "--quiet", "--message", "longer training")
        checkout.environment |= CREDENTIALS
        checkout.make("push")
        colleague = checkout.clone(tmp_path / "clone")
        colleague.make("pull")
    assert "Data and pipelines are up to date." in colleague.run("dvc", "repro")
    for path in ("models/age_resnet50.keras", "reports/evaluate/predictions.csv", "data/faces/labels.csv"):
        assert (colleague.folder / path).read_bytes() == (checkout.folder / path).read_bytes()


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

    assert "resuming after epoch" in told
    assert pd.read_csv(checkout.folder / "reports/train/history.csv")["epoch"].tolist() == [1, 2, 3, 4]
    assert not list(state.glob("*/state.json"))
    runs = checkout.runs()
    run = runs.iloc[-1]
    assert run["status"] == "FINISHED"
    assert run["tags.resumed"] == "True"
    assert checkout.steps(run["run_id"], "train_mae") == [1, 2, 3, 4]
    assert runs["params.epochs"].tolist().count("4") == 1


def test_what_was_trained_before_is_taken_from_the_cache_with_the_name_of_its_run(checkout):
    n_runs = len(checkout.runs())
    told = checkout.run("dvc", "exp", "run", "--name", "back", "--set-param", "epochs=1", "train")
    assert "Stage 'train' is cached" in told
    assert checkout.json("reports/train/run.json")["mlflow_run"] == "first"
    assert len(checkout.runs()) == n_runs
