"""The process that started this one, such as DVC, and whether it is still there."""

import os
from pathlib import Path

# DVC starts a stage by a shell, which may stay between the two and outlive DVC.
_SHELLS = {"ash", "bash", "dash", "fish", "ksh", "sh", "zsh"}

# Who adopts processes whose parent has ended.
_ADOPTERS = {"docker-init", "dumb-init", "init", "launchd", "systemd", "tini"}

_PARENT = 1  # the field of /proc/PID/stat, counted after the name


class Parent:
    """The ancestors of this process up to the first that is no shell, as they are now."""

    def __init__(self) -> None:
        self._ancestors = _ancestors()

    def is_gone(self) -> bool:
        """Whether one of them has ended, since or before: whoever loses its parent gets another."""
        told = _name_and_parent(self._ancestors[-1])
        is_adopted = told is not None and told[0] in _ADOPTERS
        return is_adopted or _ancestors(len(self._ancestors)) != self._ancestors


def is_started_by_dvc() -> bool:
    return bool(os.environ.get("DVC_STAGE") or os.environ.get("DVC_ROOT"))


def _ancestors(n: int | None = None) -> list[int]:
    """The `n` nearest, or all up to the first that is no shell; without /proc the parent alone."""
    ancestors = [os.getppid()]
    while n is None or len(ancestors) < n:
        told = _name_and_parent(ancestors[-1])
        if told is None or (n is None and told[0] not in _SHELLS):
            break
        ancestors.append(told[1])
    return ancestors


def _name_and_parent(pid: int) -> tuple[str, int] | None:
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    name, _, rest = told.partition("(")[2].rpartition(")")  # a name may hold brackets and blanks
    return name, int(rest.split()[_PARENT])
