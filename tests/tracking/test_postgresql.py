"""Runs and the champion on the services of docs/sharing.md: MLflow, PostgreSQL, a store in S3's language."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow_server import wait_until_healthy
from s3_store import BUCKET, CREDENTIALS, S3Store, s3_store

from shopper_age.tracking import evaluation_run, training_run

PASSWORD = "p4ssword"

# Debian keeps the server's programs out of the search path.
PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
INITDB = shutil.which("initdb", path=os.pathsep.join([*map(str, PROGRAMS), os.environ["PATH"]]))

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.skipif(INITDB is None, reason="PostgreSQL is not installed (apt-get install postgresql)"),
]


def _free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of a database `mlflow` on a server of its own, on loopback, with a password."""
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))  # pytest's folders are closed to other users
    user = {}
    if os.getuid() == 0:  # under which PostgreSQL refuses to run
        shutil.chown(folder, "postgres", "postgres")
        user = {"user": "postgres", "group": "postgres"}
    programs, port = Path(INITDB).parent, _free_port()
    (folder / "password").write_text(PASSWORD, encoding="utf-8")
    (folder / "password").chmod(0o644)
    environment = {"PATH": os.environ["PATH"], "PGPASSWORD": PASSWORD, "LC_ALL": "C.UTF-8"}

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [programs / program, *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            env=environment,
            cwd="/",
            **user,
        )

    data = str(folder / "data")
    local = ["--host=127.0.0.1", f"--port={port}", "--username=mlflow"]
    try:
        run(
            "initdb",
            f"--pgdata={data}",
            "--username=mlflow",
            "--auth=scram-sha-256",
            f"--pwfile={folder}/password",
        )
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c fsync=off"
        run("pg_ctl", f"--pgdata={data}", f"--options={options}", f"--log={folder}/log", "--wait", "start")
        try:
            run("createdb", *local, "mlflow")
            yield f"postgresql://mlflow:{PASSWORD}@127.0.0.1:{port}/mlflow"
        finally:
            run("pg_ctl", f"--pgdata={data}", "--mode=immediate", "--wait", "stop")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def store() -> Iterator[S3Store]:
    with s3_store() as store:
        yield store


@pytest.fixture(scope="module")
def server(store: S3Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log_path, port = tmp_path_factory.mktemp("server") / "log", _free_port()
    with postgresql() as database, log_path.open("w") as log:
        command = [
            *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
            *("--workers", "2", "--artifacts-destination", f"s3://{BUCKET}/artifacts"),
            *("--allowed-hosts", f"127.0.0.1:{port}"),
        ]
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")},
            **CREDENTIALS,
            "AWS_DEFAULT_REGION": "us-east-1",
            "MLFLOW_BACKEND_STORE_URI": database,
            "MLFLOW_S3_ENDPOINT_URL": f"http://127.0.0.1:{store.port}",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            wait_until_healthy(process, port, log_path)
            yield f"http://127.0.0.1:{port}"
        finally:
            with suppress(ProcessLookupError):  # it did not even start
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(autouse=True)
def project(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose one setting for MLflow is the server's address: it has no key to database or store."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_training_and_its_evaluation_are_one_run_with_files_in_the_store(
    project: Path, server: str, store: S3Store
) -> None:
    model, picture = project / "model.keras", project / "errors.png"
    model.write_bytes(b"weights")
    picture.write_bytes(b"picture" * 100_000)
    with training_run("ages", params={"epochs": 2, "loss": "mse"}, tags={"gpu": "none"}) as run:
        for epoch in (1, 2):
            run.log_metrics({"val_mae": 10.0 - epoch}, step=epoch)
        run.log_artifact(picture, "train")
        run.log_dataset("faces", digest="d" * 36, source="data/faces", n_rows=300, context="training")
        run.describe("**Validation MAE 8.00 years** – größer als 7")
        run.set_model(model)
    with evaluation_run("ages", model_path=model, evaluation_key="k1") as evaluation:
        evaluation.log_metrics({"mae": 7.5})
    client = MlflowClient(server)
    (stored,) = client.search_runs([client.get_experiment_by_name("ages").experiment_id])
    assert stored.info.status == "FINISHED"
    assert stored.data.metrics == {"epochs/val_mae": 8.0, "test/mae": 7.5}
    assert stored.data.params["epochs"] == "2"
    assert "größer" in stored.data.tags["mlflow.note.content"]
    points = client.get_metric_history(stored.info.run_id, "epochs/val_mae")
    assert [(point.step, point.value) for point in points] == [(1, 9.0), (2, 8.0)]
    kept = {key: content for key, content in store.objects().items() if key.endswith("train/errors.png")}
    assert list(kept.values()) == [picture.read_bytes()]
    assert not list(project.glob("mlflow.db"))


def test_an_interrupted_training_was_killed_and_its_next_start_goes_on_in_the_same_run(
    server: str,
) -> None:
    def interrupted() -> None:
        with training_run("resumed", params={"epochs": 2}, resume_id="key") as run:
            run.log_metrics({"val_mae": 9.0}, step=1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    client = MlflowClient(server)
    experiment = [client.get_experiment_by_name("resumed").experiment_id]
    assert [run.info.status for run in client.search_runs(experiment)] == ["KILLED"]
    with training_run("resumed", params={"epochs": 2}, resume_id="key") as run:
        run.log_metrics({"val_mae": 9.0}, step=1)
        run.log_metrics({"val_mae": 8.0}, step=2)
    (stored,) = client.search_runs(experiment)
    assert stored.info.status == "FINISHED"
    steps = [point.step for point in client.get_metric_history(stored.info.run_id, "epochs/val_mae")]
    assert steps == [1, 2]
