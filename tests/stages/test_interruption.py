"""A training that dies, and the next `dvc repro`."""

import os
import random
import re
import signal
import subprocess
import sys
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
    assert checkout.steps(run["run_id"], "epochs/train_mae") == [1, 2, 3, 4]
    assert runs["params.epochs"].tolist().count("4") == 1


def test_what_was_trained_before_is_taken_from_the_cache_with_the_name_of_its_run(checkout):
    n_runs = len(checkout.runs())
    told = checkout.run("dvc", "exp", "run", "--name", "back", "--set-param", "epochs=1", "train")
    assert "Stage 'train' is cached" in told
    assert checkout.json("reports/train/run.json")["mlflow_run"] == "first"
    assert len(checkout.runs()) == n_runs


def _heed_ctrl_c():
    """What a shell runs in its background ignores SIGINT, and so does all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _train_in_the_background(checkout, *command):
    state = checkout.folder / ".checkpoints"
    log = (checkout.folder.parent / f"{checkout.folder.name}-{time.monotonic_ns()}.txt").open("w+")
    process = subprocess.Popen(
        command,
        cwd=checkout.folder,
        env=checkout.environment,
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=_heed_ctrl_c,
    )
    while not list(state.glob("*/state.json")):
        assert process.poll() is None, log.seek(0) or log.read()
        time.sleep(0.05)
    return process, log


def _set_epochs(checkout, n):
    params = checkout.folder / "params.yaml"
    params.write_text(re.sub(r"(?m)^epochs: \d+$", f"epochs: {n}", params.read_text()))


def test_a_training_that_lost_its_dvc_stops_and_writes_nothing_over_the_next(checkout):
    checkout.run("dvc", "repro", "train")
    _set_epochs(checkout, 40)
    orphaned, log = _train_in_the_background(checkout, "dvc", "repro", "train")
    orphaned.kill()
    orphaned.wait()
    (checkout.folder / ".dvc/tmp/rwlock").unlink(missing_ok=True)
    _set_epochs(checkout, 2)
    checkout.run("dvc", "repro", "train")
    log.seek(0)
    assert "DVC, which started this training, is gone" in log.read()
    assert checkout.json("reports/train/metrics.json")["epochs_run"] == 2
    told = checkout.run("dvc", "status", "train")
    assert "up to date" in told
    assert subprocess.run(["pgrep", "-g", str(orphaned.pid)], capture_output=True).returncode == 1


def test_settings_edited_while_a_training_runs_are_not_recorded_as_what_trained_it(checkout):
    _set_epochs(checkout, 5)
    for left in (checkout.folder / ".checkpoints").glob("*/state.json"):
        left.unlink()
    training, log = _train_in_the_background(checkout, "dvc", "repro", "train")
    _set_epochs(checkout, 1)
    (checkout.folder / "reports/train/augmentation.png").unlink()  # as a refused `dvc exp run` does
    assert training.wait() != 0
    log.seek(0)
    told = log.read()
    assert "params.yaml changed while this stage ran (epochs)" in told
    assert "Traceback" not in told
    _set_epochs(checkout, 5)
    assert "resuming after epoch 5 of 5" in checkout.run("dvc", "repro", "train")


def test_a_picture_that_vanishes_ends_no_training(checkout):
    _set_epochs(checkout, 3)
    training, log = _train_in_the_background(checkout, "dvc", "repro", "train")
    (checkout.folder / "reports/train/augmentation.png").unlink()
    log.seek(0)
    assert training.wait() == 0, log.read()
    assert (checkout.folder / "reports/train/augmentation.png").is_file()


@pytest.mark.parametrize(
    ("number", "told", "status"), [(signal.SIGINT, "interrupted", 130), (signal.SIGTERM, "terminated", 143)]
)
def test_an_interrupted_training_says_so_in_a_line_and_how_to_go_on(checkout, number, told, status):
    _set_epochs(checkout, 40 + status)  # of each case its own
    state = checkout.folder / ".checkpoints"
    for left in state.glob("*/state.json"):
        left.unlink()
    command = [sys.executable, "stages/train.py"]
    process = subprocess.Popen(
        command,
        cwd=checkout.folder,
        env=checkout.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heed_ctrl_c,
    )
    while not list(state.glob("*/state.json")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(number)
    _, said = process.communicate()
    line = (
        rf"train: {told}; epoch \d+ of {40 + status} is finished and kept; `dvc repro` goes on from there\n"
    )
    assert re.fullmatch(line, said)
    assert process.returncode == status
    assert checkout.runs().iloc[-1]["status"] == "KILLED"


def test_dvc_and_its_stage_end_with_one_line_of_ours(checkout):
    _set_epochs(checkout, 50)
    for left in (checkout.folder / ".checkpoints").glob("*/state.json"):
        left.unlink()
    training, log = _train_in_the_background(checkout, "dvc", "repro", "train")
    os.killpg(training.pid, signal.SIGINT)  # as a terminal does
    assert training.wait() != 0
    log.seek(0)
    told = log.read()
    assert "Traceback" not in told
    assert len(re.findall(r"train: interrupted; epoch .* `dvc repro` goes on from there", told)) == 1
