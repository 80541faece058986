import importlib
import sys

import pytest

from shopper_age.packaging.standalone import copy_modules, renamed


@pytest.fixture
def copied(tmp_path, monkeypatch):
    name = copy_modules(["shopper_age.inference.answers"], tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path / name
    for module in [module for module in sys.modules if module.startswith(name)]:
        del sys.modules[module]


def test_a_copy_has_what_it_imports_and_nothing_else(copied):
    modules = {str(path.relative_to(copied)) for path in copied.rglob("*.py")}
    assert {
        "inference/answers.py",
        "inference/decision.py",
        "metrics/bands.py",
        "runtime/files.py",
    } <= modules
    assert {"__init__.py", "inference/__init__.py", "metrics/__init__.py"} <= modules
    assert not {"inference/predictor.py", "data/tables.py", "runtime/tensorflow_log.py"} & modules


def test_a_copy_runs_beside_the_package_and_shares_nothing_with_it(copied):
    from shopper_age.inference import answers

    copy = importlib.import_module(f"{copied.name}.inference.answers")
    assert copy.__file__.startswith(str(copied))
    assert copy.FaceAnswer is not answers.FaceAnswer
    assert copy.Decision.__module__ == f"{copied.name}.inference.decision"
    assert copy.without_estimate("no_face").reason == answers.without_estimate("no_face").reason


def test_the_name_follows_from_the_code(copied, tmp_path):
    assert copy_modules(["shopper_age.inference.answers"], tmp_path / "again") == copied.name
    assert copy_modules(["shopper_age.metrics.bands"], tmp_path / "other") != copied.name


def test_the_name_of_the_package_is_replaced_and_no_other():
    source = "from shopper_age.data import x  # `shopper-age`, shopper_age_photos, my_shopper_age"
    assert renamed(source, "other") == (
        "from other.data import x  # `shopper-age`, shopper_age_photos, my_shopper_age"
    )
