"""Operations on a run: what a run logs, as values that can be kept on disk and carried out later."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# One thing to log, as JSON can hold it: its `kind`, its `time`, and the fields of that kind.
Operation = dict[str, Any]

# In a description, what the address of the run's page takes the place of, once there is a run.
RUN_PAGE = "RUN_PAGE"


def new_operation(kind: str, **fields: Any) -> Operation:
    """An operation of this moment: its `time` is in milliseconds since 1970, as MLflow counts."""
    return {"kind": kind, "time": now(), **fields}


def now() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


@dataclass(frozen=True)
class EvaluationOf:
    """What tells evaluations apart: the md5 of the model file, and the key of their settings and photos."""

    model_md5: str
    key: str


@dataclass(frozen=True)
class RunRequest:
    """The run that is wanted: the store finds it or makes it.

    key: names a training for good, in every store; an evaluation has one that nobody asks for.
    time: of the request, in milliseconds since 1970.
    store: the address of the store it is meant for, without its credentials.
    experiment, name, tags: those of the run in MLflow.
    evaluation: None for a training.
    parent: the key of the training that this one is a part of, if it is.
    """

    key: str
    time: int
    store: str
    experiment: str
    name: str
    tags: Mapping[str, str]
    evaluation: EvaluationOf | None = None
    parent: str | None = None

    def to_operation(self) -> Operation:
        """The operation that opens the run, the first line of an offline log."""
        operation = {
            "kind": "open",
            "time": self.time,
            "key": self.key,
            "store": self.store,
            "experiment": self.experiment,
            "name": self.name,
            "tags": dict(self.tags),
        }
        if self.evaluation is not None:
            operation |= {"model_md5": self.evaluation.model_md5, "evaluation_key": self.evaluation.key}
        if self.parent is not None:
            operation["parent"] = self.parent
        return operation

    @classmethod
    def from_operation(cls, operation: Operation) -> "RunRequest":
        """The request that `to_operation` made this of.

        Raises:
            KeyError: a field is missing.
        """
        is_evaluation = "model_md5" in operation
        return cls(
            key=operation["key"],
            time=operation["time"],
            store=operation["store"],
            experiment=operation["experiment"],
            name=operation["name"],
            tags=operation["tags"],
            evaluation=EvaluationOf(operation["model_md5"], operation["evaluation_key"])
            if is_evaluation
            else None,
            parent=operation.get("parent"),
        )
