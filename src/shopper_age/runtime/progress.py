"""Progress bars of long work: with the time left, in terminals alone."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tqdm import tqdm

from shopper_age.runtime.interruption import INTERRUPTIONS

_T = TypeVar("_T")


@contextmanager
def progress_bar(what: str, n: int | None, unit: str = "photos") -> Iterator[Callable[[int], None]]:
    """A bar on standard error while the block runs, if that is a terminal; the value takes what is done more.

    Where Ctrl-C or a signal ends the block, the exception gets a note of how far it came.

    Args:
        what: the work, such as "decoding".
        n: how much there is of it, if that is known.
        unit: in what it is counted, plural.
    """
    n_done = 0
    bar = new_bar(what, n, unit)

    def advance(n_more: int) -> None:
        nonlocal n_done
        n_done += n_more
        bar.update(n_more)

    try:
        yield advance
    except INTERRUPTIONS as interruption:
        interruption.add_note(f"{what}: {n_done:,}{f' of {n:,}' if n is not None else ''} {unit} done")
        raise
    finally:
        bar.close()


def with_progress(items: Iterable[_T], what: str, n: int | None, unit: str = "photos") -> Iterator[_T]:
    """The items, one by one, with a bar that counts them as they are taken."""
    with progress_bar(what, n, unit) as advance:
        for item in items:
            yield item
            advance(1)


def new_bar(what: str, n: int | None, unit: str, *, n_done: int = 0) -> tqdm:
    """The bar itself, for callbacks; who makes it closes it. `n_done` do not count for the speed."""
    size = shutil.get_terminal_size()
    return tqdm(
        total=n,
        initial=n_done,
        desc=what,
        unit=f" {unit}",
        disable=None,
        leave=False,
        # tqdm draws nothing in a terminal that says it has no size, as those of containers do
        ncols=size.columns - 1,
        nrows=size.lines,
    )
