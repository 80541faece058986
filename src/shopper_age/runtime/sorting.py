"""Sorting of more texts than shall be in memory."""

import heapq
import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from tempfile import TemporaryFile

# Texts in memory at once. A hundred million of them are 763 open files, below the usual limit of 1,024.
_PORTION = 131_072


def sorted_texts(texts: Iterable[str]) -> Iterator[str]:
    """The texts in the order of `sorted`, in flat memory: sorted portions lie in temporary files."""
    left = iter(texts)
    portion = sorted(islice(left, _PORTION))
    if len(portion) < _PORTION:
        yield from portion
        return
    with ExitStack() as stack:
        portions = []
        while portion:
            file = stack.enter_context(TemporaryFile("w+", encoding="ascii"))
            file.writelines(json.dumps(text) + "\n" for text in portion)
            file.seek(0)
            portions.append(map(json.loads, file))
            portion = sorted(islice(left, _PORTION))
        yield from heapq.merge(*portions)
