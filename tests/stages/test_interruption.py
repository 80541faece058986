"""A training that dies, and the next `dvc repro`."""

import os
import random
import signal
import subprocess
import time

import pandas as pd
import pytest

pytestmark = pytest.mark.pipeline


@pytest.fixture(scope="module")
def checkout(finished, tmp_path_factory):
    return finished.duplicate(tmp_path_factory.mktemp("interruption") / "project")


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
