from pathlib import Path

import pytest

from shopper_age.runtime.checkout import dvc_md5, git, project_root, read_dvc_lock, untracked_folder

pytestmark = pytest.mark.usefixtures("outside_of_dvc_and_git")

LOCK = """
schema: '2.0'
stages:
  train:
    cmd: python stages/train.py
    deps:
    - path: data/faces
      hash: md5
      md5: aaa.dir
    outs:
    - path: models/age.keras
      hash: md5
      md5: bbb
  evaluate:
    cmd: python stages/evaluate.py
    deps:
    - path: models/age.keras
      hash: md5
      md5: of the model before
    outs:
    - path: reports/metrics.json
      hash: md5
      md5: ccc
"""


def test_root_is_the_checkout_that_dvc_names_even_in_its_temporary_copy(
    git_checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = git_checkout / ".dvc" / "tmp" / "exps" / "copy"
    copy.mkdir(parents=True)
    monkeypatch.chdir(copy)
    monkeypatch.setenv("DVC_ROOT", "/home/somebody/ages")
    assert project_root() == Path("/home/somebody/ages")


def test_root_without_dvc_is_the_top_of_the_checkout(
    git_checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (git_checkout / "notebooks").mkdir()
    monkeypatch.chdir(git_checkout / "notebooks")
    assert project_root() == git_checkout


def test_root_of_a_project_within_a_checkout_is_the_top_of_the_project(git_checkout, monkeypatch):
    """As demo/ is: a command there finds the runs that its stages logged."""
    (git_checkout / ".dvc").mkdir()
    for project in ("demo", "ages"):
        (git_checkout / project / ".dvc").mkdir(parents=True)
        (git_checkout / project / "reports").mkdir()
        for folder in (git_checkout / project, git_checkout / project / "reports"):
            monkeypatch.chdir(folder)
            assert project_root() == git_checkout / project
    monkeypatch.chdir(git_checkout)
    assert project_root() == git_checkout


def test_root_without_git_is_the_working_folder(tmp_path: Path) -> None:
    assert project_root() == tmp_path


@pytest.fixture
def _locked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.lock").write_text(LOCK, encoding="utf-8")


@pytest.mark.usefixtures("_locked")
def test_the_lock_of_a_stage_names_what_it_read_and_wrote():
    hashes = {"models/age.keras": "of the model before", "reports/metrics.json": "ccc"}
    assert read_dvc_lock("evaluate") == hashes
    assert read_dvc_lock("no such stage") == {}


@pytest.mark.usefixtures("_locked")
def test_the_hash_of_a_path_is_that_of_the_first_stage_that_has_it():
    assert dvc_md5("models/age.keras") == "bbb"
    assert dvc_md5("data/faces") == "aaa.dir"
    assert dvc_md5("data/others") is None


def test_before_the_first_run_nothing_is_known(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert dvc_md5("data/faces") is None
    with pytest.raises(FileNotFoundError, match=r"dvc\.lock not found: run `dvc repro`"):
        read_dvc_lock("evaluate")


@pytest.mark.parametrize(
    "path", ["data/faces", "./data/faces", "data/faces/", "./data/faces/", "data//faces"]
)
def test_a_path_has_its_hash_however_it_is_written(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    entry = "{path: ./data/faces, md5: abc.dir}"
    Path("dvc.lock").write_text(f"stages: {{validate_data: {{deps: [{entry}]}}}}", encoding="utf-8")
    for written in (path, Path(path), tmp_path / path, f"{tmp_path}/{path}"):
        assert dvc_md5(written) == "abc.dir"
    assert dvc_md5("data") is None


@pytest.fixture
def project(git_checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(git_checkout)
    (git_checkout / ".dvc").mkdir()
    (git_checkout / "data/faces").mkdir(parents=True)
    return git_checkout


@pytest.mark.parametrize("data_path", ["data/faces", "./data/faces/"])
def test_a_folder_that_experiments_in_a_copy_would_lack_is_told_until_git_knows_it(
    project: Path, data_path: str
) -> None:
    told = f"`dvc add {data_path}` and `git add data/faces.dvc`"
    assert untracked_folder("s3://bucket/faces") == ""

    assert told in untracked_folder(data_path)
    (project / "data/faces.dvc").touch()
    assert told in untracked_folder(data_path)
    git("add", "data/faces.dvc")
    assert untracked_folder(data_path) == ""


def test_a_folder_is_found_in_a_copy_through_the_folder_above_it(project: Path) -> None:
    (project / "data.dvc").touch()
    git("add", "data.dvc")

    assert untracked_folder("data/faces") == ""


def test_a_folder_that_a_stage_makes_is_found_in_a_copy(project: Path) -> None:
    (project / "data/dvc.yaml").write_text("stages: {draw: {cmd: make, outs: [demo]}}")

    assert untracked_folder("data/demo") == ""
    assert untracked_folder("data/faces") != ""


def test_a_linked_folder_is_set_as_data_path_for_experiments_in_a_copy(project: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "photos of all"
    elsewhere.mkdir()
    (project / "data/linked").symlink_to(elsewhere)

    assert f"set data_path in params.yaml to {elsewhere}." in untracked_folder("data/linked")
    assert untracked_folder(elsewhere) == ""


def test_without_dvc_nothing_is_said_of_copies(project: Path) -> None:
    (project / ".dvc").rmdir()

    assert untracked_folder("data/faces") == ""
