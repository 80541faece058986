"""Report of a training for reviewers: the workspace against another revision, in Markdown."""

from io import StringIO

from rich.console import Console

from shopper_age import paths
from shopper_age.experiments.dvc import WORKSPACE, metrics_diff
from shopper_age.experiments.results import read_result
from shopper_age.experiments.tables import compared

# The pictures of an evaluation that tell most.
PICTURES = (
    "training_curves.png",
    "predicted_against_true.png",
    "error_by_age.png",
    "error_histogram.png",
    "group_confusion.png",
    "id_trade_off.png",
)

# Characters in a line of the comparison; a page of GitHub has room for as many.
_WIDTH = 120


def training_report(base: str) -> str:
    """The comparison with `base`, the metrics that differ, and those of PICTURES that were made.

    It shows no people, since it is made to be published. Where the two results cannot be compared, because
    `base` was never evaluated for instance, it says why instead.

    Args:
        base: a DVC experiment, or anything Git calls a revision.

    Raises:
        ValueError: there is no such revision.
    """
    pictures = [paths.EVALUATION / name for name in PICTURES if not paths.shows_people(name)]
    return "\n\n".join(
        [
            f"## The workspace against {base}",
            f"```\n{_comparison(base)}\n```",
            "<details><summary>All metrics that changed</summary>",
            metrics_diff(base, paths.METRICS).strip(),
            "</details>",
            *(f"![{file.stem}]({file.as_posix()})" for file in pictures if file.is_file()),
        ]
    )


def _comparison(base: str) -> str:
    try:
        parts = compared(read_result(base), read_result(WORKSPACE))
    except (ValueError, OSError) as error:
        return str(error)
    console = Console(file=StringIO(), width=_WIDTH)
    with console.capture() as captured:
        for part in parts:
            console.print(part, highlight=False)
    return captured.get().rstrip()
