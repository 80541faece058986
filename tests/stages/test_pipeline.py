"""The project as a user has it: a checkout of its own, DVC, MLflow, drawn faces and a small network."""

import pandas as pd
import pytest
from checkout import Checkout, stages_run
from s3_store import CREDENTIALS, s3_store, set_up_remote

pytestmark = pytest.mark.pipeline


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    return Checkout(tmp_path_factory.mktemp("empty"))


@pytest.fixture(scope="module")
def checkout(finished, tmp_path_factory):
    return finished.duplicate(tmp_path_factory.mktemp("pipeline") / "project")


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
    assert run["metrics.test/mae"] == pytest.approx(figures["mae"])
    assert run["metrics.epochs/train_mae"] > 0
    assert run["metrics.epochs/val_mae"] == pytest.approx(
        checkout.json("reports/train/metrics.json")["val_mae"], abs=1e-3
    )
    assert (run["params.epochs"], run["params.image_size"]) == ("1", "32")
    assert len(run["tags.git_commit"]) == 40
    assert run["tags.data_md5"].endswith(".dir")
    lock = (checkout.folder / "dvc.lock").read_text()
    assert run["tags.model_md5"] in lock
    logged = {path.name for path in (checkout.folder / "mlartifacts").rglob("*") if path.is_file()}
    assert {
        "history.csv",
        "report.html",
        "MODEL_CARD.html",
        "predicted_against_true.png",
        "ages.png",
    } <= logged
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
    assert (first["tags.mlflow.runName"], first["metrics.test/mae"]) == ("first", before["mae"])
    assert (child["tags.mlflow.runName"], child["metrics.test/mae"]) == ("two-views", after["mae"])
    assert child["tags.mlflow.parentRunId"] == first["run_id"]
    assert (first["params.evaluate.tta"], child["params.evaluate.tta"]) == ("1", "2")
    assert checkout.json("reports/train/run.json")["mlflow_run_id"] == first["run_id"]


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
