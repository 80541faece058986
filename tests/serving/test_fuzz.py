"""Requests that schemathesis makes up from the server's own OpenAPI page."""

import os
import shutil
import subprocess

import pytest
from answering import Engine, decision
from running_server import running

from shopper_age.inference.predictor import Predictor

SCHEMATHESIS = shutil.which("schemathesis")

# Whether the server fails, and whether it answers with what its page says.
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.mark.skipif(SCHEMATHESIS is None, reason="schemathesis is not installed: pip install schemathesis")
@pytest.mark.parametrize("api_key", [None, "secret"])
def test_no_request_that_the_page_allows_or_forbids_makes_the_server_fail(tmp_path, api_key):
    with running(Predictor(Engine(), decision(), None), api_key=api_key) as client:
        command = [
            SCHEMATHESIS, "run", f"{client.address}/openapi.json", "--checks", CHECKS,
            "--max-examples", "100", "--generation-deterministic", "--no-color",
        ]  # fmt: skip
        if api_key:
            command += ["--header", f"Authorization: Bearer {api_key}"]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        answered = client.get("/metrics").text
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert 'route="/v1/age",status="200"' in answered
    assert 'status="5' not in answered
