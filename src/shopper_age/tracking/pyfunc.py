"""A model as an MLflow folder: models from code, no pickle."""

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class PyfuncParts:
    """What MLflow makes a model of that answers in Python."""

    script: Path  # which MLflow runs to load the model
    package: Path  # folder of the package that the script imports from
    artifacts: Mapping[str, Path]  # files and folders that the script finds by these names
    requirements: Sequence[str]  # pinned, all that script and package import
    inputs: Mapping[str, str]  # types of MLflow by column, such as `string`; `any` for several
    outputs: Mapping[str, str]
    example: Mapping[str, Any]  # an input: a value by column
    settings: Mapping[str, Any]  # which who loads the model may change
    text: str  # what to ask the model with, for its page
    digest: str  # changes with whatever changes the answers of the same model


def save_pyfunc(parts: PyfuncParts, target: Path, *, run_id: str) -> None:
    """Writes the MLflow folder of a model, which names the run that trained it, to `target`."""
    import mlflow.pyfunc
    import pandas as pd
    from mlflow.models import Model, ModelSignature

    with _importable(parts.package), _quiet():
        mlflow.pyfunc.save_model(
            str(target),
            python_model=str(parts.script),
            code_paths=[str(parts.package)],
            artifacts={name: str(path) for name, path in parts.artifacts.items()},
            pip_requirements=list(parts.requirements),
            signature=ModelSignature(_schema(parts.inputs), _schema(parts.outputs, required=False)),
            input_example=pd.DataFrame([dict(parts.example)]),
            model_config=dict(parts.settings),
            mlflow_model=Model(artifact_path=target.name, run_id=run_id, metadata={"input": parts.text}),
        )


def _schema(columns: Mapping[str, str], *, required: bool = True) -> Any:
    from mlflow.types.schema import AnyType, ColSpec, Schema

    return Schema(
        [
            ColSpec(AnyType() if kind == "any" else kind, name, required=required)
            for name, kind in columns.items()
        ]
    )


@contextmanager
def _importable(package: Path) -> Iterator[None]:
    """MLflow runs the script when it saves it; afterwards the package is as unknown as before."""
    before = list(sys.path)
    sys.path.insert(0, str(package.parent))
    try:
        yield
    finally:
        sys.path[:] = before
        for name in [name for name in sys.modules if name.partition(".")[0] == package.name]:
            del sys.modules[name]


@contextmanager
def _quiet() -> Iterator[None]:
    """MLflow says that it validates the example."""
    logger = logging.getLogger("mlflow.pyfunc")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
