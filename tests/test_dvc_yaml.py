"""dvc.yaml against the code: a module left out of `deps` would keep old results "up to date"."""

import ast
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "shopper_age"
# Values of params are tracked as params; tracking changes no result, and provenance only names it.
EXEMPT = ("__init__.py", "params.py", "provenance.py")
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
STAGES = ["validate_data", "eda", "split", "train", "evaluate"]


def _imported(path: Path) -> set[Path]:
    """The project's modules that a file imports, also inside functions."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    places = [ROOT / "src" / Path(*name.split(".")) for name in names if name.startswith("shopper_age")]
    packages = [*places, *(place.parent for place in places)]
    files = [place.with_suffix(".py") for place in places] + [place / "__init__.py" for place in packages]
    return {file for file in files if file.is_file()}


def _closure(path: Path) -> set[Path]:
    found: set[Path] = set()
    waiting = [path]
    while waiting:
        for module in _imported(waiting.pop()):
            is_exempt = module.parent.name == "tracking" or (
                module.parent == PACKAGE and module.name in EXEMPT
            )
            if module not in found and not is_exempt:
                found.add(module)
                waiting.append(module)
    return found


def _dependencies(stage: dict, variables: dict[str, str]) -> list[str]:
    paths = []
    for path in stage["deps"]:
        for name, value in variables.items():
            path = path.replace("${" + name + "}", value)
        paths.append(path)
    return paths


VARIABLES = {name: value for entry in PIPELINE["vars"] for name, value in entry.items()}


def test_the_five_stages_stand_in_their_order():
    assert list(PIPELINE["stages"]) == STAGES


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_every_module_it_uses_and_on_no_other(name):
    script = f"stages/{name}.py"
    dependencies = _dependencies(PIPELINE["stages"][name], VARIABLES)
    used = {str(module.relative_to(ROOT)) for module in _closure(ROOT / script)}
    assert {path for path in dependencies if path.endswith(".py")} == used | {script}


def test_the_demo_depends_on_every_module_it_uses():
    stage = yaml.safe_load((ROOT / "data" / "dvc.yaml").read_text(encoding="utf-8"))["stages"]["draw_demo"]
    used = {f"../{module.relative_to(ROOT)}" for module in _closure(PACKAGE / "demo.py")}
    assert set(stage["deps"]) == used | {"../src/shopper_age/demo.py"}


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_is_described_and_named_alike_everywhere(name):
    stage = PIPELINE["stages"][name]
    assert stage["desc"].endswith(".")
    assert stage["cmd"] == f"python stages/{name}.py"


@pytest.mark.parametrize("name", ["validate_data", "eda", "split"])
def test_stages_without_a_network_import_none(name):
    heavy = {"tensorflow", "keras", "mlflow", "sklearn"}
    for module in {ROOT / "stages" / f"{name}.py", *_closure(ROOT / "stages" / f"{name}.py")}:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not heavy & {imported.split(".")[0] for imported in names}, module


def test_only_tracking_imports_mlflow():
    importers = {
        path.relative_to(PACKAGE).parts[0]
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (
            isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "mlflow" for alias in node.names)
        )
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "mlflow")
    }
    assert importers == {"tracking"}
