import os
import re
import shutil
import sys
from datetime import date
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient, pyfunc
from mlflow.exceptions import MlflowException
from PIL import Image
from project import ROOT
from tiny_onnx import write_exported_model
from typer.testing import CliRunner

from shopper_age.cli.app import app
from shopper_age.experiments import promotion
from shopper_age.experiments.promotion import Promotion
from shopper_age.experiments.results import Result
from shopper_age.inference.decision import IdCheck
from shopper_age.paths import DECISION, EVALUATION, METRICS, MODEL, PREDICTIONS, SPLITS
from shopper_age.runtime.files import write_csv, write_json
from shopper_age.runtime.hashing import content_key, file_md5
from shopper_age.tracking import training_run
from shopper_age.tracking.registry import CHAMPION, RegistryError

N = 60
TRUE = np.linspace(5, 75, N)
NAMES = [f"{number:03d}.jpg" for number in range(N)]


@pytest.fixture(scope="session")
def model_files(tmp_path_factory) -> list[Path]:
    """Three models, each with its decision and its export."""
    folder = tmp_path_factory.mktemp("models")
    return [
        write_exported_model(folder / str(number) / "age.keras", side=8, content=b"%d" % number)
        for number in range(3)
    ]


@pytest.fixture(autouse=True)
def _no_settings_of_the_caller(monkeypatch) -> None:
    for name in list(os.environ):
        if name.startswith(("DVC_", "MLFLOW_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")


@pytest.fixture(scope="module")
def fresh_store(tmp_path_factory) -> Path:
    """A store with its tables, which MLflow takes seconds to make."""
    path = tmp_path_factory.mktemp("fresh") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def store(fresh_store, tmp_path, monkeypatch) -> MlflowClient:
    root = tmp_path / "project"
    root.mkdir()
    shutil.copy(fresh_store, root / "mlflow.db")
    monkeypatch.setenv("DVC_ROOT", str(root))
    monkeypatch.chdir(root)
    return client(root)


def result(
    error: float, *, names=NAMES, max_mae: float = 8.0, noise: float = 0.0, is_useful: bool | None = True
) -> Result:
    """An evaluation whose errors are `error` years either way, more or less by `noise`."""
    sizes = error + noise * np.random.default_rng(0).normal(size=N)
    predicted = TRUE + sizes * np.where(np.arange(N) % 2, 1, -1)
    predictions = pd.DataFrame(
        {"file_name": names, "real_age": TRUE, "predicted_age": predicted, "is_answered": True}
    ).assign(content_hash=[content_key(name) for name in names])
    mae = float(np.abs(predicted - TRUE).mean())
    metrics = {"mae": mae, "cs5": 0.5, "n_test": N, "meets_requirement": mae <= max_mae}
    metrics |= {} if is_useful is None else {"is_useful": is_useful}
    return Result("workspace", predictions, metrics, {})


def train(model_path: Path) -> str:
    """Logs a training of this model as the stage does; the id of its run."""
    with training_run("ages", params={"epochs": 2}) as run:
        run.log_metrics({"val_mae": 9.0}, step=0)
        run.log_metrics({"val_mae": 8.0}, step=1)
        run.set_model(model_path)
    return run.store_id


def client(root: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{root / 'mlflow.db'}")


def load(store: MlflowClient, version: str) -> pyfunc.PyFuncModel:
    """The registered model; by its place, since MLflow's address would stay set for other tests."""
    return pyfunc.load_model(store.get_model_version_download_uri("ages", version))


def champion(store: MlflowClient) -> int | None:
    try:
        return int(store.get_model_version_by_alias("ages", CHAMPION).version)
    except MlflowException:
        return None


def promote(evaluation: Result, model_path: Path) -> Promotion:
    return promotion.promote(evaluation, model_path, experiment="ages", export=no_export)


def no_export() -> None:
    raise AssertionError("the export beside the model fits")


def proposed(model_path: Path, evaluation: Result) -> Promotion:
    train(model_path)
    return promote(evaluation, model_path)


def test_the_first_model_that_meets_the_requirement_is_champion_and_can_be_asked(store, model_files):
    run_id = train(model_files[0])
    before = store.get_run(run_id)
    done = promote(result(6.0), model_files[0])
    assert (done.version, done.is_champion, champion(store)) == ("1", True, 1)
    assert "meets the requirement with a test MAE of 6.00 years" in done.sentence

    version = store.get_model_version("ages", "1")
    assert version.run_id == run_id
    assert version.tags["model_md5"] == file_md5(model_files[0])
    assert (version.tags["mae"], version.tags["meets_requirement"]) == ("6.0", "True")
    shown = {"mae", "cs5", "n_test", "meets_requirement", "model_md5", "content"}
    assert version.tags.keys() - {"git_commit"} == shown, "the run has the rest, such as is_useful"
    assert version.description == (
        f"Became the champion on {date.today():%Y-%m-%d}: it meets the requirement with a test MAE of 6.00 "
        "years, and there was none before."
    )

    after = store.get_run(run_id)
    assert (after.info.status, after.info.end_time) == ("FINISHED", before.info.end_time)
    assert len(store.get_metric_history(run_id, "epochs/val_mae")) == 2

    loaded = load(store, "1")
    assert loaded.predict(loaded.input_example)["age"].tolist() == [128], "a grey photo, which shows nobody"
    assert loaded.metadata.metadata["input"].startswith("Ask it with a table")
    requirements = Path(pyfunc.get_model_dependencies(version.source)).read_text().split()
    assert all("==" in line for line in requirements)
    assert not {"keras", "tensorflow"} & {line.partition("==")[0] for line in requirements}


def test_a_promoted_model_brings_its_card_with_day_commit_run_and_version(store, model_files, tmp_path):
    run_id = train(model_files[0])
    EVALUATION.mkdir(parents=True)
    (EVALUATION / "MODEL_CARD.md").write_text("# Model card\n\n| | hash |\n|---|---|\n| model | `2` |\n")
    promote(result(6.0), model_files[0])
    kept = Path(store.download_artifacts(run_id, "registry/MODEL_CARD.md", str(tmp_path)))
    rows = kept.read_text(encoding="utf-8").splitlines()
    assert rows[:5] == (EVALUATION / "MODEL_CARD.md").read_text().splitlines()
    assert [row.split(" | ")[0] for row in rows[5:]] == [
        "| day",
        "| commit",
        "| MLflow run",
        "| registered as",
    ]
    assert run_id in rows[-2]
    assert rows[-1] == "| registered as | ages, version 1 |"


def test_only_a_clearly_better_model_takes_over(store, model_files):
    proposed(model_files[0], result(6.0))
    no_better = proposed(model_files[1], result(6.0, noise=3.0))
    assert (no_better.version, no_better.is_champion, champion(store)) == ("2", False, 1)
    assert "does not become the champion: There is no clear difference between version 2 and version 1" in (
        no_better.sentence
    )
    better = proposed(model_files[2], result(4.0))
    assert (better.version, better.is_champion, champion(store)) == ("3", True, 3)
    assert "version 3 is better than version 1: MAE 4.00 against 6.00 years on 60 common" in better.sentence


def test_what_pages_say_stays_true_when_the_champion_changes(store, model_files):
    def marked() -> dict[str, str]:
        experiment = store.get_experiment_by_name("ages").experiment_id
        tags = [run.data.tags for run in store.search_runs([experiment])]
        return {tag["model_md5"]: tag["champion"] for tag in tags if "champion" in tag}

    proposed(model_files[0], result(6.0))
    before = store.get_model_version("ages", "1").description
    assert marked() == {file_md5(model_files[0]): "version 1"}
    proposed(model_files[1], result(6.0, noise=3.0))
    assert marked() == {file_md5(model_files[0]): "version 1"}
    proposed(model_files[2], result(4.0))
    assert marked() == {file_md5(model_files[2]): "version 3"}
    assert store.get_model_version("ages", "1").description == before
    texts = [store.get_model_version("ages", n).description for n in "123"]
    assert [text.partition(" on ")[0] for text in texts] == [
        *("Became the champion", "Did not become the champion", "Became the champion")
    ]
    assert not [text for text in texts if " is the champion" in text or " now" in text]
    run = store.get_model_version("ages", "3").run_id
    store.delete_tag(run, "champion")
    promote(result(4.0), model_files[2])
    assert marked() == {file_md5(model_files[2]): "version 3"}, "the next promotion sets it right"


def test_a_version_says_that_it_averages_several_views(store, model_files):
    evaluation = result(6.0)
    evaluation.params["evaluate"] = {"tta": 4}
    proposed(model_files[0], evaluation)
    assert (
        "It averages 4 views of each photo (`evaluate.tta`)"
        in store.get_model_version("ages", "1").description
    )


def test_tags_of_an_earlier_version_of_the_project_go_with_the_next_promotion(store, model_files):
    proposed(model_files[0], result(6.0))
    store.set_model_version_tag("ages", "1", "abstain_rate", "0.1")
    promote(result(6.0), model_files[0])
    assert "abstain_rate" not in store.get_model_version("ages", "1").tags


def test_the_page_of_the_model_says_how_to_ask_it_and_that_works(store, model_files, monkeypatch, capsys):
    proposed(model_files[0], result(6.0))
    text = store.get_registered_model("ages").description
    (code,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    Image.new("RGB", (20, 20), (30, 30, 30)).save("face.jpg")
    with monkeypatch.context() as environment:
        environment.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{Path.cwd() / 'mlflow.db'}")
        exec(code, {})
    assert capsys.readouterr().out == "30.0 False estimated 25 or older\n"
    store.update_registered_model("ages", description="ours")
    promote(result(6.0), model_files[0])
    assert store.get_registered_model("ages").description == "ours", "what people wrote stays"


def test_a_better_model_that_misses_the_requirement_does_not_take_over(store, model_files):
    proposed(model_files[0], result(6.0))
    strict = proposed(model_files[1], result(4.0, max_mae=3.0))
    assert (strict.is_champion, champion(store)) == (False, 1)
    assert "misses the requirement with a test MAE of 4.00 years" in strict.sentence
    first_of_all = proposed(model_files[2], result(9.0))
    assert not first_of_all.is_champion


def test_another_test_part_is_compared_on_common_photos_or_not_at_all(store, model_files):
    proposed(model_files[0], result(6.0))
    strangers = proposed(model_files[1], result(4.0, names=[f"new-{name}" for name in NAMES]))
    assert (strangers.is_champion, champion(store)) == (False, 1)
    assert "cannot be compared with version 1, the champion" in strangers.sentence
    assert "no photo is in both test parts" in strangers.sentence
    half = proposed(model_files[2], result(4.0, names=[*NAMES[:40], *(f"new-{name}" for name in NAMES[40:])]))
    assert (half.is_champion, champion(store)) == (True, 3)
    assert "on 40 common test photos" in half.sentence
    assert "The test parts differ: 20 photos of version 1 and 20 of version 3 were left out" in half.sentence


def test_a_champion_whose_photos_are_known_by_name_alone_must_be_promoted_anew(store, model_files):
    def by_name(error: float) -> Result:
        evaluation = result(error)
        evaluation.predictions.drop(columns="content_hash", inplace=True)
        return evaluation

    proposed(model_files[0], by_name(6.0))
    better = proposed(model_files[1], result(4.0))
    assert (better.is_champion, champion(store)) == (False, 1)
    assert "names are no proof. Bring that model back" in better.sentence
    promote(result(6.0), model_files[0])  # with hashes now
    assert promote(result(4.0), model_files[1]).is_champion
    without = proposed(model_files[2], by_name(1.0))
    assert (without.is_champion, champion(store)) == (False, 2)
    assert "its own estimates do not tell photos apart by their content" in without.sentence


def test_a_model_is_registered_once(store, model_files):
    proposed(model_files[0], result(6.0))
    again = promote(result(6.0), model_files[0])
    assert (again.version, again.is_champion) == ("1", True)
    assert "is the champion already" in again.sentence
    proposed(model_files[1], result(9.0))
    second_try = promote(result(5.0), model_files[1])
    assert (second_try.version, second_try.is_champion, champion(store)) == ("2", True, 2)
    assert store.get_model_version("ages", "2").tags["mae"] == "5.0"


def test_another_decision_is_a_version_of_its_own_and_takes_over_from_the_champion(store, tmp_path):
    path = write_exported_model(tmp_path / "models" / "age.keras", side=8)
    proposed(path, result(6.0))
    write_exported_model(path, side=8, id_check=IdCheck(18, 14, None, None, 0.01, None))
    stricter = promote(result(6.0), path)
    assert (stricter.version, stricter.is_champion, champion(store)) == ("2", True, 2)
    assert "is the model of version 1, the champion before" in stricter.sentence
    before, after = (load(store, version) for version in "12")
    reasons = [model.predict(model.input_example)["reason"][0] for model in (before, after)]
    assert reasons == [
        "estimated 25 or older",
        "no threshold is known to be good enough: everybody is asked",
    ]
    again = promote(result(6.0), path)
    assert (again.version, again.is_champion) == ("2", True)
    assert "is the champion already" in again.sentence
    worse = write_exported_model(path, side=8, max_interval_width=2.0)
    assert not promote(result(9.0), worse).is_champion, "it misses the requirement"
    assert champion(store) == 2


def test_a_version_of_an_earlier_kind_is_registered_anew(store, model_files):
    proposed(model_files[0], result(6.0))
    store.delete_model_version_tag("ages", "1", "content")
    assert (promote(result(6.0), model_files[0]).version, champion(store)) == ("2", 2)


@pytest.mark.parametrize("step", ["log_artifacts", "create_model_version", "update_model_version"])
def test_what_fails_midway_leaves_the_champion_and_can_be_tried_again(store, model_files, monkeypatch, step):
    proposed(model_files[0], result(6.0))

    def fails(*_arguments, **_settings):
        raise MlflowException("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(MlflowClient, step, fails)
        with pytest.raises(RegistryError, match=r"the disk is full\. The champion is as it was"):
            proposed(model_files[1], result(4.0))
    assert champion(store) == 1
    again = promote(result(4.0), model_files[1])
    assert (again.version, again.is_champion, champion(store)) == ("2", True, 2)


def test_without_the_champions_estimates_nothing_is_registered(store, model_files, tmp_path):
    proposed(model_files[0], result(6.0))
    for path in (tmp_path / "project" / "mlartifacts").rglob("predictions.csv"):
        path.unlink()
    with pytest.raises(RegistryError, match="the estimates of version 1, the champion, cannot be read"):
        proposed(model_files[1], result(4.0))
    assert len(store.search_model_versions("name = 'ages'")) == 1


def test_a_moved_checkout_still_has_its_champion(store, model_files, tmp_path, monkeypatch):
    proposed(model_files[0], result(6.0))
    assert champion(store) == 1
    moved = (tmp_path / "project").rename(tmp_path / "moved")
    monkeypatch.chdir(moved)
    monkeypatch.setenv("DVC_ROOT", str(moved))
    better = proposed(model_files[1], result(4.0))
    assert "version 2 is better than version 1" in better.sentence
    for version in ("1", "2"):
        loaded = load(client(moved), version)
        assert loaded.predict(loaded.input_example)["age"].tolist() == [128]


@pytest.mark.usefixtures("store")
def test_a_model_without_a_run_is_refused_with_the_way_out(model_files):
    with pytest.raises(ValueError, match="has no run of this model: send its log with `make send-log`"):
        promote(result(6.0), model_files[0])


@pytest.fixture
def _workspace(store, model_files) -> None:  # noqa: ARG001 - it needs the store's folder
    """A project after `dvc repro`: the model, its evaluation, and the lock that ties them together."""
    settings = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    settings["tracking"]["experiment"] = "ages"
    Path("params.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    MODEL.parent.mkdir()
    shutil.copy(model_files[0], MODEL)
    shutil.copy(model_files[0].with_suffix(".onnx"), MODEL.with_suffix(".onnx"))
    shutil.copy(model_files[0].with_name("decision.json"), DECISION)
    write_csv(PREDICTIONS, result(6.0).predictions)
    write_json(METRICS, result(6.0).metrics)
    entries = {
        path: {"path": str(path), "hash": "md5", "md5": file_md5(path)}
        for path in (MODEL, METRICS, PREDICTIONS, DECISION)
    }
    stage = {"cmd": "python stages/evaluate.py", "deps": [entries.pop(MODEL)], "outs": list(entries.values())}
    Path("dvc.lock").write_text(
        yaml.safe_dump({"schema": "2.0", "stages": {"evaluate": stage}}), encoding="utf-8"
    )
    train(MODEL)


def told(answer) -> str:
    return " ".join((answer.output + str(answer.exception.code if answer.exception else "")).split())


@pytest.mark.usefixtures("_workspace")
def test_the_command_tells_what_became_of_the_model():
    answer = CliRunner().invoke(app, ["promote"])
    assert answer.exit_code == 0
    assert "Version 1 of ages is the champion now: it meets the requirement" in told(answer)
    assert "is the champion already" in told(CliRunner().invoke(app, ["promote"]))


@pytest.fixture
def exporting(_workspace, monkeypatch) -> ModuleType:
    """The module that exports, which would start Keras, in a workspace without an export."""
    module = ModuleType("exporting")
    monkeypatch.setitem(sys.modules, "shopper_age.export.exporting", module)
    MODEL.with_suffix(".onnx").unlink()
    write_csv(SPLITS, pd.DataFrame({"file_name": ["a.jpg"], "real_age": [20.0], "split": ["test"]}))
    return module


def test_the_command_exports_the_model_where_it_must(exporting, model_files):
    def export(model_path, decision, data_path, splits):
        assert (model_path, data_path, len(splits)) == (MODEL, Path("data/faces"), 1)
        assert decision.model_md5 == file_md5(MODEL)
        shutil.copy(model_files[0].with_suffix(".onnx"), model_path.with_suffix(".onnx"))

    exporting.export = export
    answer = CliRunner().invoke(app, ["promote"])
    assert answer.exit_code == 0, told(answer)
    assert "no export of this model lies beside it: writing models/age_resnet50.onnx" in told(answer)


def test_the_command_tells_what_is_missing_where_it_cannot_export(exporting, store):
    def export(*_arguments):
        raise ModuleNotFoundError("No module named 'tf2onnx'")

    exporting.export = export
    answer = CliRunner().invoke(app, ["promote"])
    assert answer.exit_code == 1
    assert "something of that is not installed: No module named 'tf2onnx'. `make env`" in told(answer)
    assert store.search_model_versions() == []


@pytest.mark.usefixtures("_workspace")
def test_the_command_refuses_a_decision_of_another_evaluation():
    DECISION.write_text(DECISION.read_text(encoding="utf-8").replace("25.0", "20.0"), encoding="utf-8")
    answer = CliRunner().invoke(app, ["promote"])
    assert answer.exit_code == 1
    assert "models/decision.json is not what the last evaluation left" in told(answer)


@pytest.mark.usefixtures("_workspace")
def test_the_command_refuses_metrics_of_another_model(model_files, store):
    shutil.copy(model_files[1], "models/age_resnet50.keras")
    answer = CliRunner().invoke(app, ["promote"])
    assert answer.exit_code == 1
    assert (
        "models/age_resnet50.keras is not what the last evaluation left or looked at: run `dvc repro`"
        in told(answer)
    )
    assert champion(store) is None
    Path("models/age_resnet50.keras").unlink()
    assert "not found: run `dvc repro`" in told(CliRunner().invoke(app, ["promote"]))


@pytest.mark.parametrize(
    ("is_useful", "why"), [(False, "do not show that it is of any use"), (None, "run `dvc repro evaluate`")]
)
def test_what_is_not_shown_to_be_of_use_is_registered_but_never_the_champion(
    store, model_files, is_useful, why
):
    done = proposed(model_files[0], result(1.0, is_useful=is_useful))
    assert (done.version, done.is_champion, champion(store)) == ("1", False, None)
    assert why in done.sentence


def _of_shop(evaluation: Result, first: int) -> Result:
    """The evaluation with contents of photos that another shop does not have."""
    hashes = [f"{first + number:016x}" for number in range(N)]
    return Result("workspace", evaluation.predictions.assign(content_hash=hashes), evaluation.metrics, {})


def test_another_shops_photos_of_the_same_names_are_not_compared(store, model_files):
    assert proposed(model_files[0], _of_shop(result(2.0), 0)).is_champion
    other = proposed(model_files[1], _of_shop(result(1.0), 1000))
    assert not other.is_champion
    assert "cannot be compared with version 1, the champion: there is nothing to compare" in other.sentence
    assert champion(store) == 1


@pytest.mark.usefixtures("store")
def test_the_same_photos_are_compared_under_other_names(model_files):
    proposed(model_files[0], _of_shop(result(2.0, noise=0.1), 0))
    renamed = [f"shop/{name}" for name in NAMES]
    assert proposed(model_files[1], _of_shop(result(1.0, names=renamed, noise=0.1), 0)).is_champion


@pytest.mark.usefixtures("store")
def test_a_champion_is_not_deposed_by_fewer_photos_than_a_verdict_takes(model_files):
    proposed(model_files[0], result(2.0))
    few = result(1.0)
    few = Result("workspace", few.predictions.head(20), few.metrics, {})
    answer = proposed(model_files[1], few)
    assert not answer.is_champion
    assert "they share 20 test photos, and it takes at least 30" in answer.sentence
