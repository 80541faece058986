"""The checkout: its root folder, its commit, and what DVC knows of its files."""

import os
import subprocess
from pathlib import Path

from shopper_age.runtime.object_store import is_url


def project_root() -> Path:
    """The user's checkout, where whatever must outlive one run of the pipeline belongs.

    Inside `dvc exp run --temp` and `--queue` DVC_ROOT names the user's checkout, while the working folder
    and Git's top level are a copy that DVC throws away. Else it is the top of DVC's project, which may lie
    within a checkout of Git's as demo/ does; without DVC it is Git's top level, without Git the working
    folder.
    """
    if root := os.environ.get("DVC_ROOT"):
        return Path(root)
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / ".dvc").is_dir():
            return folder
        if (folder / ".git").exists():
            break
    return Path(git("rev-parse", "--show-toplevel") or here)


def untracked_folder(path: str | Path) -> str:
    """A sentence on what to do before an experiment in a copy can find a folder; "" where it will.

    `dvc exp run --temp` and `--queue` copy what Git knows and check out what DVC knows. Of another folder
    DVC itself says no more than "No such file or directory".
    """
    if is_url(path):
        return ""
    folder, root = Path(path), Path.cwd()
    if folder.is_absolute() or not Path(".dvc").is_dir() or git("rev-parse", "HEAD") is None:
        return ""  # found from everywhere, or no project of DVC, which lets experiments run from a commit on
    folder = Path(os.path.normpath(folder))
    for place in (folder, *folder.parents[:-1]):
        if git("ls-files", f"{place}.dvc"):
            return ""
        if place.name in _made_in(place.parent):
            return ""  # and so will be in the copy
    if (root / folder).is_symlink():
        return (
            f"{path} is a link, which experiments in a copy (--temp, --queue, sweep) lack: for those set "
            f"data_path in params.yaml to {os.path.realpath(folder)}."
        )
    return (
        f"{path} is not under DVC and Git yet: experiments in a copy (--temp, --queue, sweep) will find the "
        f"photos after `dvc add {path}` and `git add {folder}.dvc`."
    )


def _made_in(folder: Path) -> set[str]:
    """What the stages of a folder's dvc.yaml make beside it."""
    import yaml

    if not (path := folder / "dvc.yaml").is_file():
        return set()
    stages = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("stages", {})
    return {str(out) for stage in stages.values() for out in stage.get("outs", [])}


def dvc_md5(path: str | Path) -> str | None:
    """The hash by which dvc.lock knows a dependency or output of a finished stage; None where it does not.

    However the path is written: as DVC does, with ./ before, a slash behind, or from the root.
    """
    try:
        hashes = read_dvc_lock()
    except FileNotFoundError:
        return None
    return {_place(known): md5 for known, md5 in reversed(hashes.items())}.get(_place(path))


def read_dvc_lock(stage: str | None = None) -> dict[str, str | None]:
    """The md5 of each dependency and output in dvc.lock by its path, those of one stage or of all.

    A path that several stages have is that of the first.

    Raises:
        FileNotFoundError: there is no dvc.lock: no stage has been run.
    """
    import yaml

    lock = Path("dvc.lock")
    if not lock.is_file():
        raise FileNotFoundError(f"{lock} not found: run `dvc repro`")
    stages = yaml.safe_load(lock.read_text(encoding="utf-8")).get("stages", {})
    hashes: dict[str, str | None] = {}
    for name, entries in stages.items():
        if stage in (None, name):
            for entry in (*entries.get("deps", []), *entries.get("outs", [])):
                hashes.setdefault(entry["path"], entry.get("md5"))
    return hashes


def _place(path: str | Path) -> Path:
    """The absolute path; links stay as they are, since DVC knows a linked folder by the link's name."""
    return Path(path).absolute()


def git(*arguments: str) -> str | None:
    try:
        answer = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()
