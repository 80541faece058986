import re
from pathlib import Path

import pytest
import yaml
from dvc.utils.hydra import apply_overrides
from project import ROOT
from pydantic import ValidationError

from shopper_age.params import dotted, load_params

PARAMS = ROOT / "params.yaml"


@pytest.fixture
def changed(tmp_path):
    """A function that writes params.yaml with one value changed and returns its path."""

    def write(key, value):
        tree = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
        *sections, last = key.split(".")
        place = tree
        for section in sections:
            place = place[section]
        place[last] = value
        path = tmp_path / "params.yaml"
        path.write_text(yaml.safe_dump(tree), encoding="utf-8")
        return path

    return write


def test_the_projects_own_params_are_valid():
    assert load_params(PARAMS).evaluate.max_mae == 8


def test_every_line_of_the_projects_params_is_explained():
    lines = PARAMS.read_text(encoding="utf-8").splitlines()
    values = [
        i
        for i, line in enumerate(lines)
        if ":" in line and not line.strip().startswith("#") and line.split(":")[1]
    ]
    for i in values:
        above = next(line for line in reversed(lines[:i]) if ":" not in line or line.strip().startswith("#"))
        assert above.strip().startswith("#"), lines[i]


def test_settings_cannot_be_changed_by_accident():
    params = load_params(PARAMS)
    with pytest.raises(ValidationError, match="frozen"):
        params.epochs = 5


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("epochs", 0, r"'epochs' is 0: .*greater than or equal to 1"),
        ("epochs", "abc", r"'epochs' is 'abc'"),
        ("loss", "rmse", r"'loss' is 'rmse': .*'mse', 'mae', 'huber'"),
        ("learning_rate", "1e-3x", r"'learning_rate' is '1e-3x'"),
        ("learning_rate", float("nan"), r"'learning_rate' is nan"),
        ("train.precision", "half", r"'train.precision' is 'half'"),
        ("split.test_share", 1.5, r"'split.test_share' is 1.5: .*less than 1"),
        ("split.folds", 1, r"'split.folds' is 1: .*greater than or equal to 2"),
        ("split.calibration", "loo", r"'split.calibration' is 'loo': .*'validation' or 'cross'"),
        ("train.augmentation.zoom", -0.1, r"'train.augmentation.zoom' is -0.1"),
        ("evaluate.age_groups", [], r"'evaluate.age_groups' is \[\]: .*at least 1 item"),
        ("evaluate.age_groups", [5, 18], r"'evaluate.age_groups' is \[5, 18\]: .*must start at 0 and rise"),
        (
            "evaluate.age_groups",
            [0, 18, 12],
            r"'evaluate.age_groups' is \[0, 18, 12\]: .*start at 0 and rise",
        ),
        ("epoch", 20, r"unknown key 'epoch' \(value 20\)"),
        (
            "validate_data.min_age",
            100,
            r"'validate_data.max_age' is 100: must be above min_age, which is 100$",
        ),
        ("validate_data.max_age", 0, r"'validate_data.max_age' is 0: must be above min_age, which is 0$"),
        ("epochs", 10**18, r"'epochs' is 1000000000000000000: .*less than or equal to 100000"),
        ("train.frozen_epochs", 10**18, r"'train.frozen_epochs' is 10+: .*less than or equal to 100000"),
        ("epochs", "5", r"'epochs' is '5': must be a whole number; write 5 without quotes$"),
        ("epochs", 5.0, r"'epochs' is 5.0: must be a whole number; write 5$"),
        ("epochs", 5.5, r"'epochs' is 5.5: must be a whole number$"),
        (
            "learning_rate",
            "0.001",
            r"'learning_rate' is '0.001': must be a number; write 0.001 without quotes$",
        ),
        ("train.deterministic", "true", r"'train.deterministic' is 'true': must be true or false, without"),
        ("train.deterministic", 1, r"'train.deterministic' is 1: must be true or false"),
        ("weights", 7, r"""'weights' is 7: must be text; put it in double quotes: "7"$"""),
        ("evaluate.age_groups", [0, True], r"'evaluate.age_groups.1' is true: must be a whole number$"),
        ("evaluate.age_groups", list(range(200)), r"age_groups' is .*: Tuple should have at most 100 items"),
        ("data_path", "", r"'data_path' is '': must name the folder"),
        ("data_path", " ", r"'data_path' is ' ': must name the folder"),
        ("data_path", 3, r"'data_path' is 3: "),
        ("weights", ["x" * 100_000], r"'weights' is \['x+… \(100,004 characters\): must be text"),
        ("validate_data.max_age", 120, r"'validate_data.max_age' is 120: .*the model .* years 0 to 100"),
    ],
)
def test_a_bad_value_is_named_with_its_key_and_rule(changed, key, value, message):
    with pytest.raises(ValueError, match=message):
        load_params(changed(key, value))


def test_the_data_are_a_folder_or_an_address_that_stays_as_it_is_written(changed):
    assert load_params(changed("data_path", "./data/faces/")).data_path == Path("data/faces")
    assert load_params(changed("data_path", "s3://bucket/faces")).data_path == "s3://bucket/faces"


