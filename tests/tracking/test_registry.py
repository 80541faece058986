import dataclasses
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient, pyfunc
from mlflow.exceptions import MlflowException
from mlflow_store import client

from shopper_age.runtime.hashing import file_md5
from shopper_age.tracking import training_run
from shopper_age.tracking.pyfunc import PyfuncParts, save_pyfunc
from shopper_age.tracking.registry import CHAMPION, ModelRegistry, RegistryError, registered_name


@pytest.fixture
def tiny_model(tmp_path) -> Path:
    """A model file, which the registry does not open."""
    path = tmp_path / "tiny.keras"
    path.write_bytes(b"weights")
    return path


@pytest.fixture
def registry(root) -> ModelRegistry:  # noqa: ARG001 - the store is the root's
    return ModelRegistry("ages")


@pytest.fixture
def estimates(tmp_path) -> Path:
    path = tmp_path / "estimates.csv"
    path.write_text("file_name,real_age,predicted_age\na.jpg,20,21\n")
    return path


def train(model_path: Path, monkeypatch: pytest.MonkeyPatch, name: str = "sunny-cat") -> str:
    with monkeypatch.context() as experiment:
        experiment.setenv("DVC_EXP_NAME", name)
        with training_run("ages", params={}) as run:
            run.set_model(model_path)
    return run.store_id


SCRIPT = """
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

from brought import answer

class Model(PythonModel):
    def load_context(self, context):
        self.file = open(context.artifacts["model"]).read()

    def predict(self, context, model_input: pd.DataFrame, params=None):
        return model_input.assign(answer=self.file + answer)

set_model(Model())
"""


@pytest.fixture
def parts(tmp_path) -> PyfuncParts:
    """A model that answers with the content of a file."""
    (tmp_path / "brought").mkdir()
    (tmp_path / "brought" / "__init__.py").write_text("answer = ', and code'")
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "a-file").write_text("a file")
    return PyfuncParts(
        script=tmp_path / "script.py",
        package=tmp_path / "brought",
        artifacts={"model": tmp_path / "a-file"},
        requirements=["numpy==2.4.6"],
        inputs={"photo": "any"},
        outputs={"answer": "string"},
        example={"photo": "nobody"},
        settings={},
        text="Ask it.",
        digest="first",
    )


def register(registry: ModelRegistry, model_path: Path, parts: PyfuncParts, estimates: Path, **tags: str):
    md5 = file_md5(model_path)
    return registry.register(registry.run_of(md5), parts, model_md5=md5, tags=tags, estimates=estimates)


def test_the_run_of_a_model_is_the_newest_that_made_it(registry, tiny_model, monkeypatch):
    train(tiny_model, monkeypatch)
    newest = train(tiny_model, monkeypatch)
    assert registry.run_of(file_md5(tiny_model)) == newest


def test_a_model_without_a_run_is_told_with_the_way_out(registry):
    with pytest.raises(ValueError, match="has no run of this model: send its log with `make send-log`"):
        registry.run_of("0" * 32)


def test_without_a_registered_model_there_is_no_champion(registry):
    assert registry.champion() is None


def test_a_version_has_model_estimates_tags_and_origin(
    registry, root, tiny_model, parts, estimates, tmp_path, monkeypatch
):
    run_id = train(tiny_model, monkeypatch)
    version = register(registry, tiny_model, parts, estimates, mae="6.0")
    assert (version.number, version.model_md5, version.run_id) == ("1", file_md5(tiny_model), run_id)
    stored = client(root).get_model_version("ages", "1")
    expected = {"mae": "6.0", "model_md5": file_md5(tiny_model), "dvc_experiment": "sunny-cat"}
    assert expected.items() <= stored.tags.items()
    copy = registry.download_estimates(version, estimates.name, tmp_path / "copy")
    assert copy.read_bytes() == estimates.read_bytes()

    monkeypatch.setattr(sys, "path", list(sys.path))
    loaded = pyfunc.load_model(client(root).get_model_version_download_uri("ages", "1"))
    assert loaded.metadata.metadata == {"input": "Ask it."}
    assert loaded.predict(loaded.input_example)["answer"].tolist() == ["a file, and code"]


