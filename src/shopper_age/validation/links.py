"""Links among the photos: which of them may be followed."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from threading import Lock

from shopper_age.data.tables import LABELS_FILE, PHOTO_FOLDER

_ONE_AT_A_TIME = Lock()


def check_photo_folder(data_path: str | Path) -> None:
    """Raises ValueError when the photo folder is a link: DVC would not see its photos change."""
    folder = Path(data_path, PHOTO_FOLDER)
    if folder.is_symlink():
        raise ValueError(
            f"{folder} is a link to {os.path.realpath(folder)}, and DVC does not look through links inside "
            f"{data_path}: it would not notice changed photos. Make {data_path} itself the link, or set "
            f"data_path in params.yaml to the folder that really holds {LABELS_FILE} and {PHOTO_FOLDER}."
        )


def link_problem(folder: Path, path: Path) -> tuple[str, str] | None:
    """The rule that a photo breaks by where its links lead, with a detail; None where it breaks none.

    A link may lead to a photo inside the folder, or into DVC's cache, which is how DVC itself lays out a
    folder with `cache.type symlink`. `folder` must be free of links.
    """
    target = Path(os.path.realpath(path))
    is_inside = target.is_relative_to(folder)
    if target == path or (is_inside and os.path.lexists(target)):
        return None
    if not os.path.lexists(target):
        if not path.is_symlink() and is_inside:
            return None
        lost = " Get it back by `dvc checkout` or `dvc pull`." if _is_in_cache(folder, path, target) else ""
        return "missing_photo", f"a link to {target}, which is gone.{lost}"
    if _is_in_cache(folder, path, target):
        return None
    return "unsafe_path", f"leads to {target}"


def _is_in_cache(folder: Path, path: Path, target: Path) -> bool:
    # DVC links files, never folders
    if not path.is_symlink() or not Path(os.path.realpath(path.parent)).is_relative_to(folder):
        return False
    with _ONE_AT_A_TIME:
        cache_folder = dvc_cache_folder(Path.cwd())
    return cache_folder is not None and target.is_relative_to(cache_folder)


@cache
def dvc_cache_folder(project: Path) -> Path | None:
    """DVC's cache of the project, free of links; None where DVC is missing or knows no project there."""
    command = [sys.executable, "-m", "dvc", "cache", "dir"]
    answer = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    if answer.returncode or not answer.stdout.strip():
        return None
    return Path(os.path.realpath(project / answer.stdout.strip().splitlines()[-1]))
