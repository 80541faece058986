"""The model as MLflow loads it from a folder."""

import base64
import importlib.metadata
import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from answering import CROPS, SIDE, decision, photo
from mlflow import pyfunc
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import scoring_server
from PIL import Image
from tiny_onnx import write_exported_model, write_tiny_onnx

from shopper_age.demo.faces import draw_face
from shopper_age.inference.answers import COLUMNS, rows
from shopper_age.inference.decision import DecisionError
from shopper_age.inference.predictor import Predictor
from shopper_age.packaging.parts import REQUIREMENTS, pack_model
from shopper_age.runtime.hashing import file_md5
from shopper_age.tracking.pyfunc import save_pyfunc


def _models(folder, **decided):
    return write_exported_model(folder / "age.keras", side=SIDE, **decided)


def _no_export():
    raise AssertionError("an export that fits is taken as it is")


def _packed(path, folder):
    folder.mkdir()
    return pack_model(path, folder, export=_no_export)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return _models(tmp_path_factory.mktemp("pyfunc") / "models")


@pytest.fixture(scope="module")
def saved(models):
    """The folder that MLflow loads."""
    target = models.parents[1] / "model"
    save_pyfunc(_packed(models, models.parents[1] / "parts"), target, run_id="0" * 32)
    return target


@pytest.fixture(scope="module")
def model(saved):
    path = list(sys.path)
    yield pyfunc.load_model(str(saved))
    sys.path[:] = path


def _file(pixels, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def _text(content):
    return base64.b64encode(content).decode()


def _ask(model, *photos):
    return model.predict(pd.DataFrame({"photo": list(photos)})).to_dict("records")


def test_it_answers_as_predict_does_in_a_row_for_each_photo(model, models):
    files = [_file(photo(age)) for age in (8, 20, 60)]
    expected = [rows(answer)[0] for answer in Predictor.load(models.parent).predict(files)]
    found = _ask(model, *map(_text, files))
    assert [row["age"] for row in found] == [8, 20, 60]
    shared = ["age", "low", "high", "age_group", "ask_for_id", "reason"]
    assert [[row[name] for name in shared] for row in found] == [
        [row[name] for name in shared] for row in expected
    ]
    assert set(found[0]) == {*COLUMNS, "faces"} - {"file_name", "face"}


def test_bytes_text_and_text_in_lines_are_the_same_photo(model):
    content = _file(photo(30))
    found = _ask(model, content, _text(content), base64.encodebytes(content).decode(), memoryview(content))
    assert [row["age"] for row in found] == [30] * 4
    for one in ({"photo": _text(content)}, pd.DataFrame({"photo": [[_text(content)]]})):
        assert model.predict(one)["age"].tolist() == [30]
    assert model.predict(pd.DataFrame({"photo": [[content, content]]}))["age"].tolist() == [30, 30]


def test_a_bad_photo_is_a_row_with_its_problem_and_the_others_are_answered(model, tmp_path):
    on_disk = tmp_path / "there.png"
    on_disk.write_bytes(_file(photo(30)))
    bad = [str(on_disk), on_disk, "no base64!", "AAA", _text(b"no photo"), "", b"", None, 3, float("nan")]
    *found, good = _ask(model, *bad, _file(photo(40)))
    assert good["age"] == 40
    assert good["problem"] is None
    for row in found:
        assert row["problem"].startswith("unreadable_photo")
        assert (row["faces"], row["ask_for_id"], row["reason"]) == (0, True, "no estimate: unreadable_photo")
        assert row["age"] is None


def test_what_is_missing_is_none_and_numbers_are_numbers(model):
    good, bad = (model.predict(pd.DataFrame({"photo": [one]})) for one in (_file(photo(40)), "bad"))
    assert (good["age"].dtype, good["faces"].dtype, good["ask_for_id"].dtype) == (float, int, bool)
    assert (
        good.loc[0, ["problem", "left"]].tolist() == bad.loc[0, ["age", "age_group"]].tolist() == [None] * 2
    )
    assert model.metadata.get_output_schema().input_names() == list(good.columns)


def test_the_answers_keep_the_index_of_the_table(model):
    table = pd.DataFrame({"photo": [_file(photo(40))] * 2}, index=["till 7", "till 9"])
    assert model.predict(table).index.tolist() == ["till 7", "till 9"]


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (pd.DataFrame({"photo": []}), "holds no photo"),
        (pd.DataFrame({"picture": ["AAAA"]}), "missing inputs"),
        (
            pd.DataFrame({"photo": [b"A" * 7_000_000, "A" * 28_000_000]}),
            r"26\.7 MiB of photos are more than 20",
        ),
    ],
    ids=["no photo", "another column", "27 MB"],
)
def test_a_request_that_cannot_be_answered_is_the_clients_fault(model, table, why):
    with pytest.raises(MlflowException, match=why) as told:
        model.predict(table)
    assert told.value.get_http_status_code() == 400


def test_mlflows_server_answers_and_refuses_in_json(model):
    def ask(body):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        schema = model.metadata.get_input_schema()
        try:
            answer = scoring_server.invocations(content, "application/json", model, schema)
        except MlflowException as error:  # of which the server makes an answer
            return error.get_http_status_code(), json.loads(error.serialize_as_json())
        return answer.status, json.loads(answer.response, parse_constant=pytest.fail)

    good = _text(_file(photo(30)))
    for body in (
        {"dataframe_records": [{"photo": good}, {"photo": "bad"}]},
        {"dataframe_split": {"columns": ["photo"], "data": [[good], ["bad"]]}},
        {"inputs": [good, "bad"]},
        {"inputs": {"photo": [good, "bad"]}},
        {"instances": [{"photo": good}, {"photo": "bad"}]},
    ):
        status, answer = ask(body)
        assert (status, [row["age"] for row in answer["predictions"]]) == (200, [30, None])
    for body in (
        b"",
        b"hello",
        _file(photo(30)),
        {},
        {"dataframe_records": []},
        {"dataframe_split": {"columns": ["photo"], "data": []}},
        {"dataframe_records": [{"picture": good}]},
        {"inputs": "/etc/passwd"},
        {"dataframe_records": [{"photo": "A" * 50_000_000}]},
    ):
        status, answer = ask(body)
        assert (status, bool(answer["message"])) == (400, True)


