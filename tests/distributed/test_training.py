"""Training on several workers: what the process that starts them does, and with Ray all of it."""

import json
import logging
import os
import pickle
import re
import subprocess
import sys
import time
from importlib.util import find_spec
from types import SimpleNamespace

import pytest
from project import ROOT
from python_start import on_jax

from shopper_age.distributed import training, training_worker
from shopper_age.params import load_params
from shopper_age.runtime.files import write_json
from shopper_age.training.divergence import DivergedError

TWO_WORKERS = load_params(ROOT / "params.yaml").train.model_copy(update={"workers": 2})


@pytest.fixture(autouse=True)
def looked_at_often(monkeypatch):
    monkeypatch.setattr(training, "_SECONDS_BETWEEN_LOOKS", 0.02)


def test_without_ray_the_file_to_install_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"^several workers need Ray .*-r requirements-scale.txt"):
        training.hardware_of_workers(TWO_WORKERS)


def test_another_backend_than_jax_is_refused(monkeypatch):
    monkeypatch.setattr(training, "import_ray", lambda: None)
    monkeypatch.setattr(training.keras.backend, "backend", lambda: "tensorflow")
    with pytest.raises(ValueError, match=r"^train.workers is 2, and Keras runs on tensorflow.*KERAS_BACKEND"):
        training.hardware_of_workers(TWO_WORKERS)


class _Workers:
    """Stand in for Ray's trainer: finish epochs in a folder, slower than they are looked at."""

    def __init__(self, folder, n_epochs, error=None):
        self._folder = folder
        self._n_epochs = n_epochs
        self._error = error

    def fit(self):
        rows = []
        for epoch in range(1, self._n_epochs + 1):
            rows.append({"epoch": epoch, "loss": 1.0 / epoch})
            write_json(self._folder / "state.json", {"history": rows})
            time.sleep(0.1)
        if self._error:
            raise self._error


def test_each_epoch_is_told_once_and_in_order(tmp_path):
    told = []
    training._follow(_Workers(tmp_path, 3), tmp_path, told.append, lambda: None)
    epochs = [row["epoch"] for row in told[-1]]
    assert epochs == [1, 2, 3]
    assert len({len(history) for history in told}) == len(told)


def test_a_training_that_is_not_wanted_any_more_ends_while_the_workers_compute(tmp_path):
    def check():
        if (tmp_path / "state.json").exists():
            raise ValueError("not wanted")

    started = time.monotonic()
    with pytest.raises(ValueError, match="not wanted"):
        training._follow(_Workers(tmp_path, 30), tmp_path, lambda _: None, check)
    assert time.monotonic() - started < 5


def test_an_error_about_data_or_settings_reaches_the_user_as_the_worker_raised_it(tmp_path):
    (tmp_path / training_worker.ERROR_FILE).write_bytes(
        pickle.dumps(DivergedError("in step 3 the loss is nan"))
    )
    with pytest.raises(DivergedError, match="in step 3 the loss is nan"):
        training._follow(_Workers(tmp_path, 30), tmp_path, lambda _: None, lambda: None)


def test_workers_that_die_again_and_again_are_told_with_what_is_kept(tmp_path):
    workers = _Workers(tmp_path, 2, error=RuntimeError("the node died"))
    with pytest.raises(
        training.WorkersFailedError, match=r"the node died. The last finished epoch, 2, is kept"
    ):
        training._follow(workers, tmp_path, lambda _: None, lambda: None)


def test_the_lines_of_the_first_worker_are_shown_once_as_they_arrive(tmp_path, caplog):
    path, caplog_lines = tmp_path / "workers.log", []
    handler = training_worker.LogFile(path)
    n_read = training._repeat_log(tmp_path / "missing", 0)
    with caplog.at_level("INFO"):
        for level, text in (("INFO", "epoch 1"), ("WARNING", "two\nlines – ü")):
            record = logging.LogRecord("x", getattr(logging, level), "", 0, "%s", (text,), None)
            handler.emit(record)
            n_read = training._repeat_log(path, n_read)
            caplog_lines = [(record.levelname, record.getMessage()) for record in caplog.records]
        with path.open("a") as file:
            file.write('[20, "half a li')
        assert training._repeat_log(path, n_read) == n_read
    assert caplog_lines == [("INFO", "epoch 1"), ("WARNING", "two\nlines – ü")]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (FileNotFoundError("1 of 30 photos are not in data/faces"), FileNotFoundError),
        (DivergedError("the training diverged in epoch 1"), DivergedError),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes"), MemoryError),
        (ValueError("UNKNOWN: Gloo AllGather failed: Connection closed by peer [10.0.0.2]:26004"), None),
        (RuntimeError("UNAVAILABLE: the coordination service has gone"), None),
    ],
)
def test_an_error_is_left_for_the_user_unless_the_death_of_another_worker_may_be_its_cause(
    tmp_path, error, told
):
    training_worker._record(error, tmp_path)
    if told is None:
        assert not list(tmp_path.iterdir())
        return
    with pytest.raises(told, match=re.escape(str(error))):
        training._follow(_Workers(tmp_path, 1), tmp_path, lambda _: None, lambda: None)


