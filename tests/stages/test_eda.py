"""Stage eda on drawn photos, as DVC calls it: a script in a folder with params.yaml."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from project import ROOT, copy_params


def run_stage_eda(folder, *options):
    return subprocess.run(
        [sys.executable, *options, ROOT / "stages" / "eda.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def project(tmp_path):
    """A project after validate_data: ten usable photos of one to ten years and a finding."""
    copy_params(tmp_path)
    photos = tmp_path / "data" / "faces" / "final_files"
    photos.mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows = []
    for age in range(1, 11):
        name = f"{age} years.jpg"
        Image.fromarray(rng.integers(0, 255, (40, 30, 3), dtype=np.uint8)).save(photos / name)
        rows.append({"file_name": name, "real_age": float(age), "width": 30, "height": 40, "mode": "RGB"})
    measured = {
        "n_bytes": 900,
        "content_hash": "0" * 16,
        "perceptual_hash": "0" * 16,
        "duplicate_group": range(10),
    }
    found = tmp_path / "reports" / "validate_data"
    found.mkdir(parents=True)
    pd.DataFrame(rows).assign(**measured).to_csv(found / "manifest.csv", index=False)
    findings = pd.DataFrame({"row": [2], "rule": ["missing_photo"], "severity": ["error"]})
    findings.to_csv(found / "findings.csv", index=False)
    return tmp_path


def test_the_stage_writes_numbers_pictures_and_words(project):
    done = run_stage_eda(project)
    assert done.returncode == 0, done.stderr
    report = project / "reports" / "eda"
    written = ["ages.csv", "ages.png", "contact_sheet.png", "image_sizes.png", "report.md", "summary.json"]
    assert sorted(path.name for path in report.iterdir()) == written
    assert json.loads((report / "summary.json").read_text())["n_photos"] == 10
    assert pd.read_csv(report / "ages.csv")["n"].tolist() == [9, 1]
    assert "| 1 | missing_photo | error |" in (report / "report.md").read_text(encoding="utf-8")


def test_the_same_input_gives_the_same_files(project):
    run_stage_eda(project)
    first = {path.name: path.read_bytes() for path in (project / "reports" / "eda").iterdir()}
    run_stage_eda(project)
    assert {path.name: path.read_bytes() for path in (project / "reports" / "eda").iterdir()} == first


def test_the_stage_starts_without_the_heavy_libraries(project):
    done = run_stage_eda(project, "-X", "importtime")
    imported = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert "pandas" in imported
    assert not imported & {"tensorflow", "keras", "mlflow", "sklearn", "matplotlib.pyplot"}


def test_a_missing_manifest_is_told_in_a_line(project):
    (project / "reports" / "validate_data" / "manifest.csv").unlink()
    done = run_stage_eda(project)
    assert done.returncode == 1
    assert "manifest.csv not found" in done.stderr
    assert "Traceback" not in done.stderr