def test_a_model_that_has_a_version_gets_no_other_but_the_present_tags(
    registry, root, tiny_model, parts, estimates, monkeypatch
):
    train(tiny_model, monkeypatch)
    first = register(registry, tiny_model, parts, estimates, mae="6.0")
    assert register(registry, tiny_model, parts, estimates, mae="5.0") == first
    (stored,) = client(root).search_model_versions("name = 'ages'")
    assert stored.tags["mae"] == "5.0"


def test_another_content_of_the_same_model_is_a_version_with_files_of_its_own(
    registry, root, tiny_model, parts, estimates, monkeypatch
):
    train(tiny_model, monkeypatch)
    first = register(registry, tiny_model, parts, estimates)
    second = register(registry, tiny_model, dataclasses.replace(parts, digest="second"), estimates)
    assert (first.number, second.number, first.run_id) == ("1", "2", second.run_id)
    places = [client(root).get_model_version_download_uri("ages", number) for number in "12"]
    assert [place.rpartition("/")[2] for place in places] == ["model", "model-second"]
    assert register(registry, tiny_model, parts, estimates) == first


def test_saving_a_model_leaves_nothing_of_it_behind(parts, tmp_path):
    before = list(sys.path)
    save_pyfunc(parts, tmp_path / "saved", run_id="0" * 32)
    assert sys.path == before
    assert "brought" not in sys.modules


def test_the_champion_is_the_version_that_was_made_it_last(
    registry, root, tiny_model, parts, estimates, monkeypatch
):
    train(tiny_model, monkeypatch)
    version = register(registry, tiny_model, parts, estimates)
    assert registry.champion() is None
    registry.describe(version, "good enough")
    registry.set_champion(version)
    assert registry.champion() == version
    stored = client(root).get_model_version_by_alias("ages", CHAMPION)
    assert stored.description == "good enough"


def test_two_experiments_of_one_store_have_a_champion_each(
    registry, tiny_model, parts, estimates, monkeypatch
):
    train(tiny_model, monkeypatch)
    with training_run("shop/b: tills", params={}) as run:
        run.set_model(tiny_model)
    other = ModelRegistry("shop/b: tills")

    ours, theirs = (register(each, tiny_model, parts, estimates) for each in (registry, other))
    other.set_champion(theirs)

    assert (ours.model, theirs.model) == ("ages", "shop-b-tills")
    assert registry.champion() is None
    assert other.champion() == theirs


@pytest.mark.parametrize(
    ("experiment", "name"),
    [
        ("age-resnet50", "age-resnet50"),
        ("/Users/me/ages", "Users-me-ages"),
        ("a: 'b\"", "a-b"),
        ("/", "model"),
    ],
)
def test_a_registered_model_has_a_name_that_mlflow_takes(experiment, name):
    assert registered_name(experiment) == name


def test_estimates_that_are_gone_are_an_error_of_the_registry(
    registry, root, tiny_model, parts, estimates, tmp_path, monkeypatch
):
    train(tiny_model, monkeypatch)
    version = register(registry, tiny_model, parts, estimates)
    for path in (root / "mlartifacts").rglob(estimates.name):
        path.unlink()
    with pytest.raises(RegistryError, match="The champion is as it was"):
        registry.download_estimates(version, estimates.name, tmp_path)


def test_a_store_that_fails_is_told_with_its_address_and_reason(registry, monkeypatch):
    def fails(*_arguments, **_settings):
        raise MlflowException("the disk is full")

    monkeypatch.setattr(MlflowClient, "get_model_version_by_alias", fails)
    with pytest.raises(
        RegistryError, match=r"MLflow at sqlite:.*the disk is full\. The champion is as it was"
    ):
        registry.champion()


@pytest.mark.usefixtures("dead_server", "root")
def test_a_server_that_is_down_is_told_without_its_password():
    with pytest.raises(RegistryError, match="MLflow at http://127") as told:
        ModelRegistry("ages")
    assert "secret" not in str(told.value)