def test_an_error_that_cannot_be_sent_is_told_in_words(tmp_path):
    class LocalError(Exception):
        pass

    training_worker._record(LocalError("here"), tmp_path)
    with pytest.raises(RuntimeError, match="LocalError: here"):
        training._follow(_Workers(tmp_path, 1), tmp_path, lambda _: None, lambda: None)


def test_a_worker_that_would_train_alone_stops():
    training_worker._check_connected(2, 2)
    with pytest.raises(RuntimeError, match="JAX knows of 1 processes, Ray of 2 workers"):
        training_worker._check_connected(1, 2)


def test_the_first_worker_writes_the_checkpoint_and_the_others_write_copies(tmp_path):
    (tmp_path / "state.json").write_text("{}")
    with training_worker._checkpoint_of(0, tmp_path) as own:
        assert own == tmp_path
    with training_worker._checkpoint_of(1, tmp_path) as own:
        assert own != tmp_path
        assert (own / "state.json").read_text() == "{}"
        (own / "state.json").write_text("changed")
    assert (tmp_path / "state.json").read_text() == "{}"
    assert not own.exists()


@pytest.mark.parametrize(
    ("n_gpus", "devices", "expected"),
    [(0, "auto", 0), (0, 2, 0), (5, "auto", 2), (16, "auto", 8), (16, 4, 4)],
)
def test_the_gpus_of_a_cluster_are_shared_by_the_workers(monkeypatch, n_gpus, devices, expected):
    _cluster(monkeypatch, n_gpus)
    settings = TWO_WORKERS.model_copy(update={"devices": devices})
    assert training._gpus_per_worker(settings) == expected


def test_more_workers_than_gpus_are_refused(monkeypatch):
    _cluster(monkeypatch, 1)
    with pytest.raises(ValueError, match=r"train.workers is 2, but the cluster has 1 GPU"):
        training._gpus_per_worker(TWO_WORKERS)


def _cluster(monkeypatch, n_gpus):
    resources = {"CPU": 8.0, **({"GPU": float(n_gpus)} if n_gpus else {})}
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(cluster_resources=lambda: resources))


TRAIN = """
import json
import sys
from pathlib import Path

import numpy as np
import scaling

faces, folder = map(Path, sys.argv[1:])
one = scaling.train(scaling.settings(faces, epochs=3, n_workers=1), folder / "one")
two = scaling.train(
    scaling.settings(faces, epochs=3, n_workers=2),
    folder / "two",
    after_epoch=lambda n: scaling.kill_a_worker() if n == 1 else None,
)
photos = np.zeros((1, 32, 32, 3), "uint8")
ages = [training.model.predict(photos, verbose=0)["age"].item() for training in (one, two)]
print(json.dumps({
    "difference": two.difference(one),
    "told": [[row["epoch"] for row in history] for history in two.told],
    "ages": ages,
}))
"""


@pytest.mark.pipeline
@pytest.mark.skipif(find_spec("ray") is None, reason="no Ray: requirements-scale.txt installs it")
def test_two_workers_learn_what_one_process_does_though_one_is_killed(faces, tmp_path):
    places = [
        str(ROOT / "src"),
        str(ROOT / "benchmarks"),
        *os.environ.get("PYTHONPATH", "").split(os.pathsep),
    ]
    environment = on_jax({**os.environ, "PYTHONPATH": os.pathsep.join(places)})
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, str(faces), str(tmp_path)],
        env=environment,
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["difference"] < 0.01
    assert found["told"][-1] == [1, 2, 3]
    assert found["ages"][1] == pytest.approx(found["ages"][0], abs=0.5)
