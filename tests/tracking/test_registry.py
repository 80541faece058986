from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient, pyfunc
from mlflow.exceptions import MlflowException
from mlflow_store import client

from shopper_age.runtime.hashing import file_md5
from shopper_age.tracking import training_run
from shopper_age.tracking.registry import CHAMPION, INPUT, ModelRegistry, RegistryError, registered_name


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory) -> Path:
    """A model that takes photos of 8 × 8 pixels."""
    import keras

    path = tmp_path_factory.mktemp("models") / "tiny.keras"
    keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(1)]).save(path)
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


def register(registry: ModelRegistry, model_path: Path, estimates: Path, **tags: str):
    md5 = file_md5(model_path)
    return registry.register(registry.run_of(md5), model_path, model_md5=md5, tags=tags, estimates=estimates)


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
    registry, root, tiny_model, estimates, tmp_path, monkeypatch
):
    run_id = train(tiny_model, monkeypatch)
    version = register(registry, tiny_model, estimates, mae="6.0")
    assert (version.number, version.model_md5, version.run_id) == ("1", file_md5(tiny_model), run_id)
    stored = client(root).get_model_version("ages", "1")
    expected = {"mae": "6.0", "model_md5": file_md5(tiny_model), "dvc_experiment": "sunny-cat"}
    assert expected.items() <= stored.tags.items()
    copy = registry.download_estimates(version, estimates.name, tmp_path / "copy")
    assert copy.read_bytes() == estimates.read_bytes()

    loaded = pyfunc.load_model(client(root).get_model_version_download_uri("ages", "1"))
    example = loaded.input_example
    assert (example.shape, example.dtype) == ((1, 8, 8, 3), np.float32)
    assert (example.min(), example.max()) == (128, 128), "grey shows nobody"
    assert loaded.predict(example).shape == (1, 1)


def test_a_model_that_has_a_version_gets_no_other_but_the_present_tags(
    registry, root, tiny_model, estimates, monkeypatch
):
    train(tiny_model, monkeypatch)
    first = register(registry, tiny_model, estimates, mae="6.0")
    assert register(registry, tiny_model, estimates, mae="5.0") == first
    (stored,) = client(root).search_model_versions("name = 'ages'")
    assert stored.tags["mae"] == "5.0"


def test_the_champion_is_the_version_that_was_made_it_last(
    registry, root, tiny_model, estimates, monkeypatch
):
    train(tiny_model, monkeypatch)
    version = register(registry, tiny_model, estimates)
    assert registry.champion() is None
    registry.describe(version, "good enough")
    registry.set_champion(version)
    assert registry.champion() == version
    stored = client(root).get_model_version_by_alias("ages", CHAMPION)
    assert stored.description == f"good enough\n\n{INPUT}"


def test_what_to_ask_a_model_with_is_told_wherever_people_look(
    registry, root, tiny_model, estimates, monkeypatch
):
    train(tiny_model, monkeypatch)
    register(registry, tiny_model, estimates)

    store = client(root)
    loaded = pyfunc.load_model(store.get_model_version_download_uri("ages", "1"))
    assert store.get_registered_model("ages").description == INPUT
    assert loaded.metadata.metadata == {"input": INPUT}
    for words in ('astype("float32")', "RGB", "0–255", "upright", "BGR", "divided by 255"):
        assert words in INPUT


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float64"])
def test_another_type_than_the_signatures_is_refused_by_mlflow(
    registry, root, tiny_model, estimates, monkeypatch, dtype
):
    train(tiny_model, monkeypatch)
    register(registry, tiny_model, estimates)
    loaded = pyfunc.load_model(client(root).get_model_version_download_uri("ages", "1"))

    with pytest.raises(MlflowException, match=f"Incompatible input types.*{dtype}.*float32|{dtype}.*float32"):
        loaded.predict(np.full((1, 8, 8, 3), 100, dtype))


def test_two_experiments_of_one_store_have_a_champion_each(registry, tiny_model, estimates, monkeypatch):
    train(tiny_model, monkeypatch)
    with training_run("shop/b: tills", params={}) as run:
        run.set_model(tiny_model)
    other = ModelRegistry("shop/b: tills")

    ours, theirs = (register(each, tiny_model, estimates) for each in (registry, other))
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
    registry, root, tiny_model, estimates, tmp_path, monkeypatch
):
    train(tiny_model, monkeypatch)
    version = register(registry, tiny_model, estimates)
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
