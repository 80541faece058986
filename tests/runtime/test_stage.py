import logging
import os
import subprocess
import sys

import pytest
from project import ROOT

from shopper_age.runtime.stage import configure_logging, run_stage

SLOW_TO_IMPORT = {"keras", "matplotlib", "mlflow", "pandera", "PIL", "scipy", "sklearn", "tensorflow"}


@pytest.fixture(autouse=True)
def _log_as_before():
    logger = logging.getLogger("shopper_age")
    before = list(logger.handlers), logger.level, logger.propagate
    yield
    logger.handlers, logger.level, logger.propagate = before


def _raising(error):
    def main():
        raise error

    return main


@pytest.mark.parametrize("error", [ValueError("the rule"), FileNotFoundError("the file")])
def test_what_the_user_did_is_told_in_one_line(monkeypatch, error):
    monkeypatch.setattr(sys, "argv", ["stages/split.py"])
    with pytest.raises(SystemExit) as stopped:
        run_stage(_raising(error))
    assert stopped.value.code == f"split: {error}"


@pytest.mark.parametrize("is_a_copy", [False, True])
def test_an_experiment_that_fails_in_the_workspace_says_how_to_go_back(monkeypatch, tmp_path, is_a_copy):
    monkeypatch.setattr(sys, "argv", ["stages/split.py"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_EXP_NAME", "sunny-cat")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "elsewhere" if is_a_copy else tmp_path))
    with pytest.raises(SystemExit) as stopped:
        run_stage(_raising(ValueError("the rule")))
    told, *back = str(stopped.value.code).splitlines()
    assert told == "split: the rule"
    commands = "git checkout HEAD -- params.yaml reports && dvc checkout --allow-missing"
    hint = f"`{commands}` goes back to the last commit"
    assert back == ([] if is_a_copy else [hint])


def test_a_message_of_any_length_is_cut_to_what_is_read(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["stages/split.py"])
    with pytest.raises(SystemExit) as stopped:
        run_stage(_raising(ValueError("x" * 149_000 + ": do this")))
    assert stopped.value.code.endswith("x: do this")
    logging.getLogger("shopper_age.data").warning("x" * 149_000)
    assert max(len(stopped.value.code), len(capsys.readouterr().err)) < 2_200


class ResourceExhaustedError(Exception):
    """Stands in for TensorFlow's, whose base is no error of Python's memory."""


@pytest.mark.parametrize(
    "error", [MemoryError("Unable to allocate 9 GiB"), ResourceExhaustedError("OOM\n...")]
)
def test_too_little_memory_is_a_line_that_says_what_to_lower(error):
    with pytest.raises(SystemExit, match=r"batch_size, image_size or train\.cache\.memory_gib") as stopped:
        run_stage(_raising(error))
    assert "\n" not in str(stopped.value)


def test_a_fault_of_the_project_keeps_its_traceback():
    with pytest.raises(KeyError):
        run_stage(_raising(KeyError("x")))


def test_a_traceback_can_be_asked_for(monkeypatch):
    monkeypatch.setenv("SHOPPER_AGE_TRACEBACK", "1")
    with pytest.raises(ValueError, match="the rule"):
        run_stage(_raising(ValueError("the rule")))


def test_information_goes_to_standard_output_and_warnings_to_standard_error(capsys):
    configure_logging()
    configure_logging()  # no line comes twice
    log = logging.getLogger("shopper_age.model.network")
    log.debug("a detail")
    log.info("weights: all")
    log.warning("weights: a part")
    said = capsys.readouterr()
    assert said.out == "weights: all\n"
    assert said.err == "WARNING: weights: a part\n"


def test_another_librarys_information_is_not_shown(capsys):
    configure_logging()
    logging.getLogger("alembic").info("Context impl SQLiteImpl.")
    assert capsys.readouterr() == ("", "")


def _run(code, **environment):
    """What Python says of the code, without the level that this test run gave TensorFlow."""
    inherited = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**inherited, **environment}, cwd=ROOT
    )


USE = """
import runpy
runpy.run_path("stages/{stage}.py")
import keras
keras.ops.matmul(keras.ops.ones((2, 3)), keras.ops.ones(({n}, 2)))
"""


def test_tensorflow_starts_in_a_stage_without_a_line_about_itself():
    done = _run(USE.format(stage="evaluate", n=3))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "code",
    [
        "from shopper_age import create_model, load_model, load_test, load_train, train_model",
        "import shopper_age.inference.estimation",
        "import shopper_age.data.readers",
        "import shopper_age.training.trainer, keras; keras.ops.ones(2)",
        "import shopper_age, tensorflow as tf; tf.constant(1.0) + 1; print(end=tf.__name__[10:])",
    ],
)
def test_no_import_of_ours_is_followed_by_lines_about_tensorflow(code):
    done = _run(code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_error_in_tensorflow_is_the_first_line():
    done = _run(USE.format(stage="train", n=4))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Traceback")
    assert "Matrix size-incompatible: In[0]: [2,3], In[1]: [4,2]" in done.stderr


@pytest.mark.parametrize(
    ("script", "used"),
    [
        ("stages/validate_data.py", {"PIL", "pandera", "scipy"}),
        ("stages/eda.py", {"PIL", "matplotlib", "scipy"}),
        ("stages/split.py", set()),
        ("src/shopper_age/cli/app.py", set()),
    ],
)
def test_what_is_slow_to_import_is_imported_only_where_it_is_used(script, used):
    code = "import runpy, sys; runpy.run_path(sys.argv[1]); print(*sys.modules)"
    command = [sys.executable, "-c", code, ROOT / script]
    imported = set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert imported & SLOW_TO_IMPORT == used
    assert ("pandas" in imported) == script.startswith("stages/")
