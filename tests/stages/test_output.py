"""What a stage says where no terminal listens."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.pipeline


STAGES = ("validate_data", "eda", "split", "train", "evaluate")


def test_no_stage_says_anything_on_standard_error(finished, tmp_path):
    checkout = finished.duplicate(tmp_path / "project")
    quiet = {name: value for name, value in checkout.environment.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    said = {}
    for stage in STAGES:
        command = [sys.executable, f"stages/{stage}.py"]
        done = subprocess.run(
            command, cwd=checkout.folder, env=quiet, capture_output=True, text=True, check=True
        )
        said[stage] = done.stderr
        assert not set("\r\b\x1b") & set(done.stdout)
    assert said == dict.fromkeys(STAGES, "")