def test_who_loads_the_model_may_let_more_photos_in(saved):
    path = list(sys.path)
    try:
        small = pyfunc.load_model(str(saved), model_config={"max_mib": 0.001})
    finally:
        sys.path[:] = path
    with pytest.raises(MlflowException, match=r"more than 0\.001"):
        _ask(small, b"A" * 2000)


def test_the_example_shows_nobody_and_can_be_asked_with(model):
    (content,) = model.input_example["photo"]
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
    assert pixels.shape == (SIDE, SIDE, 3)
    assert np.ptp(pixels) == 0
    assert len(model.predict(model.input_example)) == 1


def test_it_answers_with_the_code_that_it_brings(model, saved):
    assert model.predict(model.input_example)["age"].tolist() == [128]
    (package,) = (saved / "code").iterdir()
    loaded = [module for name, module in sys.modules.items() if name.startswith(package.name)]
    assert {package / "inference/predictor.py", package / "detection/mtcnn.py"} <= {
        Path(module.__file__) for module in loaded
    }
    assert all(Path(module.__file__).is_relative_to(package) for module in loaded)


def test_its_code_imports_what_it_brings_or_requires_and_nothing_else(saved):
    (package,) = (saved / "code").iterdir()
    imported = {"onnxruntime"}  # within functions, as keras, which the registered model never reaches
    for path in (saved / "pyfunc_model.py", *package.rglob("*.py")):
        imported.update(re.findall(r"^(?:import|from) (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE))
    distributions = importlib.metadata.packages_distributions()
    foreign = imported - sys.stdlib_module_names - {package.name}
    assert foreign >= {"cv2", "mlflow", "numpy", "simplejpeg", "PIL"}
    for name in foreign:
        assert set(distributions[name]) & set(REQUIREMENTS), f"{name} is not among the requirements"
    pinned = dict(line.split("==") for line in (saved / "requirements.txt").read_text().split())
    assert pinned == {name: importlib.metadata.version(name) for name in REQUIREMENTS}


def test_networks_of_the_face_detector_come_with_a_model_that_learnt_from_crops(tmp_path, monkeypatch):
    saved = tmp_path / "model"
    save_pyfunc(
        _packed(_models(tmp_path / "models", faces=CROPS), tmp_path / "parts"), saved, run_id="0" * 32
    )
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)  # the detector's package is not there
    model = pyfunc.load_model(str(saved))
    one = draw_face(40, np.random.default_rng(0)).convert("RGB").resize((160, 160))
    two = Image.new("RGB", (400, 200), (120, 120, 120))
    two.paste(one, (10, 20))
    two.paste(one.resize((120, 120)), (240, 40))
    alone, together, none = _ask(
        model, *(_file(np.asarray(image)) for image in (one, two, two.crop((0, 0, 9, 9))))
    )
    assert (alone["faces"], alone["problem"]) == (1, None)
    assert 0 < alone["left"] < alone["right"] < 160
    assert (together["faces"], together["ask_for_id"], together["reason"]) == (2, True, "2 faces")
    assert together["right"] - together["left"] > 60
    assert (none["faces"], none["problem"]) == (0, "no_face")


def test_the_same_model_is_the_same_content_and_another_decision_is_not(tmp_path):
    path = _models(tmp_path / "models")
    first, again = (_packed(path, tmp_path / name).digest for name in ("first", "again"))
    decision(model_md5=file_md5(path), max_interval_width=5.0).save(path.with_name("decision.json"))
    assert first == again != _packed(path, tmp_path / "other").digest


@pytest.mark.parametrize("state", ["missing", "of another model", "broken"])
def test_an_export_that_does_not_fit_is_made_anew(tmp_path, state):
    path = _models(tmp_path / "models")
    onnx = path.with_suffix(".onnx")
    match state:
        case "missing":
            onnx.unlink()
        case "of another model":
            write_tiny_onnx(onnx, model_md5="other", side=SIDE)
        case "broken":
            onnx.write_bytes(onnx.read_bytes()[:60])
    (tmp_path / "parts").mkdir()
    parts = pack_model(
        path,
        tmp_path / "parts",
        export=lambda: write_tiny_onnx(onnx, model_md5=file_md5(path), side=SIDE, factor=2),
    )
    assert (parts.artifacts["model"] / "age.onnx").read_bytes() == onnx.read_bytes()


def test_what_could_not_be_loaded_is_not_packed(tmp_path):
    with pytest.raises(DecisionError, match="nothing says how to crop"):
        _packed(_models(tmp_path / "models", detect="always", faces=None), tmp_path / "parts")
    onnx = _models(tmp_path / "others").with_suffix(".onnx")
    onnx.unlink()
    (tmp_path / "other parts").mkdir()
    with pytest.raises(DecisionError, match="is not the model"):
        pack_model(
            onnx.with_suffix(".keras"),
            tmp_path / "other parts",
            export=lambda: write_tiny_onnx(onnx, model_md5="other", side=SIDE),
        )


def test_a_decision_of_another_model_is_refused(tmp_path):
    path = _models(tmp_path / "models")
    path.write_bytes(b"other weights")
    with pytest.raises(DecisionError, match="is not the model that its decision"):
        _packed(path, tmp_path / "parts")
