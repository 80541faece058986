"""A server of MLflow that is starting."""

import subprocess
import time
import urllib.request
from pathlib import Path

SECONDS_TO_START = 180


def wait_until_healthy(process: subprocess.Popen, port: int, log: Path) -> None:
    give_up_at = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < give_up_at, log.read_text()
            time.sleep(0.2)
