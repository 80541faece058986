"""What `dvc repro` would run again after an edit: a new picture must not train a model anew."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import networkx
import pytest
from dvc.repo import Repo
from photos import make_faces, small_photo
from project import ProjectCopy

PIPELINE = {"validate_data", "eda", "split", "train", "evaluate"}
PACKAGE = Path("src/shopper_age")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy whose five stages count as finished."""
    copy = ProjectCopy(tmp_path_factory.mktemp("reruns") / "project")
    make_faces(copy.faces, "file_name,real_age\na.png,30\n", {"a.png": small_photo(0)})
    copy.run("dvc", "config", "core.no_scm", "true")
    copy.run("dvc", "config", "core.site_cache_dir", str(copy.folder / ".dvc" / "site"))
    copy.commit_without_results()
    return copy.folder


def to_run(project: Path) -> set[str]:
    """The stages that `dvc repro` would run: the changed ones and all that build on them."""
    with Repo(str(project)) as repo:
        changed = {name.rpartition(":")[2] for name in repo.status()}
        graph = repo.index.graph  # from each stage to those that it builds on
        names = {stage: stage.addressing.rpartition(":")[2] for stage in graph}
        for stage, name in names.items():
            if changed & {names[other] for other in networkx.descendants(graph, stage)}:
                changed.add(name)
    return changed & PIPELINE


@contextmanager
def edited(path: Path) -> Iterator[None]:
    before = path.read_bytes()
    path.write_bytes(before + b"\n# an edit\n")
    try:
        yield
    finally:
        path.write_bytes(before)


def test_after_a_run_there_is_nothing_to_do(project):
    assert to_run(project) == set()


@pytest.mark.parametrize(
    "place",
    [
        "plots/errors.py",
        "plots/style.py",
        "evaluation/templates/analysis.md.j2",
        "metrics/id_check.py",
        "inference/views.py",
    ],
)
def test_an_edit_of_what_judges_a_model_evaluates_and_does_not_train(project, place):
    with edited(project / PACKAGE / place):
        assert to_run(project) - {"eda"} == {"evaluate"}
    assert to_run(project) == set()


@pytest.mark.parametrize("place", ["model/network.py", "data/augmentation.py"])
def test_an_edit_of_what_makes_a_model_trains_and_evaluates(project, place):
    with edited(project / PACKAGE / place):
        assert to_run(project) == {"train", "evaluate"}


def test_an_edit_of_the_training_trains_and_what_follows_from_the_new_model(project):
    with edited(project / PACKAGE / "training" / "trainer.py"):
        assert to_run(project) == {"train", "evaluate"}


@pytest.mark.parametrize("place", ["tracking/runs.py", "params.py", "experiments/ranking.py", "cli/app.py"])
def test_an_edit_of_what_changes_no_result_reruns_nothing(project, place):
    with edited(project / PACKAGE / place):
        assert to_run(project) == set()


def test_bytecode_reruns_nothing(project):
    for room in ("data", "model", "runtime", "training", "evaluation"):
        folder = project / PACKAGE / room / "__pycache__"
        folder.mkdir()
        (folder / "module.cpython-311.pyc").write_bytes(b"bytecode")
    assert to_run(project) == set()


def test_photos_are_checked_again_when_one_is_added(project):
    photo = project / "data" / "faces" / "final_files" / "b.png"
    small_photo(1).save(photo)
    assert to_run(project) == PIPELINE
    photo.unlink()
