import shutil
from pathlib import Path

import pytest
from project import ROOT
from typer.testing import CliRunner

from shopper_age.cli.app import app
from shopper_age.privacy import report
from shopper_age.privacy.photos import KnownPhoto
from shopper_age.privacy.report import Knowledge, render_next_steps, render_traces
from shopper_age.privacy.traces import Traces
from shopper_age.tracking.search import KnownRun


@pytest.fixture(autouse=True)
def no_dvc(monkeypatch, outside_of_dvc_and_git):  # noqa: ARG001
    monkeypatch.setattr(report, "cache_folder", lambda: None)
    monkeypatch.setattr(report, "has_remote", lambda: True)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def data(tmp_path):
    """The folder of params.yaml with one photo of two."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    folder = tmp_path / "data/faces/final_files"
    folder.mkdir(parents=True)
    (folder / "a.jpg").write_bytes(b"a")
    (folder.parent / "labels.csv").write_text("file_name,real_age\na.jpg,20\nb.jpg,30\n")
    return folder.parent


def forget(*arguments, **changes):
    return CliRunner().invoke(app, ["forget", *arguments], **changes)


def test_of_packed_photos_none_is_removed(packed, tmp_path):
    params = (ROOT / "params.yaml").read_text(encoding="utf-8")
    (tmp_path / "params.yaml").write_text(params.replace("data/faces", str(packed), 1), encoding="utf-8")
    before = {path.name: path.read_bytes() for path in packed.iterdir()}
    done = forget("000000.jpg", "--yes")
    assert done.exit_code == 1
    assert "is packed, and a shard keeps all its photos: nothing was removed" in str(done.exception)
    assert {path.name: path.read_bytes() for path in packed.iterdir()} == before


@pytest.mark.parametrize(("answer", "is_removed"), [("y\n", True), ("n\n", False), ("", False)])
def test_nothing_is_removed_without_a_yes(data, answer, is_removed):
    done = forget("a.jpg", input=answer)
    assert (done.exit_code == 0) == is_removed
    assert (data / "final_files/a.jpg").exists() != is_removed
    assert ("a.jpg" in (data / "labels.csv").read_text()) != is_removed
    assert ("nothing was removed" in done.output) != is_removed
    assert "a.jpg: 1 row of labels.csv, the file" in done.output


def test_with_yes_nobody_is_asked_and_the_next_steps_are_told(data):
    done = forget("a.jpg", "b.jpg", "--yes")
    assert done.exit_code == 0
    assert "Remove" not in done.output
    assert "removed from data/faces: 2 of the rows, 1 of the files" in done.output
    assert "dvc repro" in done.output
    assert (data / "labels.csv").read_text() == "file_name,real_age\n"


def test_an_unknown_name_is_refused(data):
    done = forget("a.jpg", "nobody.jpg", "--yes")
    assert done.exit_code == 1
    assert "know no nobody.jpg: nothing was removed" in done.output.replace("\n", " ")
    assert (data / "final_files/a.jpg").exists()


def knowledge(tmp_path, **changes):
    photo = KnownPhoto("a.jpg", (2,), Path("data/faces/final_files/a.jpg"), "m", "c", Path("/photos/a.jpg"))
    traces = Traces(
        models={"0123": ["brave-one"], "4567": ["abcdef0"]}, learnt={"0123"}, experiments=["brave-one"],
        not_at_hand=["fedcba9"], folders=[Path("/with space/.photo_cache")], copies=["b.jpg"],
    )  # fmt: skip
    runs = [KnownRun("id1", "sunny", (("ages", "3"),)), KnownRun("id2", "rainy", ())]
    values = {"runs": runs, "mlflow_error": "", "cache_folder": tmp_path, **changes}
    return Knowledge([photo], Path("data/faces"), traces, **values)


def test_models_runs_copies_and_what_is_not_known_are_told(tmp_path):
    told = render_traces(knowledge(tmp_path))
    for line in (
        "- 0123 of brave-one: learnt from them",
        "- 4567 of abcdef0: was measured or calibrated on them",
        "- id1 sunny, version 3 of ages",
        "name them, too, to remove them: b.jpg",
        "a.jpg is a link: the photo itself lies at /photos/a.jpg and stays there.",
        "Not known, for their manifest is in no cache here: fedcba9.",
    ):
        assert line in told
    assert "could not be asked (no answer)" in render_traces(knowledge(tmp_path, mlflow_error="no answer"))


def test_the_commands_delete_the_versions_before_their_runs_and_the_cache_last(tmp_path):
    Path("data").mkdir()
    Path("data/faces.dvc").touch()
    commands = [line.strip().split("   ")[0] for line in render_next_steps(knowledge(tmp_path)).splitlines()]
    assert commands == [
        "Next, in this order:",
        "dvc add data/faces",
        "dvc repro",
        "dvc exp remove brave-one",
        f"export MLFLOW_TRACKING_URI=sqlite:///{Path.cwd()}/mlflow.db",
        """python -c 'from mlflow import MlflowClient; MlflowClient().delete_model_version("ages", "3")'""",
        "mlflow runs delete --run-id id1",
        "mlflow runs delete --run-id id2",
        'mlflow gc --backend-store-uri "$MLFLOW_TRACKING_URI" --run-ids id1,id2',
        "rm -r '/with space/.photo_cache'",
        "dvc gc --workspace --cloud",
    ]


def test_of_a_server_the_runs_are_deleted_for_good_where_it_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@mlflow.example")
    told = render_next_steps(knowledge(tmp_path))
    assert "mlflow gc --backend-store-uri DATABASE" in told
    assert "secret" not in told
