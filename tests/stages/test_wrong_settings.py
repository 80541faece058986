"""A wrong setting, which is told before anything slow is imported."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("stage", ["train", "evaluate"])
def test_a_wrong_setting_is_one_line_and_needs_no_keras(stage, tmp_path):
    params = (ROOT / "params.yaml").read_text(encoding="utf-8")
    (tmp_path / "params.yaml").write_text(re.sub(r"(?m)^epochs: .*", "epochs: -3", params), encoding="utf-8")
    command = [sys.executable, "-X", "importtime", ROOT / "stages" / f"{stage}.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines() if "import time:" in line}
    told = [line for line in done.stderr.splitlines() if "import time:" not in line]
    assert done.returncode == 1
    assert len(told) == 1
    assert told[0].startswith(f"{stage}: params.yaml: 'epochs' is -3")
    assert not imported & {"keras", "tensorflow", "mlflow", "matplotlib"}
