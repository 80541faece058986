"""Origin of a result: hashes of what it was made of, at the end of report and model card.

Day, commit and run stand in MLflow's copies alone (`tracking.provenance.with_origin`): what lies in the
project does not change with the day.
"""

from collections.abc import Mapping
from pathlib import Path

from shopper_age import paths
from shopper_age.markdown import render
from shopper_age.runtime.checkout import dvc_md5
from shopper_age.runtime.hashing import file_md5


def input_hashes(data_path: str | Path) -> dict[str, str]:
    """The md5 of the `data` folder as DVC knows it ("" where it does not), of the `split` and of the `model`.

    Raises:
        FileNotFoundError: there is no split or no model.
    """
    return {
        "data": dvc_md5(data_path) or "",
        "split": file_md5(paths.SPLITS),
        "model": file_md5(paths.MODEL),
    }


def with_hashes(text: str, hashes: Mapping[str, str]) -> str:
    """A report in Markdown with the section of its hashes at its end."""
    return text.rstrip("\n") + "\n" + render("shopper_age.evaluation", "_hashes.md.j2", **hashes)
