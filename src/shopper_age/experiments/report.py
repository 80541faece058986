"""Report of a training for reviewers: the workspace against another revision, in Markdown."""

from shopper_age import paths
from shopper_age.experiments.dvc import WORKSPACE, metrics_diff, open_revision
from shopper_age.experiments.results import Result, read_result
from shopper_age.experiments.tables import as_markdown, compared, result_table

# The pictures of an evaluation that tell most.
PICTURES = (
    "training_curves.png",
    "predicted_against_true.png",
    "error_by_age.png",
    "error_histogram.png",
    "group_confusion.png",
    "id_trade_off.png",
)

# What a result is compared with unless told otherwise; it need not be there, as before the first push.
BASE = "origin/main"


def training_report(base: str = BASE) -> str:
    """The comparison with `base`, the metrics that differ, and those of PICTURES that were made.

    It shows no people, since it is made to be published. Where there is nothing to compare with, because the
    workspace's result is the first one or is of other photos, it shows that result alone and says why.

    Args:
        base: a DVC experiment, or anything Git calls a revision.

    Raises:
        ValueError: there is no such revision, and it is not BASE.
        FileNotFoundError: the workspace has no result.
    """
    result = read_result(WORKSPACE)
    if problem := _lacks_result(base):
        parts = ["## The result of the workspace", f"Nothing to compare with: {problem}.", _table(result)]
    else:
        parts = [
            f"## The workspace against {base}",
            *_comparison(base, result),
            "<details><summary>All metrics that changed</summary>",
            metrics_diff(base, paths.METRICS).strip(),
            "</details>",
        ]
    pictures = [paths.EVALUATION / name for name in PICTURES if not paths.shows_people(name)]
    return "\n\n".join(
        [*parts, *(f"![{file.stem}]({file.as_posix()})" for file in pictures if file.is_file())]
    )


def _lacks_result(base: str) -> str:
    """Why there is no result to compare with; empty where there is one."""
    try:
        read = open_revision(base)
    except ValueError as error:
        if base != BASE:  # somebody's own word, which may be misspelt
            raise
        return str(error)
    try:
        read(paths.METRICS)
    except FileNotFoundError:
        return f"nothing was evaluated in `{base}`"
    return ""


def _comparison(base: str, result: Result) -> list[str]:
    try:
        return [as_markdown(part) for part in compared(read_result(base), result)]
    except (ValueError, OSError) as error:
        return [str(error), _table(result)]


def _table(result: Result) -> str:
    return as_markdown(result_table(result.metrics))
