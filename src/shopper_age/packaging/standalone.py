"""Copies of modules of this package under a name of their own, which travel with a model.

Whoever loads the model runs the code that it was registered with, beside whatever version of this package is
installed there, or none.
"""

import ast
import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

_PACKAGE = __name__.partition(".")[0]

_SOURCE = Path(__file__).resolve().parents[1]

_NAME = re.compile(rf"\b{_PACKAGE}\b")


def copy_modules(modules: Sequence[str], target: Path) -> str:
    """Writes copies of modules, and of all that they import of this package, as a package of its own.

    Imports inside of functions are not followed: name what they need among `modules`.

    Args:
        modules: such as `shopper_age.inference.predictor`.
        target: the folder that gets the package's folder.

    Returns:
        The new package's name, `shopper_age_` and eight digits of the code's hash: two models bring the same
        name if they bring the same code.
    """
    sources = {module: _path(module).read_text(encoding="utf-8") for module in sorted(_imported(modules))}
    digest = hashlib.sha256(repr(sorted(sources.items())).encode()).hexdigest()[:8]
    name = f"{_PACKAGE}_{digest}"
    for module, source in sources.items():
        path = target / name / _path(module).relative_to(_SOURCE)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(renamed(source, name), encoding="utf-8")
    # the package's own gathers names of all rooms
    (target / name / "__init__.py").write_text('"""Modules of shopper-age that a model needs."""\n')
    return name


def renamed(source: str, name: str) -> str:
    """Source code that imports from the package `name` what it imported from this one."""
    return _NAME.sub(name, source)


def _imported(modules: Sequence[str]) -> set[str]:
    """These modules, and all that importing them loads of this package, but for the package itself."""
    waiting, found = list(modules), set[str]()
    while waiting:
        module = waiting.pop()
        if module in found or module == _PACKAGE:
            continue
        found.add(module)
        waiting.append(module.rpartition(".")[0])
        waiting += _imports(ast.parse(_path(module).read_text(encoding="utf-8")))
    return found


def _imports(tree: ast.Module) -> Iterator[str]:
    """The modules of this package that a module imports when it is imported itself."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (name for name in names if name.startswith(f"{_PACKAGE}.") and _path(name).is_file())


def _path(module: str) -> Path:
    place = _SOURCE.joinpath(*module.split(".")[1:])
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
