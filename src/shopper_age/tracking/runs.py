"""MLflow runs of trainings and evaluations, as context managers."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from shopper_age.runtime.hashing import file_md5
from shopper_age.runtime.interruption import INTERRUPTIONS, termination_raises
from shopper_age.tracking.logger import RunLogger
from shopper_age.tracking.mlflow_internals import PROCESS
from shopper_age.tracking.operations import EvaluationOf, RunRequest, now
from shopper_age.tracking.provenance import process_id, provenance, run_name, user_name
from shopper_age.tracking.secrets import without_credentials
from shopper_age.tracking.store import store_uri
from shopper_age.tracking.timeouts import error_text


@contextmanager
def training_run(
    experiment: str,
    *,
    params: Mapping[str, Any],
    tags: Mapping[str, Any] | None = None,
    resume_id: str | None = None,
    parent: RunLogger | None = None,
    name: str = "",
    log_photos: bool = False,
) -> Iterator[RunLogger]:
    """The run of one training, FINISHED when the block ends well, FAILED or, interrupted, KILLED when not.

    Args:
        experiment: the MLflow experiment.
        params: what decides about the weights; settings of later stages belong to their evaluations.
        tags: further facts, such as data_md5 and gpu; commit, DVC names, versions, hardware are set here.
        resume_id: the `id` of the interrupted run of the same training. Its epochs are not logged twice;
            where the store has no such run, a new one takes that id.
        parent: the run of the training that this one is a part of; MLflow shows this one below it.
        name: what follows the usual name of a run.
        log_photos: whether artifacts that show people are uploaded.
    """
    request = _request(
        experiment, key=resume_id, parent=parent.id if parent else None, name=run_name() + name
    )
    with _ending(RunLogger(request, log_photos=log_photos)) as run:
        run.log_params(params)
        run.set_tags({**(tags or {}), **({"resumed": True} if resume_id else {})})
        yield run


@contextmanager
def evaluation_run(
    experiment: str,
    *,
    model_path: str | Path,
    evaluation_key: str,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    log_photos: bool = False,
) -> Iterator[RunLogger]:
    """The run that an evaluation of this very model file belongs to.

    It is the run that trained the file, found by its md5; where the store never saw that training, a new
    run tagged trained_elsewhere; where that run holds an evaluation with another key, a child run. So no
    evaluation overwrites another's metrics, and the same evaluation renews its own.

    Args:
        experiment: the MLflow experiment.
        model_path: the model file.
        evaluation_key: changes with the evaluation's settings and the photos it looks at (`content_key`).
        params: the settings of the evaluation.
        tags: further facts.
        log_photos: whether artifacts that show people are uploaded.
    """
    request = _request(experiment, evaluation=EvaluationOf(file_md5(model_path), evaluation_key))
    with _ending(RunLogger(request, log_photos=log_photos)) as run:
        run.log_params(params or {})
        run.set_tags(tags or {})
        yield run


@contextmanager
def sweep_run(
    experiment: str, *, name: str, params: Mapping[str, Any], tags: Mapping[str, Any]
) -> Iterator[RunLogger]:
    """The run of a sweep, with those of its trials below it; it ends as that of a training does."""
    request = _request(experiment, name=name)
    with _ending(RunLogger(request, log_photos=False, watches_hardware=False)) as run:
        run.log_params(params)
        run.set_tags(tags)
        yield run


def open_trial_run(
    sweep: RunLogger, experiment: str, *, name: str, params: Mapping[str, Any], tags: Mapping[str, Any]
) -> RunLogger:
    """The run of a trial, which may run on another machine; the caller has to `finish` it.

    It is no context manager, because trials begin and end in any order.

    Args:
        sweep: the run that MLflow shows this one below.
        name: the whole name of the run.
    """
    request = _request(experiment, parent=sweep.id, name=name)
    run = RunLogger(request, log_photos=False, watches_hardware=False)
    run.log_params(params)
    run.set_tags(tags)
    return run


def _request(
    experiment: str,
    *,
    key: str | None = None,
    evaluation: EvaluationOf | None = None,
    parent: str | None = None,
    name: str = "",
) -> RunRequest:
    """The request for a run of this process; the tags that begin with mlflow fill columns of its page."""
    tags = {
        **provenance(),
        PROCESS: process_id(),
        "mlflow.user": user_name(),
        "mlflow.source.name": Path(sys.argv[0]).name,
        "mlflow.source.type": "LOCAL",
    }
    if "git_commit" in tags:
        tags["mlflow.source.git.commit"] = tags["git_commit"]
    return RunRequest(
        key=key or uuid4().hex,
        time=now(),
        store=without_credentials(store_uri()),
        experiment=experiment,
        name=name or run_name(),
        tags=tags,
        evaluation=evaluation,
        parent=parent,
    )


@contextmanager
def _ending(run: RunLogger) -> Iterator[RunLogger]:
    try:
        with termination_raises():
            yield run
    except BaseException as error:
        run.set_tags({"error": error_text(error)})
        run.finish("KILLED" if isinstance(error, INTERRUPTIONS) else "FAILED")
        raise
    run.finish("FINISHED")
