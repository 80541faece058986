"""Training and evaluation on JAX, on a machine that has no TensorFlow."""

import os
import subprocess
import sys

import pytest
from checkout import SMALL, Checkout
from project import ROOT
from python_start import on_jax, small_network

from shopper_age.demo.faces import draw_faces

TRAIN_AS_IN_A_NOTEBOOK = """
import sys
from shopper_age import create_model, load_test, load_train, train_model

path = sys.argv[1]
train_data = load_train(path, image_size=32)
model = create_model((32, 32, 3), weights="random", loss="label_distribution")
model = train_model(model, train_data, load_test(path, image_size=32), epochs=1)
assert train_data.epoch == 1
print("trained", "val_mae" in model.history.history, "tensorflow" in sys.modules)
"""


def _run(command, environment):
    done = subprocess.run(
        command,
        env=environment,
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def environment():
    return on_jax({**os.environ, "PYTHONPATH": str(ROOT / "src")})


def test_the_four_functions_train_on_jax_without_tensorflow(faces, environment):
    said = _run([sys.executable, "-c", TRAIN_AS_IN_A_NOTEBOOK, str(faces)], small_network(environment))
    assert said.strip().endswith("trained True False")


def test_batches_keep_their_promises_on_jax(environment):
    _run([sys.executable, "-m", "pytest", "-q", "-x", "tests/data/test_batches.py"], environment)


@pytest.mark.parametrize("blocked", ["tensorflow", "tensorflow.keras"])
def test_tensorflow_really_is_out_of_reach_in_these_tests(environment, blocked):
    with pytest.raises(AssertionError, match="a test blocks it"):
        _run([sys.executable, "-c", f"import {blocked}"], environment)


@pytest.mark.pipeline
def test_the_stages_train_and_evaluate_on_jax_without_tensorflow(tmp_path):
    project = Checkout(tmp_path / "project")
    draw_faces(project.folder / "data" / "faces", n=60, seed=1)
    project.environment = small_network(on_jax(project.environment))
    settings = [argument for setting in SMALL for argument in ("--set-param", setting)]
    said = project.run("dvc", "exp", "run", *settings)
    assert "Running stage 'evaluate'" in said
    assert "Traceback" not in said
    assert project.json("reports/evaluate/metrics.json")["n_test"] == 15
    run = project.json("reports/train/run.json")
    assert run["keras"]