def test_all_bad_values_are_told_at_once(changed):
    path = changed("epochs", 0)
    path.write_text(re.sub(r"batch_size: \d+", "batch_size: 0", path.read_text()))
    with pytest.raises(ValueError, match=r"(?s)batch_size.*epochs"):
        load_params(path)


@pytest.mark.parametrize("choice", [True, False, "auto"])
def test_jit_compile_is_a_boolean_or_auto(changed, choice):
    found = load_params(changed("train.jit_compile", choice)).train.jit_compile
    assert (type(found), found) == (type(choice), choice)


@pytest.mark.parametrize("choice", ["auto", 1, 8])
def test_devices_are_a_number_or_auto(changed, choice):
    assert load_params(changed("train.devices", choice)).train.devices == choice


@pytest.mark.parametrize("choice", ["all", "2", 0, True, 1.0, None])
def test_devices_are_nothing_else(changed, choice):
    with pytest.raises(ValueError, match=r"'train.devices' is .*: must be auto, or a whole number from 1"):
        load_params(changed("train.devices", choice))


@pytest.mark.parametrize("text", ["true", "on", 1])
def test_jit_compile_is_no_other_text(changed, text):
    with pytest.raises(ValueError, match=rf"'train.jit_compile' is {text!r}: .*must be auto, true or false"):
        load_params(changed("train.jit_compile", text))


def test_a_missing_file_says_where_to_run(tmp_path):
    with pytest.raises(FileNotFoundError, match="project's top folder"):
        load_params(tmp_path / "params.yaml")


def test_broken_yaml_is_told(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("seed: [1", encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"params.yaml, line 1: expected ',' or '\]', but got '<stream end>'$"
    ):
        load_params(path)


def leaves(tree, before=""):
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


@pytest.mark.parametrize(("key", "own"), leaves(yaml.safe_load(PARAMS.read_text(encoding="utf-8"))))
def test_no_setting_takes_a_value_of_another_type(changed, key, own):
    others = [None, [], {}, "", "text", True, "1", [1]]
    like_own = {bool: bool, int: int, float: float, str: str, list: list, type(None): type(None)}[type(own)]
    for other in others:
        if isinstance(other, like_own) and isinstance(other, bool) == isinstance(own, bool):
            continue
        if key == "train.jit_compile" and isinstance(other, bool):
            continue
        with pytest.raises(ValueError, match=re.escape(key)) as refused:
            load_params(changed(key, other))
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("written", ["1e-05", "1e-5", "0.00001", "1.0e-05", "1E-5", "+1e-5"])
def test_a_small_number_is_one_however_it_is_written(tmp_path, written):
    path = tmp_path / "params.yaml"
    text = PARAMS.read_text(encoding="utf-8")
    path.write_text(re.sub(r"learning_rate: .*", f"learning_rate: {written}", text), encoding="utf-8")
    assert load_params(path).learning_rate == 1e-5


@pytest.mark.parametrize("content", ["", "seed", "- 1", "# nothing\n"])
def test_a_file_without_settings_is_told(tmp_path, content):
    path = tmp_path / "params.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match=r"params.yaml holds no settings, one `name: value` a line$"):
        load_params(path)


def test_a_thousand_unknown_keys_are_one_short_message(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("".join(f"key_{number}: 1\n" for number in range(1000)), encoding="utf-8")
    with pytest.raises(ValueError, match=r"and 9\d\d more$|and 1,\d\d\d more$") as refused:
        load_params(path)
    assert len(str(refused.value)) < 2_000


def test_nested_settings_are_named_by_their_full_name():
    settings = {"epochs": 5, "train": {"schedule": "cosine", "augmentation": {"zoom": 0.1}}, "none": {}}
    assert dotted(settings) == {"epochs": 5, "train.schedule": "cosine", "train.augmentation.zoom": 0.1}


def test_how_ages_are_known_is_one_of_four_words(changed):
    assert load_params(changed("evaluate.ages_are", "told")).evaluate.ages_are == "told"
    with pytest.raises(ValueError, match=r"'evaluate\.ages_are' is 'sure'"):
        load_params(changed("evaluate.ages_are", "sure"))


def _as_set(value):
    """A value as it is written behind `-S name=`."""
    written = {None: "null", True: "true", False: "false", "": '""'}
    if isinstance(value, list):
        return str(value).replace(" ", "")
    return written[value] if value is None or value == "" or isinstance(value, bool) else str(value)


@pytest.mark.parametrize(("key", "own"), leaves(yaml.safe_load(PARAMS.read_text(encoding="utf-8"))))
def test_an_experiment_with_another_setting_keeps_every_comment(tmp_path, key, own):
    path = tmp_path / "params.yaml"
    path.write_bytes(PARAMS.read_bytes())
    changes = [f"{key}={_as_set(own)}", "epochs=3", f"{key}={_as_set(own)}"]  # the second one lost some
    if key == "evaluate.shop":
        changes.insert(1, f"{key}={{customers_per_month:9,share_of_minors:0.1}}")
    for change in changes:
        apply_overrides(path, [change])
    kept = path.read_text(encoding="utf-8").splitlines()
    written = PARAMS.read_text(encoding="utf-8").splitlines()
    assert [line for line in written if line.strip().startswith("#") and line not in kept] == []
    load_params(path)
