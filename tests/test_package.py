"""The package as a whole: its map, and what importing it costs."""

import re
import subprocess
import sys
import tomllib

from project import ROOT

import shopper_age

PACKAGE = ROOT / "src" / "shopper_age"


def rooms_of_the_map() -> list[str]:
    """The names in the map of the docstring, from the top down."""
    return re.findall(r"^    ([a-z]+) {2,}\S", shopper_age.__doc__, flags=re.MULTILINE)


def test_the_map_names_every_room_once():
    rooms = {
        path.stem for path in PACKAGE.iterdir() if path.stem != "__init__" and path.suffix in ("", ".py")
    }
    assert sorted(rooms_of_the_map()) == sorted(rooms - {"__pycache__"})


def test_the_map_has_the_order_that_the_linter_holds():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (layers,) = [
        contract["layers"]
        for contract in settings["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    ]
    heights = {
        room.strip(): height for height, layer in enumerate(layers) for room in re.split(r"[|:]", layer)
    }
    found = [heights[room] for room in rooms_of_the_map()]
    assert found == sorted(found)


def test_importing_the_package_loads_no_heavy_library():
    code = "import shopper_age, sys; print(sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "shopper_age" in done.stdout
    for library in ("keras", "mlflow", "numpy", "pandas", "tensorflow"):
        assert f"'{library}'" not in done.stdout
