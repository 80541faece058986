"""Logging of an evaluation to MLflow."""

from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

from shopper_age import paths
from shopper_age.evaluation.html_page import html_page
from shopper_age.evaluation.report import render_run_description
from shopper_age.evaluation.result import Evaluation
from shopper_age.params import Params
from shopper_age.runtime.checkout import dvc_md5
from shopper_age.runtime.files import write_text
from shopper_age.runtime.hashing import content_key
from shopper_age.runtime.progress import with_progress
from shopper_age.tracking import RUN_PAGE, RunLogger, evaluation_run
from shopper_age.tracking.provenance import git_commit, provenance, with_origin

# Those that MLflow gets with day, commit and run.
_DATED = ("report.md", "MODEL_CARD.md")

_FOLDERS = (paths.VALIDATION, paths.EDA, paths.SPLIT, paths.EVALUATION)

_TABLES = ".csv"  # they name every photo, and DVC has them

_MARKDOWN = ".md"  # MLflow shows neither its pictures nor its links: it gets a page with the pictures in it


def log_evaluation(evaluation: Evaluation, params: Params) -> None:
    """Logs an evaluation to the run of the model that lies at `paths.MODEL`.

    These are the metrics, a summary as the run's description, the data set, and the JSON, the reports as
    HTML and the figures of all stages' report folders but that of the training, which logged its own.
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
            # MLflow notes a use of data of another name alone
            f"{PurePath(params.data_path).name} (test part)",
            digest=data_md5,
            source=params.data_path,
            n_rows=evaluation.test.y_true.size,
            context="testing",
        )
        run.log_metrics(evaluation.metrics)
        run.describe(
            render_run_description(
                evaluation,
                is_demo=paths.is_demo(params.data_path),
                run_page=RUN_PAGE,
                dvc_experiment=provenance().get("dvc_experiment"),
            )
        )
        for folder in _FOLDERS:
            _log_reports(run, folder, log_photos=params.tracking.log_photos)


def _log_reports(run: RunLogger, folder: Path, *, log_photos: bool) -> None:
    files = [
        file
        for file in sorted(folder.iterdir())
        if file.is_file() and file.suffix != _TABLES and not file.name.startswith(".")
    ]
    for file in with_progress(files, f"logging {folder.name} to MLflow", len(files), "files"):
        if file.suffix == _MARKDOWN:
            _log_page(
                run, file, is_dated=folder == paths.EVALUATION and file.name in _DATED, log_photos=log_photos
            )
        else:
            run.log_artifact(file, folder.name, shows_people=paths.shows_people(file))


def _log_page(run: RunLogger, file: Path, *, is_dated: bool, log_photos: bool) -> None:
    text = file.read_text(encoding="utf-8")
    if is_dated:
        facts = {
            "commit": git_commit(),
            "MLflow run": f"{run.name} ({run.store_id or 'not in the store yet'})",
        }
        text = with_origin(text, facts)
    with TemporaryDirectory() as folder:  # the store or its offline log takes the file at once
        page = Path(folder, file.with_suffix(".html").name)
        write_text(page, html_page(text, file.parent, with_people=log_photos))
        run.log_artifact(page, file.parent.name)
