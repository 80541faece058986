"""MLflow's pages as `make ui` shows them, and in Chromium where it is installed."""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
from browser import CHROMIUM, browser
from mlflow import MlflowClient
from mlflow_store import client, runs
from project import ROOT

from shopper_age.tracking import training_run
from shopper_age.tracking.operations import RUN_PAGE
from shopper_age.tracking.store import adopt_copied_runs
from shopper_age.tracking.ui import page_address, server_page

EXPERIMENT = "age-resnet50"
SECONDS_TO_START = 120
UI = [sys.executable, "-c", "from shopper_age.cli.app import app; app()", "ui", "--port"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(folder: Path, port: int) -> "subprocess.Popen[str]":
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return subprocess.Popen(
        [*UI, str(port)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=(folder / "stderr.txt").open("w"),
        text=True,
    )


class Pages(NamedTuple):
    """What `make ui` printed, its process, its port, how many processes it took, and the project's root."""

    address: str
    process: "subprocess.Popen[str]"
    port: int
    n_processes: int
    root: Path


@pytest.fixture(scope="module")
def pages(fresh_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """The pages of a store with one run that has metrics of every section, and a report."""
    root, port = tmp_path_factory.mktemp("ages"), free_port()
    shutil.copy(fresh_store, root)
    report = root / "report.html"
    report.write_text("<title>Report</title><h1>Every face</h1>", encoding="utf-8")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("DVC_ROOT", str(root))
        with training_run(EXPERIMENT, params={"epochs": 2}) as run:
            link = f"[Report with pictures]({RUN_PAGE}/artifacts/evaluate/report.html)"
            run.describe(f"**Test MAE 7.00 years**. {link}")
            run.log_artifact(report, "evaluate")
            for epoch in (1, 2):
                run.log_metrics({"val_mae": 9.0 - epoch, "images_per_second": 20.0}, step=epoch)
            run.log_metrics({"mae": 7.0, "mae_age_0_9": 3.0, "group_accuracy": 0.5, "id_meets": True})
        process = start(root, port)
    try:
        found = (re.search(r"the best first: (http\S+)", line) for line in process.stdout or ())
        address = next((line[1] for line in found if line), "")
        n_processes = 1 + len(psutil.Process(process.pid).children(recursive=True))
        yield Pages(address, process, port, n_processes, root)
    finally:
        children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
        psutil.wait_procs(children, timeout=10)
        assert not [child for child in children if child.is_running()], "Ctrl-C ends all of it"


@pytest.mark.pipeline
def test_the_address_is_said_when_it_answers_and_two_processes_do(pages):
    root = pages.root
    experiment = client(root).get_experiment_by_name(EXPERIMENT)
    runs_page = f"#/experiments/{experiment.experiment_id}/runs"
    view = "workflowType=machine_learning&viewStateShareKey=models"
    assert pages.address == f"http://localhost:{pages.port}/{runs_page}?{view}"
    assert pages.n_processes == 2
    assert "Warning" not in (root / "stderr.txt").read_text(encoding="utf-8")
    second = start(root, pages.port)
    assert second.wait(timeout=SECONDS_TO_START) == 1
    assert f"port {pages.port} is taken" in (root / "stderr.txt").read_text(encoding="utf-8")


@pytest.mark.pipeline
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_a_reviewer_gets_from_the_list_to_a_run_its_report_and_its_curves(pages, tmp_path):
    (run,) = runs(pages.root, EXPERIMENT)
    with browser(tmp_path / "profile") as page:

        def wait_for_text(text: str) -> None:
            page.wait_for(f"document.body.innerText.includes({json.dumps(text)})")

        def place(text: str) -> str:
            found = (
                f"[...document.querySelectorAll('a, button')].find(a => a.textContent === {json.dumps(text)})"
            )
            page.wait_for(found)
            return found

        page.open(pages.address, width=1600, height=1200)
        for column in ("epochs/best_val_mae", "test/mae", run.info.run_name):
            wait_for_text(column)
        page.evaluate(f"{place(run.info.run_name)}.click()")
        wait_for_text("Test MAE 7.00 years")
        assert "cpu_cores" in page.text("body")
        assert "run_key" not in page.text("body"), "MLflow hides tags that begin with its name"
        page.evaluate(f"location.href = {place('Report with pictures')}.href")
        page.wait_for("document.querySelector('iframe')")
        shown = page.evaluate("fetch(document.querySelector('iframe').src).then(answer => answer.text())")
        assert "Every face" in shown
        page.evaluate(
            f"{place('Model metrics')}.dispatchEvent(new MouseEvent('mousedown', {{bubbles: true}}))"
        )
        wait_for_text("test_id_check")
        sections = re.findall(r"\b(epochs|speed|test\w*)\s*\(\d+\)", page.text("body"))
        assert sections == ["epochs", "speed", "test", "test_by_age", "test_by_group", "test_id_check"]
        page.wait_for("document.querySelectorAll('.js-plotly-plot').length >= 2")
        assert page.errors == []


@pytest.mark.pipeline
@pytest.mark.parametrize("store", ["file", "sqlite"])
def test_stores_of_other_kinds_and_places_are_shown(store, root, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    address = {"file": (tmp_path / "mlruns").as_uri(), "sqlite": f"sqlite:///{tmp_path / 'other.db'}"}[store]
    MlflowClient(address).create_experiment(EXPERIMENT)
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    process = start(root, free_port())
    try:
        shown = next(line for line in process.stdout if "the best first" in line)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
    experiment = re.search(r"#/experiments/(\d+)/runs", shown)[1]
    assert (store == "sqlite") == (experiment == "1"), "a folder gives longer ids"


@pytest.mark.parametrize("address", ["nosuch://place", "postgresql://127.0.0.1:1/ages"])
def test_a_store_that_cannot_be_used_is_told_in_one_line(address, root, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    process = start(root, free_port())
    assert process.wait(timeout=SECONDS_TO_START) == 1
    told = (root / "stderr.txt").read_text(encoding="utf-8")
    assert f"shopper-age: the store at {address} cannot be used: " in told
    assert "Traceback" not in told


@pytest.mark.usefixtures("dead_server", "root")
def test_a_server_that_is_down_is_named_without_its_password_and_nothing_is_started():
    with pytest.raises(ConnectionError, match=r"the store is at http://127\S+, which cannot be used") as told:
        server_page(EXPERIMENT)
    assert "secret" not in str(told.value)


@pytest.mark.usefixtures("root")
def test_a_store_that_is_no_mlflow_server_is_named(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "databricks")
    with pytest.raises(ConnectionError, match="the store is at databricks, whose own pages show the runs"):
        server_page(EXPERIMENT)


def test_the_page_is_that_of_the_experiment_or_the_list_where_nothing_was_trained():
    page = "#/experiments/7/runs?workflowType=machine_learning&viewStateShareKey=models"
    assert page_address("http://mlflow.example.com:5000/", "7") == f"http://mlflow.example.com:5000/{page}"
    assert page_address("http://mlflow.example.com/sub", None) == (
        "http://mlflow.example.com/sub/#/experiments?workflowType=machine_learning"
    )


def test_a_copied_checkout_shows_its_own_files_before_anything_was_trained_there(root, tmp_path, monkeypatch):
    with training_run(EXPERIMENT, params={}):
        pass
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    monkeypatch.setenv("DVC_ROOT", str(copy))
    adopt_copied_runs(EXPERIMENT)
    assert runs(copy, EXPERIMENT)[0].info.artifact_uri.startswith((copy / "mlartifacts").as_uri())


def test_a_new_checkout_gets_no_empty_store(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    adopt_copied_runs(EXPERIMENT)
    assert list(tmp_path.iterdir()) == []
