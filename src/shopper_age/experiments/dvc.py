"""DVC as the project uses it: experiments, their queue, and files of any revision.

What has a command is asked of the command, whose output DVC keeps stable. The rest is its Python API, of
which it promises `dvc.api` alone; all of that which the project uses stands here.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shopper_age.runtime.csv_tables import ENCODING
from shopper_age.runtime.messages import clip, shorten, shorten_list
from shopper_age.runtime.object_store import is_url

if TYPE_CHECKING:
    from dvc.repo.experiments.queue.celery import LocalCeleryQueue


# DVC's name for the files as they lie in the project's folder.
WORKSPACE = "workspace"

# Names that the error about an unknown one shows.
_MAX_NAMES = 30


def show_experiments() -> list[dict[str, Any]]:
    """The workspace, the present commit and its experiments, those in the queue and the failed ones included.

    Entries are like those under `experiments` in `dvc exp show --json`. `dvc.api.exp_show()` names the same
    experiments, but makes one table of them: there 5 epochs are 5.0, a list is a text, and `mae` is called by
    its file as well when another file has one.

    Raises:
        ValueError: DVC cannot list them, for instance because this folder is no project under Git.
    """
    baselines = json.loads(_dvc("exp", "show", "--json", problem="DVC cannot list the experiments"))
    return [
        entry for baseline in baselines for entry in (_as_entry(baseline), *(baseline["experiments"] or []))
    ]


def _as_entry(baseline: Mapping[str, Any]) -> dict[str, Any]:
    """The workspace or a commit in the form of an experiment."""
    name = (
        WORKSPACE
        if baseline["rev"] == WORKSPACE
        else f"{baseline.get('name') or baseline['rev'][:7]} (commit)"
    )
    return {"name": name, "revs": [baseline], "is_baseline": True}


def metrics_diff(revision: str, path: Path) -> str:
    """A Markdown table of the metrics in a file that differ between a revision and the workspace.

    Raises:
        ValueError: there is no such revision, or DVC cannot read the file.
    """
    arguments = ("metrics", "diff", "--md", "--no-path", "--targets", path.as_posix(), "--", revision)
    return _dvc(*arguments, problem=f"DVC cannot compare the metrics with `{revision}`")


def queue_experiments(name: str, settings: Sequence[str]) -> None:
    """Puts an experiment for each combination of `settings` into DVC's queue.

    Args:
        name: of the experiments, which are NAME-1, NAME-2, … (or NAME, if alone).
        settings: parts such as `epochs=5,10`.

    Raises:
        ValueError: DVC refuses them.
    """
    options = [argument for part in settings for argument in ("--set-param", part)]
    _dvc("exp", "run", "--queue", "--name", name, *options, problem="DVC refuses the grid")


def combinations(grid: Sequence[str]) -> list[list[str]]:
    """The combinations of a grid, in the order in which DVC queues them, each as `dvc exp run -S` takes it.

    Example: `["epochs=5,10", "loss=mae"]` gives `["epochs=5", "loss=mae"]` and `["epochs=10", "loss=mae"]`.

    Raises:
        ValueError: DVC refuses the grid.
    """
    from dvc.exceptions import DvcException
    from dvc.utils.hydra import get_hydra_sweeps
    from hydra.errors import HydraException

    try:
        sweeps: list[dict[str, list[str]]] = get_hydra_sweeps({"": list(grid)})
    except (DvcException, HydraException) as error:
        raise ValueError(f"DVC refuses the grid: {clip(str(error))}") from None
    return [sweep[""] for sweep in sweeps]


def apply_settings(path: Path, settings: Sequence[str]) -> None:
    """Changes settings in a file as `dvc exp run -S` does.

    Raises:
        ValueError: DVC refuses them.
    """
    from dvc.exceptions import DvcException
    from dvc.utils.hydra import apply_overrides

    try:
        apply_overrides(path, list(settings))
    except DvcException as error:
        raise ValueError(f"DVC refuses {' '.join(settings)}: {clip(str(error.__cause__ or error))}") from None


def is_outdated(stage: str) -> bool:
    """Whether what a stage made is missing or does not fit its settings and what it was made from.

    Raises:
        ValueError: DVC cannot tell, for instance because this folder is no project.
    """
    return bool(json.loads(_dvc("status", "--json", stage, problem=f"DVC knows no state of {stage}")))


@contextmanager
def open_queue() -> Iterator["ExperimentQueue"]:
    """The queue of experiments of the project in the working folder."""
    from dvc.repo import Repo

    with Repo() as repo:
        yield ExperimentQueue(repo.experiments.celery_queue)


class ExperimentQueue:
    """DVC's queue of experiments, and the workers that run them in the background."""

    def __init__(self, queue: "LocalCeleryQueue") -> None:
        self._queue = queue

    def start_workers(self, n: int) -> None:
        self._queue.start_workers(n)

    def states(self) -> dict[str, str]:
        """Queued, Running, Success or Failed, by experiment; nothing if a worker was writing just then."""
        from dvc.exceptions import DvcException

        try:
            tasks = self._queue.status()
        except (DvcException, OSError, ValueError):
            return {}
        return {task["name"]: task["status"] for task in tasks if task["name"]}

    def has_worker(self) -> bool:
        return bool(self._queue.worker_status())


