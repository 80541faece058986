"""dvc.yaml against the code: code left out of `deps` would keep old results "up to date"."""

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml
from project import ROOT

import shopper_age
from shopper_age import paths
from shopper_age.training import resuming

PACKAGE = ROOT / "src" / "shopper_age"
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
DEMO = yaml.safe_load((ROOT / "data" / "dvc.yaml").read_text(encoding="utf-8"))["stages"]["draw_demo"]
VARIABLES = {name: value for entry in PIPELINE["vars"] for name, value in entry.items()}
STAGES = ["validate_data", "eda", "split", "train", "evaluate"]


def _filled_in(path: str) -> str:
    for name, value in VARIABLES.items():
        path = path.replace("${" + name + "}", value)
    return path


def _code_deps(deps: Iterable[str], folder: Path = ROOT) -> list[Path]:
    """The folders and files of the package among the deps."""
    places = [(folder / _filled_in(dep)).resolve() for dep in deps]
    return [place for place in places if place.is_relative_to(PACKAGE)]


def _imported(path: Path) -> set[Path]:
    """The project's modules that a file imports, also inside functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            if node.module == "shopper_age":  # which imports some names when they are first touched
                names |= {f"shopper_age.{shopper_age._HOME.get(alias.name)}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    places = [ROOT / "src" / Path(*name.split(".")) for name in names if name.startswith("shopper_age")]
    return {place.with_suffix(".py") for place in places if place.with_suffix(".py").is_file()}


def _is_exempt(module: Path) -> bool:
    """Values of params are tracked as params, paths stand in dvc.yaml; tracking and where the work is done
    change no result."""
    rooms = ("distributed", "tracking")
    return module.parent.name in rooms or module in (PACKAGE / "params.py", PACKAGE / "paths.py")


def _closure(*scripts: Path) -> set[Path]:
    """The modules that these scripts use, directly or through another, and the templates beside them."""
    found: set[Path] = set()
    waiting = list(scripts)
    while waiting:
        new = {module for module in _imported(waiting.pop()) if not _is_exempt(module)} - found
        found |= new
        waiting += new
    return found | {template for module in found for template in module.parent.glob("templates/*")}


def _in_deps(file: Path, deps: Iterable[Path]) -> bool:
    return any(file.is_relative_to(dep) for dep in deps)


USERS = {
    **{
        name: ((ROOT / "stages" / f"{name}.py",), _code_deps(PIPELINE["stages"][name]["deps"]))
        for name in STAGES
    },
    "draw_demo": (
        (PACKAGE / "demo" / "__main__.py",),
        _code_deps(DEMO["deps"], ROOT / "data"),
    ),
}


def test_the_five_stages_stand_in_their_order():
    assert list(PIPELINE["stages"]) == STAGES


@pytest.mark.parametrize("name", USERS)
def test_a_stage_depends_on_all_code_and_templates_that_it_uses(name):
    scripts, deps = USERS[name]
    missing = [file for file in _closure(*scripts) if not _in_deps(file, deps)]
    assert not missing


@pytest.mark.parametrize("name", USERS)
def test_a_stage_depends_on_nothing_that_it_does_not_use(name):
    scripts, deps = USERS[name]
    used = _closure(*scripts) | set(scripts)
    idle = [dep for dep in deps if not any(file.is_relative_to(dep) for file in used)]
    assert not idle


def test_only_what_decides_the_weights_retrains_the_model():
    rooms = {dep.relative_to(PACKAGE).as_posix() for dep in USERS["train"][1]}
    assert rooms == {"data", "model", "runtime", "training"} == set(resuming.ROOMS)


def test_every_template_of_a_room_that_stages_use_belongs_to_a_stage():
    used = {dep.relative_to(PACKAGE).parts[0] for _, deps in USERS.values() for dep in deps}
    templates = [path for path in PACKAGE.rglob("*.j2") if path.relative_to(PACKAGE).parts[0] in used]
    assert templates
    for template in templates:
        assert any(_in_deps(template, deps) for _, deps in USERS.values()), template


def test_a_folder_among_the_dependencies_counts_no_bytecode():
    assert "__pycache__" in (ROOT / ".dvcignore").read_text(encoding="utf-8").split()


def test_importers_of_public_sets_are_no_dependency_of_any_stage():
    ignored = (ROOT / ".dvcignore").read_text(encoding="utf-8").split("\n")
    assert "/src/shopper_age/data/importers" in ignored
    for scripts, _ in USERS.values():
        assert not any(file.is_relative_to(PACKAGE / "data" / "importers") for file in _closure(*scripts))


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_is_described_and_named_alike_everywhere(name):
    stage = PIPELINE["stages"][name]
    assert stage["desc"].endswith(".")
    assert stage["cmd"] == f"python stages/{name}.py"
    assert (ROOT / "stages" / f"{name}.py").read_text(encoding="utf-8").startswith(f'"""Stage {name}: ')


def test_the_paths_of_the_code_are_those_of_the_pipeline():
    kinds = ("outs", "metrics", "plots", "deps")
    entries = [
        entry for stage in PIPELINE["stages"].values() for kind in kinds for entry in stage.get(kind, [])
    ]
    declared = {_filled_in(entry if isinstance(entry, str) else next(iter(entry))) for entry in entries}
    folders = {Path(path).parent.as_posix() for path in declared}
    for name, path in vars(paths).items():
        if name.isupper() and path not in (paths.PARAMS, paths.DVC_LOCK, paths.DEMO):
            assert path.as_posix() in declared | folders, name
    assert paths.DEMO.as_posix() == f"data/{DEMO['outs'][0]}"
    assert paths.is_demo("data/demo")
    assert not paths.is_demo("data/faces")
