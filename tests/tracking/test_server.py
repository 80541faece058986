"""Runs and models on an MLflow server that people share: a SQL database and files behind HTTP."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from flaky_connection import BreakableLink, link_to
from mlflow import MlflowClient, pyfunc
from mlflow.entities import Run
from mlflow_server import wait_until_healthy
from tiny_onnx import write_exported_model

from shopper_age.experiments.promotion import promote
from shopper_age.experiments.results import Result
from shopper_age.inference.predictor import Predictor
from shopper_age.tracking import evaluation_run, sync_offline_logs, training_run

PUBLIC_NAME = "mlflow.example.com:5000"
EXPERIMENT = "ages"

pytestmark = pytest.mark.pipeline


class Server(NamedTuple):
    """A running server, the link by which it is reached, and its folder."""

    port: int
    link: BreakableLink
    folder: Path

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.link.port}"

    def runs(self) -> list[Run]:
        """The runs of the experiment, oldest first."""
        client = MlflowClient(self.uri)
        experiment = client.get_experiment_by_name(EXPERIMENT)
        return client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"])

    def status_for(self, name: str) -> int:
        """The HTTP status of the first page, asked for under a name."""
        page = urllib.request.Request(f"http://127.0.0.1:{self.port}/", headers={"Host": name})
        try:
            with urllib.request.urlopen(page, timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with link_to(port) as link, (folder / "log").open("w") as log:
        command = [
            *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
            *("--workers", "1", "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
            *("--artifacts-destination", str(folder / "artifacts")),
            *("--allowed-hosts", f"{PUBLIC_NAME},127.0.0.1:{link.port}"),
        ]
        quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
        process = subprocess.Popen(
            command, env=environment | quiet, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            wait_until_healthy(process, port, folder / "log")
            yield Server(port, link, folder)
        finally:
            with suppress(ProcessLookupError):  # it did not even start
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(autouse=True)
def root(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of a project whose one setting for MLflow is the server's address."""
    for name in list(os.environ):
        if name.startswith(("DVC_", "MLFLOW_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    server.link.mend()
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.setenv("DVC_ROOT", str(root))
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "errors.png"
    path.write_bytes(np.random.default_rng(0).bytes(2_000_000))
    return path


def test_a_training_and_its_evaluation_land_on_the_server(server: Server, root: Path, picture: Path) -> None:
    model = root / "model.keras"
    model.write_bytes(b"weights")
    with training_run(EXPERIMENT, params={"epochs": 2}, tags={"gpu": "none"}) as run:
        run.log_metrics({"val_mae": 9.0}, step=0)
        run.log_metrics({"val_mae": 8.0}, step=1)
        run.log_artifact(picture, "train")
        run.log_dataset("faces", digest="d" * 36, source="data/faces", n_rows=300, context="training")
        run.set_model(model)
    with evaluation_run(EXPERIMENT, model_path=model, evaluation_key="k1") as evaluation:
        evaluation.log_metrics({"test_mae": 7.5})

    (stored,) = server.runs()
    assert run.store_id == evaluation.store_id == stored.info.run_id
    assert stored.info.status == "FINISHED"
    assert stored.data.params == {"epochs": "2"}
    assert stored.data.tags["gpu"] == "none"
    assert (stored.data.metrics["epochs/val_mae"], stored.data.metrics["test/test_mae"]) == (8.0, 7.5)
    assert stored.inputs.dataset_inputs[0].dataset.name == "faces"
    (uploaded,) = (server.folder / "artifacts").rglob("errors.png")
    assert uploaded.read_bytes() == picture.read_bytes()
    assert [path.name for path in root.iterdir() if path.name != ".tracking"] == ["model.keras"]
    assert not list(root.glob(".tracking/spool/*/operations.jsonl"))


def test_what_a_server_misses_while_it_is_away_is_sent_when_it_is_back(
    server: Server, root: Path, picture: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = root / "model.keras"
    model.write_bytes(b"other weights")
    with training_run(EXPERIMENT, params={"epochs": 2}) as run:
        run.log_metrics({"val_mae": 9.0}, step=0)
        server.link.break_after(picture.stat().st_size // 2)
        run.log_artifact(picture, "train")
        run.log_metrics({"val_mae": 8.0}, step=1)
        run.set_model(model)
    with evaluation_run(EXPERIMENT, model_path=model, evaluation_key="k1") as evaluation:
        evaluation.log_metrics({"test_mae": 7.5})
    assert "The work goes on" in caplog.text
    assert len(list(root.glob(".tracking/spool/*/operations.jsonl"))) == 2

    server.link.mend()
    assert server.runs()[-1].info.status == "RUNNING"
    sent = sync_offline_logs()

    assert (len(sent.runs), sent.failures) == (2, [])
    stored = server.runs()[-1]
    assert stored.info.run_id == run.store_id
    assert stored.info.status == "FINISHED"
    client = MlflowClient(server.uri)
    history = client.get_metric_history(stored.info.run_id, "epochs/val_mae")
    assert [(point.step, point.value) for point in history] == [(0, 9.0), (1, 8.0)]
    assert stored.data.metrics["test/test_mae"] == 7.5
    copy = client.download_artifacts(stored.info.run_id, "train/errors.png", str(root))
    assert Path(copy).read_bytes() == picture.read_bytes()


def evaluated(error: float) -> Result:
    """An evaluation that is off by `error` years, a quarter more or less, on 40 photos."""
    age = np.linspace(5, 75, 40)
    off = error * np.resize([0.75, -0.75, 1.25, -1.25], 40)
    predictions = pd.DataFrame(
        {
            "file_name": [f"{number:03d}.jpg" for number in range(40)],
            "content_hash": [f"{number:016x}" for number in range(40)],
            "real_age": age,
            "predicted_age": age + off,
            "is_answered": True,
        }
    )
    return Result("workspace", predictions, {"mae": error, "meets_requirement": True, "is_useful": True}, {})


def test_the_champion_is_registered_compared_and_loaded_through_the_server(root: Path) -> None:
    for number, error in enumerate((6.0, 4.0)):
        path = root / "models" / f"{number}.keras"
        write_exported_model(path, side=8, content=b"%d" % number)
        with training_run(EXPERIMENT, params={}) as run:
            run.set_model(path)
        promotion = promote(evaluated(error), path, experiment=EXPERIMENT, export=lambda: None)
        assert (promotion.version, promotion.is_champion) == (str(number + 1), True)
    assert (
        "version 2 is better than version 1: MAE 4.00 against 6.00 years on 40 common" in promotion.sentence
    )

    champion = pyfunc.load_model("models:/ages@champion")
    assert champion.predict(champion.input_example)["age"].tolist() == [128]
    (answer,) = Predictor.load("models:/ages@champion").predict([np.full((8, 8, 3), 40, np.uint8)])
    assert answer.faces[0].age == 40


def test_the_server_answers_to_the_names_that_it_was_told_and_to_no_other(server: Server) -> None:
    assert server.status_for(PUBLIC_NAME) == 200
    assert server.status_for("elsewhere.example.com:5000") == 403
    assert server.status_for(f"127.0.0.1:{server.port}") == 403, "its own address is not in the list"
