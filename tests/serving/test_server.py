import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
import requests
from typer.testing import CliRunner

from shopper_age.cli.app import app
from shopper_age.demo.faces import draw_face
from shopper_age.inference.predictor import Predictor
from shopper_age.serving.server import API_KEY, check_key, is_loopback, listen


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_without_a_key_only_this_machine_is_served(host):
    assert is_loopback(host)
    check_key(host, None)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "till.example.com"])
def test_other_machines_need_a_key(host):
    check_key(host, "secret")
    with pytest.raises(ValueError, match=f"set {API_KEY}"):
        check_key(host, None)


@pytest.mark.parametrize("key", ["ü", "two words", "line\nbreak"])
def test_a_key_that_no_client_could_send_is_refused(key):
    with pytest.raises(ValueError, match="printable ASCII"):
        check_key("127.0.0.1", key)


def test_a_taken_port_and_a_foreign_address_are_told():
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1 port {port}"):
            listen("127.0.0.1", port)
    with pytest.raises(OSError, match=r"cannot listen on 192\.0\.2\.1"):
        listen("192.0.2.1", 0)


def test_the_command_says_what_is_missing_and_ends(tmp_path, monkeypatch):
    monkeypatch.delenv(API_KEY, raising=False)
    for options, told in {
        (f"--model={tmp_path}", "--port=0"): "decision.json not found",
        ("--host=0.0.0.0", "--port=0"): f"set {API_KEY}",
    }.items():
        done = CliRunner().invoke(app, ["serve", *options])
        assert done.exit_code == 1
        assert told in str(done.exception)


def test_the_command_answers_as_predict_does_and_ends_when_told(till_models, tmp_path):
    path = tmp_path / "face.png"
    draw_face(30, np.random.default_rng(0)).save(path)
    command = [sys.executable, "-c", "from shopper_age.cli.app import app; app()"]
    process = subprocess.Popen(
        [*command, "serve", f"--model={till_models}", "--port=0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, API_KEY: "secret"},
    )  # fmt: skip
    try:
        address = re.search(r"http://127\.0\.0\.1:\d+", process.stderr.readline())[0]
        with path.open("rb") as file:
            done = requests.post(
                f"{address}/v1/age",
                files={"photos": file},
                headers={"Authorization": "Bearer secret"},
                timeout=60,
            )
    finally:
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=30)
    (found,) = done.json()["photos"][0]["faces"]
    (expected,) = next(Predictor.load(till_models).predict([path])).faces
    assert (found["age"], found["age_group"]) == (round(expected.age, 2), expected.age_group)
    assert found["distribution"] == pytest.approx(expected.distribution, abs=1e-5)
    (line,) = map(json.loads, output.splitlines())
    assert (line["event"], line["route"], line["status"]) == ("request", "/v1/age", 200)
    assert errors == "shopper-age: terminated\n"
    assert process.returncode == 128 + signal.SIGTERM
