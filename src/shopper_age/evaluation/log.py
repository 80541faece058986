"""Logging of an evaluation to MLflow."""

from pathlib import Path
from tempfile import TemporaryDirectory

from shopper_age import paths
from shopper_age.evaluation.result import Evaluation
from shopper_age.markdown import render
from shopper_age.params import Params
from shopper_age.runtime.checkout import dvc_md5
from shopper_age.runtime.hashing import content_key
from shopper_age.runtime.progress import with_progress
from shopper_age.tracking import RunLogger, evaluation_run
from shopper_age.tracking.provenance import git_commit, with_origin

# Those that MLflow gets with day, commit and run.
_DATED = ("report.md", "MODEL_CARD.md")

_FOLDERS = (paths.VALIDATION, paths.EDA, paths.SPLIT, paths.EVALUATION)

_TABLES = ".csv"  # they name every photo, and DVC has them


def log_evaluation(evaluation: Evaluation, params: Params) -> None:
    """Logs an evaluation to the run of the model that lies at `paths.MODEL`.

    These are the metrics, a summary as the run's description, the data set, and the JSON, Markdown and
    figures of all stages' report folders but that of the training, which logged its own.
    """
    settings = params.evaluate.model_dump(mode="json")
    data_md5 = dvc_md5(params.data_path) or "unknown"
    with evaluation_run(
        params.tracking.experiment,
        model_path=paths.MODEL,
        evaluation_key=content_key(settings, paths.SPLITS),
        params={"evaluate": settings},
        tags={"data_md5": data_md5},
        log_photos=params.tracking.log_photos,
    ) as run:
        run.log_dataset(
            params.data_path.name,
            digest=data_md5,
            source=params.data_path,
            n_rows=evaluation.n_photos,
            context="testing",
        )
        run.log_metrics(evaluation.metrics)
        description = render("shopper_age.evaluation", "run_description.md.j2", **evaluation.metrics)
        run.describe(description.strip())
        for folder in _FOLDERS:
            _log_reports(run, folder)


def _log_reports(run: RunLogger, folder: Path) -> None:
    files = [
        file
        for file in sorted(folder.iterdir())
        if file.is_file() and file.suffix != _TABLES and not file.name.startswith(".")
    ]
    for file in with_progress(files, f"logging {folder.name} to MLflow", len(files), "files"):
        if folder == paths.EVALUATION and file.name in _DATED:
            _log_dated(run, file)
        else:
            run.log_artifact(file, folder.name, shows_people=paths.shows_people(file))


def _log_dated(run: RunLogger, file: Path) -> None:
    facts = {"commit": git_commit(), "MLflow run": f"{run.name} ({run.store_id or 'not in the store yet'})"}
    text = with_origin(file.read_text(encoding="utf-8"), facts)
    with TemporaryDirectory() as folder:  # the store or its offline log takes the file at once
        copy = Path(folder, file.name)
        copy.write_text(text, encoding="utf-8")
        run.log_artifact(copy, file.parent.name)