def check_tracked(path: str | Path) -> None:
    """Makes sure that a queued experiment finds a folder: it runs in a copy of what Git and DVC know.

    An address in an object store leads to the same place from there.

    Raises:
        ValueError: the folder is not under DVC, Git does not know DVC's file of it, or this is no project.
    """
    if is_url(path):
        return
    from dvc.exceptions import NotDvcRepoError, OutputNotFoundError
    from dvc.repo import Repo
    from dvc.scm import NoSCM

    try:
        repo = Repo()
    except NotDvcRepoError as error:
        raise ValueError(f"{error}: go to the project's top folder first") from None
    with repo:
        try:
            (out, *_) = repo.find_outs_by_path(str(path))
        except OutputNotFoundError:
            raise ValueError(
                f"{path} is not under DVC, so that an experiment in the queue would not find the "
                f"photos: run `dvc add {path}` and `git add {path}.dvc` first"
            ) from None
        if not isinstance(repo.scm, NoSCM) and out.stage.path_in_repo in repo.scm.untracked_files():
            raise ValueError(
                f"Git does not know {out.stage.path_in_repo}, so that an experiment in the queue would not "
                f"find the photos: run `git add {out.stage.path_in_repo}` first"
            )


def open_revision(name: str) -> Callable[[Path], str]:
    """A function that reads a text file of a revision, from Git or from DVC's cache or remote.

    It raises FileNotFoundError where the file is not at hand.

    Args:
        name: a DVC experiment, or anything Git calls a revision.

    Raises:
        ValueError: there is no such name (the message lists those there are), or this is no DVC project.
    """
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException, NotDvcRepoError
    from dvc.repo import Repo
    from dvc.scm import NoSCMError, RevError, SCMError, resolve_rev
    from scmrepo.exceptions import SCMError as GitError

    try:
        with Repo() as repo:
            files = DVCFileSystem(rev=resolve_rev(repo.scm, name))
    except RevError:
        raise ValueError(f"there is no `{shorten(name)}` here; {_nameable()}") from None
    except (NotDvcRepoError, NoSCMError):
        raise ValueError(
            f"`{name}` cannot be looked up: this folder is no DVC project under Git; only `{WORKSPACE}` can"
        ) from None
    except GitError as error:  # which DVC does not make its own
        if "Empty git repo" not in str(error):
            raise ValueError(f"`{name}` cannot be looked up: {error}") from None
        raise ValueError(
            f"`{name}` cannot be looked up: this repository has no commit yet; `git commit` makes the first, "
            f"until then there is only `{WORKSPACE}`"
        ) from None

    def read(path: Path) -> str:
        try:
            return files.read_bytes(str(path)).decode(**ENCODING)  # with the line breaks that it has
        except (OSError, DvcException, SCMError) as error:
            raise FileNotFoundError(
                f"`{name}` has no {path} at hand ({error}). If it was evaluated elsewhere, try "
                "`dvc fetch --all-commits` or `dvc exp pull`; else run the pipeline there"
            ) from error

    return read


def cache_folder() -> Path | None:
    """The folder of DVC's cache; None where this is no project of DVC, or there is no such folder yet."""
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            folder = Path(repo.cache.local_cache_dir)
    except NotDvcRepoError:
        return None
    return folder if folder.is_dir() else None


def has_remote() -> bool:
    """Whether the project in the working folder has a DVC remote."""
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            return bool(repo.config["remote"])
    except NotDvcRepoError:
        return False


def _nameable() -> str:
    """What could have been meant: experiments, branches and tags."""
    from dvc.repo import Repo

    with Repo() as repo:
        experiments = [name for found in repo.experiments.ls(all_commits=True).values() for name, _ in found]
        branches, tags = repo.scm.list_branches(), repo.scm.list_tags()
    kinds = {"experiments": experiments, "branches": branches, "tags": tags}
    known = "; ".join(f"{kind} {_listed(names)}" for kind, names in kinds.items() if names)
    return f"name `{WORKSPACE}`, a commit, or one of these: {known}"


def _listed(names: list[str]) -> str:
    return shorten_list(sorted(names), _MAX_NAMES)


def _dvc(*arguments: str, problem: str) -> str:
    """What a command of DVC prints."""
    command = [sys.executable, "-m", "dvc", *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise ValueError(f"{problem}: {clip(answer.stderr.strip())}")
    return answer.stdout
