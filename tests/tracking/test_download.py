import dataclasses
import re
import shutil
import sys

import numpy as np
import pytest
from answering import decision
from mlflow import pyfunc
from mlflow_store import client
from tiny_onnx import write_exported_model

from shopper_age.inference.decision import Decision
from shopper_age.inference.predictor import Predictor
from shopper_age.packaging.parts import pack_model
from shopper_age.runtime.hashing import file_md5
from shopper_age.tracking import training_run
from shopper_age.tracking.download import downloaded
from shopper_age.tracking.registry import ModelRegistry

SIDE = 8


@pytest.fixture
def version(root, tmp_path):  # noqa: ARG001 - the store is the root's
    """Version 1 of `ages`, the champion."""
    path = write_exported_model(tmp_path / "models" / "age.keras", side=SIDE)
    (tmp_path / "parts").mkdir()
    (tmp_path / "estimates.csv").write_text("file_name\n")
    with training_run("ages", params={}) as run:
        run.set_model(path)
    registry = ModelRegistry("ages")
    registered = registry.register(
        run.store_id,
        pack_model(path, tmp_path / "parts", export=lambda: None),
        model_md5=file_md5(path),
        tags={},
        estimates=tmp_path / "estimates.csv",
    )
    registry.set_champion(registered)
    shutil.rmtree(tmp_path / "models")
    return registered


def test_a_promoted_model_answers_from_the_store(version):
    for address in ("models:/ages@champion", "models:/ages/1", f"runs:/{version.run_id}/model"):
        predictor = Predictor.load(address)
        (answer,) = predictor.predict([np.full((SIDE, SIDE, 3), 40, np.uint8)])
        assert answer.faces[0].age == 40


@pytest.mark.usefixtures("version")
def test_the_files_are_on_this_machine_for_the_time_that_they_are_needed():
    with downloaded("models:/ages@champion") as folder:
        assert sorted(path.name for path in folder.iterdir()) == ["age.onnx", "decision.json"]
        assert dataclasses.replace(Decision.load(folder / "decision.json"), model_md5="abc") == decision(
            image_size=SIDE
        )
    assert not folder.exists()


@pytest.mark.usefixtures("version")
def test_a_moved_checkout_has_its_models(root, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(root.rename(root.with_name("moved"))))
    assert Predictor.load("models:/ages@champion").decision.image_size == SIDE


@pytest.mark.usefixtures("version")
def test_what_the_store_does_not_have_is_told_with_its_address():
    run = "0" * 32
    for address in ("models:/ages@best", "models:/ages/7", "models:/tills@champion", f"runs:/{run}/model"):
        with pytest.raises(ValueError, match=f"{address} is not in the MLflow store at sqlite:///"):
            Predictor.load(address)


@pytest.mark.parametrize("address", ["models:/ages", "models:/ages@", "models:/ages/latest", "runs:/abc"])
def test_what_is_no_address_is_told_with_those_there_are(address):
    with pytest.raises(ValueError, match="expected models:/NAME@champion, models:/NAME/VERSION or runs:/"):
        Predictor.load(address)


def test_a_version_of_an_earlier_kind_is_to_be_promoted_again(version, root, tmp_path):
    (tmp_path / "old.py").write_text("def _load_pyfunc(path): return None\n")
    pyfunc.save_model(
        str(tmp_path / "old"), loader_module="old", code_paths=[str(tmp_path / "old.py")], pip_requirements=[]
    )
    store = client(root)
    store.log_artifacts(version.run_id, str(tmp_path / "old"), "old")
    source = f"{store.get_run(version.run_id).info.artifact_uri}/old"
    store.create_model_version("ages", source, run_id=version.run_id)
    with pytest.raises(ValueError, match=r"models:/ages/2 was registered by an earlier version.*promote"):
        Predictor.load("models:/ages/2")


def test_files_that_are_gone_are_told_with_their_place(version, root):
    for path in (root / "mlartifacts").rglob("MLmodel"):
        path.unlink()
    with pytest.raises(ConnectionError, match=r"the files of models:/ages/1 cannot be read from .*model: "):
        Predictor.load(f"models:/ages/{version.number}")


@pytest.mark.usefixtures("dead_server", "root")
def test_a_store_that_does_not_answer_is_told_without_its_password():
    with pytest.raises(ConnectionError, match="the MLflow store at http://127") as told:
        Predictor.load("models:/ages@champion")
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("uri", ["nowhere://a/b", "postgresql+nothing://a/b", "sqlite:////no/such/folder.db"])
def test_an_address_that_is_none_of_a_store_is_told(uri, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(ConnectionError, match=f"MLflow store at {re.escape(uri)}"):
        Predictor.load("models:/ages@champion")


def test_a_store_that_is_not_there_is_not_made(root):
    (root / "mlflow.db").unlink()
    with pytest.raises(ConnectionError, match=r"there is no MLflow store at sqlite:.*set MLFLOW"):
        Predictor.load("models:/ages@champion")
    assert not (root / "mlflow.db").exists()


def test_a_machine_without_mlflow_is_told_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ModuleNotFoundError, match=r"lies in an MLflow store.*folder artifacts/model"):
        Predictor.load("models:/ages@champion")
