import subprocess
import sys
import time

import pytest

CHILD = """
import pathlib, sys, time
from shopper_age.runtime.parent import Parent
parent, told = Parent(), pathlib.Path(sys.argv[1])
told.with_suffix(".before").write_text(str(parent.is_gone()))
for _ in range(100):
    time.sleep(0.05)
    if parent.is_gone():
        told.write_text("gone")
        break
"""
MIDDLE = "import subprocess, sys; subprocess.run(sys.argv[1], shell=True)"


@pytest.mark.parametrize("through", ["", "true; "])  # the shell is replaced by its last command, or stays
def test_a_process_notices_that_its_parent_was_killed(tmp_path, through):
    script, told = tmp_path / "child.py", tmp_path / "told.txt"
    script.write_text(CHILD)
    stays = "; true" if through else ""
    command = f"{through}{sys.executable} {script} {told}{stays}"
    middle = subprocess.Popen([sys.executable, "-c", MIDDLE, command])
    before = told.with_suffix(".before")
    for _ in range(200):
        if before.is_file() and before.read_text():
            break
        time.sleep(0.05)
    assert before.read_text() == "False"
    middle.kill()
    middle.wait()
    for _ in range(100):
        if told.is_file():
            break
        time.sleep(0.05)
    assert told.read_text() == "gone"
