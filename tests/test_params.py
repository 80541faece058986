import re

import pytest
import yaml
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
        ("train.augmentation.zoom", -0.1, r"'train.augmentation.zoom' is -0.1"),
        ("evaluate.age_groups", [], r"'evaluate.age_groups' is \[\]: .*at least 1 item"),
        ("evaluate.age_groups", [5, 18], r"'evaluate.age_groups' is \[5, 18\]: .*must start at 0 and rise"),
        (
            "evaluate.age_groups",
            [0, 18, 12],
            r"'evaluate.age_groups' is \[0, 18, 12\]: .*start at 0 and rise",
        ),
        ("epoch", 20, r"unknown key 'epoch' \(value 20\)"),
        ("validate_data.max_age", 120, r"'validate_data.max_age' is 120: .*the model .* years 0 to 100"),
        ("validate_data.min_age", 100, r"min_age \(100.0\) must be below max_age"),
    ],
)
def test_a_bad_value_is_named_with_its_key_and_rule(changed, key, value, message):
    with pytest.raises(ValueError, match=message):
        load_params(changed(key, value))


def test_all_bad_values_are_told_at_once(changed):
    path = changed("epochs", 0)
    path.write_text(re.sub(r"batch_size: \d+", "batch_size: 0", path.read_text()))
    with pytest.raises(ValueError, match=r"(?s)batch_size.*epochs"):
        load_params(path)


@pytest.mark.parametrize("choice", [True, False, "auto"])
def test_jit_compile_is_a_boolean_or_auto(changed, choice):
    found = load_params(changed("train.jit_compile", choice)).train.jit_compile
    assert (type(found), found) == (type(choice), choice)


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
    with pytest.raises(ValueError, match="not valid YAML"):
        load_params(path)


def test_nested_settings_are_named_by_their_full_name():
    settings = {"epochs": 5, "train": {"schedule": "cosine", "augmentation": {"zoom": 0.1}}, "none": {}}
    assert dotted(settings) == {"epochs": 5, "train.schedule": "cosine", "train.augmentation.zoom": 0.1}
