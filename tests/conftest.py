"""Fixtures that tests of several rooms share, and the order of the tests."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from checkout import FinishedCheckout
from filelock import FileLock
from hypothesis import settings
from PIL import Image

TESTS = Path(__file__).parent

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Tests that make up their own cases make up the same ones every time, however busy the machine is.
settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.load_profile("same")


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in the seed format: 40 JPEG photos of 48 × 48 pixels, brighter with age."""
    folder = tmp_path_factory.mktemp("faces")
    (folder / "final_files").mkdir()
    rng = np.random.default_rng(0)
    ages = rng.integers(1, 91, 40)
    for number, age in enumerate(ages):
        pixels = np.clip(rng.normal(2.5 * age, 20, (48, 48, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "final_files" / f"{number:06d}.jpg", quality=95)
    rows = [f"{number:06d}.jpg,{age}" for number, age in enumerate(ages)]
    (folder / "labels.csv").write_text("\n".join(["file_name,real_age", *rows]) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def packed(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same photos packed into some shards."""
    from shopper_age.packing.folder import pack

    folder = tmp_path_factory.mktemp("packed")
    pack(faces, folder, shard_bytes=15_000)
    return folder


@pytest.fixture(scope="session")
def fresh_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with its tables, which takes MLflow seconds to make."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("fresh") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def outside_of_dvc_and_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test runs in an empty folder, as if neither DVC nor Git had called it."""
    for name in list(os.environ):
        if name.startswith(("DVC_", "GIT_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def git_checkout(tmp_path: Path) -> Path:
    """A checkout with one commit."""
    identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    subprocess.run(
        ["git", *identity, "commit", "-q", "--allow-empty", "-m", "First"], cwd=tmp_path, check=True
    )
    return tmp_path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FinishedCheckout:
    """A checkout in which the pipeline has run, one for all workers; who changes it takes a duplicate.

    A pipeline that fails is run once too: every test that needs it says why.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, error = shared / "finished", shared / "finished.error"
    with FileLock(shared / "finished.lock"):
        if error.exists():
            pytest.fail(error.read_text(encoding="utf-8"))
        if (checkout := FinishedCheckout.at(folder)).is_finished():
            return checkout
        try:
            return FinishedCheckout(folder)
        except RuntimeError as failure:
            error.write_text(str(failure), encoding="utf-8")
            raise


# The files of tests that run longest, the longest first. A worker takes a file at a time: these start while
# enough is left for the other workers.
LONGEST = (
    "stages/test_experiments.py",
    "training/test_trainer.py",
    "stages/test_pipeline.py",
    "stages/test_interruption.py",
    "model/test_network.py",
    "benchmarks/test_recipes.py",
    "stages/test_sharing.py",
    "tracking/test_server.py",
    "tracking/test_runs.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if missing := [name for name in LONGEST if not (TESTS / name).is_file()]:
        raise pytest.UsageError(f"tests/conftest.py lists files that are not there: {', '.join(missing)}")
    places = {TESTS / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))
