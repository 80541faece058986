import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlflow_store import TRAIN_UNTIL_KILLED, evaluate, points, runs, train

from shopper_age.tracking import RUN_PAGE, evaluation_run, training_run
from shopper_age.tracking.mlflow_internals import EVALUATION_KEY, RUN_KEY
from shopper_age.tracking.provenance import LIBRARIES


def test_load_and_memory_of_the_machine_are_logged(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.2")
    with training_run("ages", params={}):
        time.sleep(1)
    metrics = runs(root)[0].data.metrics
    assert metrics["system/system_memory_usage_megabytes"] > 0
    assert not [name for name in metrics if "disk" in name or "network" in name], "they say nothing"


def test_a_killed_training_has_failed_and_its_continuation_logs_each_epoch_once(root: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", TRAIN_UNTIL_KILLED], capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL
    assert [run.info.status for run in runs(root)] == ["RUNNING"]

    train()
    first, _ = runs(root)
    assert first.info.status == "FAILED"
    assert first.data.tags["error"] == "its process was killed"

    with training_run("ages", params={"epochs": 3, "cache_gib": 1}, resume_id=killed.stdout.strip()) as run:
        assert runs(root)[0].info.status == "RUNNING"
        run.log_metrics({"val_mae": 8.1}, step=1)
        run.log_metrics({"val_mae": 7.0}, step=2)
    first, _ = runs(root)
    assert first.info.status == "FINISHED"
    assert points(root, first, "epochs/val_mae") == [(0, 9.0), (1, 8.0), (2, 7.0)]
    assert first.data.params == {"epochs": "3", "cache_gib": "1"}
    assert first.data.tags["resumed"] == "True"
    assert "error" not in first.data.tags


def test_a_run_that_still_goes_on_is_not_taken_for_dead(root: Path) -> None:
    with training_run("ages", params={}):
        train()
        assert [run.info.status for run in runs(root)] == ["RUNNING", "FINISHED"]


def test_a_resumed_run_belongs_to_the_experiment_that_completes_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_EXP_NAME", "killed")
    first = train()
    monkeypatch.setenv("DVC_EXP_NAME", "completed")
    train(resume_id=first.id)
    (stored,) = runs(root)
    assert stored.info.run_name == stored.data.tags["dvc_experiment"] == "completed"
    monkeypatch.delenv("DVC_EXP_NAME")
    train(resume_id=first.id)
    (stored,) = runs(root)
    assert stored.info.run_name.startswith("repro")
    assert "dvc_experiment" not in stored.data.tags, "a plain `dvc repro` makes none"


def test_a_changed_setting_of_a_resumed_run_becomes_a_tag(root: Path) -> None:
    first = train()
    with training_run("ages", params={"epochs": 9}, resume_id=first.id):
        pass
    (stored,) = runs(root)
    assert stored.data.params == {"epochs": "2"}
    assert stored.data.tags["later.epochs"] == "9"


def test_a_run_that_the_store_does_not_have_is_begun_anew_under_its_id(root: Path) -> None:
    run = train(resume_id="of-another-store")
    assert run.id == "of-another-store"
    assert [stored.data.tags[RUN_KEY] for stored in runs(root)] == ["of-another-store"]


def test_an_evaluation_lands_in_the_run_that_trained_the_model(
    root: Path, model: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.keras"
    other.write_bytes(b"other weights")
    train(model)
    train(other)
    evaluate(model, "k1", 7.5, params={"evaluate": {"tta": 2}})
    first, second = runs(root)
    assert first.data.metrics == {"epochs/val_mae": 8.0, "test/test_mae": 7.5}
    assert first.data.params["evaluate.tta"] == "2"
    assert first.data.tags[EVALUATION_KEY] == "k1"
    assert "test/test_mae" not in second.data.metrics


def test_of_two_equal_models_the_newest_run_gets_the_evaluation(root: Path, model: Path) -> None:
    train(model)
    train(model)
    evaluate(model, "k1", 7.5)
    assert ["test/test_mae" in run.data.metrics for run in runs(root)] == [False, True]


def test_the_same_evaluation_renews_its_metrics_in_its_run(root: Path, model: Path) -> None:
    train(model)
    for mae in (7.5, 7.5, 7.4):
        evaluate(model, "k1", mae)
    (stored,) = runs(root)
    assert stored.data.metrics["test/test_mae"] == 7.4
    assert points(root, stored, "test/test_mae") == [(0, 7.5), (0, 7.4)]


def test_the_page_of_a_run_shows_facts_and_no_tags_of_the_projects_own(root, model, monkeypatch):
    def shown() -> dict[str, str]:
        (stored,) = runs(root)
        return {name: value for name, value in stored.data.tags.items() if not name.startswith("mlflow.")}

    monkeypatch.setenv("DVC_STAGE", "train")
    monkeypatch.setenv("DVC_EXP_NAME", "sunny-cat")
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", "f" * 40)
    train(model)
    evaluate(model, "k1", 7.5)
    facts = {
        *LIBRARIES,
        "git_commit",
        "dvc_experiment",
        "python",
        "cpu",
        "cpu_cores",
        "memory_gib",
        "model_md5",
    }
    assert set(shown()) == facts

    monkeypatch.setenv("DVC_EXP_BASELINE_REV", "e" * 40)
    evaluate(model, "k1", 7.5)
    assert set(shown()) == {*facts, "evaluation_git_commit"}, "an evaluation from elsewhere says so"
    assert shown()["evaluation_git_commit"] == "e" * 40

    monkeypatch.setenv("DVC_EXP_BASELINE_REV", "f" * 40)
    evaluate(model, "k1", 7.5)
    assert set(shown()) == facts


def test_a_run_names_what_it_learnt_from_and_what_it_was_measured_on(root, model):
    with training_run("ages", params={}) as run:
        run.log_dataset("faces", digest="d", source="data/faces", n_rows=4, context="training")
        run.set_model(model)
    with evaluation_run("ages", model_path=model, evaluation_key="k1") as run:
        run.log_dataset("faces (test part)", digest="d", source="data/faces", n_rows=1, context="testing")
    (stored,) = runs(root)
    uses = {(used.dataset.name, used.tags[0].value) for used in stored.inputs.dataset_inputs}
    assert uses == {("faces", "training"), ("faces (test part)", "testing")}


def test_another_evaluation_of_a_model_becomes_a_child_run(root: Path, model: Path) -> None:
    train(model)
    evaluate(model, "k1", 7.5)
    evaluate(model, "k2", 7.2)
    evaluate(model, "k2", 7.1)
    evaluate(model, "k3", 7.0)
    parent, *children = runs(root)
    assert parent.data.metrics["test/test_mae"] == 7.5
    assert [child.data.metrics["test/test_mae"] for child in children] == [7.1, 7.0]
    assert {child.data.tags["mlflow.parentRunId"] for child in children} == {parent.info.run_id}
    assert {child.info.status for child in children} == {"FINISHED"}


def test_a_child_run_carries_how_its_model_was_trained_and_its_evaluation(root: Path, model: Path) -> None:
    with training_run("ages", params={"epochs": 2, "loss": "mse"}) as run:
        run.log_metrics({"best_val_mae": 8.0, "val_mae": 9.0}, step=1)
        run.set_model(model)
    evaluate(model, "k1", 7.5, params={"evaluate": {"tta": 1, "max_mae": 8}})
    evaluate(model, "k2", 7.2, params={"evaluate": {"tta": 4, "max_mae": 8}})
    _, child = runs(root)
    assert child.data.params == {"epochs": "2", "loss": "mse", "evaluate.tta": "4", "evaluate.max_mae": "8"}
    assert child.data.metrics == {"epochs/best_val_mae": 8.0, "test/test_mae": 7.2}
    assert not [tag for tag in child.data.tags if tag.startswith("later.")]


def test_a_description_links_the_page_of_its_run(root: Path) -> None:
    with training_run("ages", params={}) as run:
        run.describe(f"[report]({RUN_PAGE}/artifacts/evaluate/report.html)")
    (stored,) = runs(root)
    page = f"#/experiments/{stored.info.experiment_id}/runs/{stored.info.run_id}"
    assert stored.data.tags["mlflow.note.content"] == f"[report]({page}/artifacts/evaluate/report.html)"


def test_a_model_that_the_store_never_saw_gets_a_run_that_says_so(root: Path, model: Path) -> None:
    evaluate(model, "k1", 7.5)
    evaluate(model, "k1", 7.4)
    evaluate(model, "k2", 7.2)
    fresh, child = runs(root)
    assert fresh.data.tags["trained_elsewhere"] == "true"
    assert fresh.data.metrics["test/test_mae"] == 7.4
    assert fresh.info.status == "FINISHED"
    assert child.data.tags["mlflow.parentRunId"] == fresh.info.run_id
