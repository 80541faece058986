"""A pool of threads for work on photos, one for each usable core."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Event
from typing import Any

import cv2

from shopper_age.runtime.machine import usable_cores


def in_threads(work: Callable[[int], Any], n: int) -> None:
    """Calls `work` with 0, 1, ..., n - 1 and returns when all is done, or raises what one of them raised.

    It gains where `work` spends its time outside Python: in decoding, resizing, warping.
    """
    n_shares = min(n, usable_cores())
    is_given_up = Event()

    def do_share(first: int) -> None:
        for number in range(first, n, n_shares):
            if is_given_up.is_set():
                return
            work(number)

    # a task for each core: handing over a task for each photo would take a tenth of a photo's time
    try:
        list(_threads().map(do_share, range(n_shares)))
    except BaseException:  # Ctrl-C, too: Python waits for its threads before it ends
        is_given_up.set()
        raise


@cache
def _threads() -> ThreadPoolExecutor:
    cv2.setNumThreads(1)  # OpenCV's own threads would only get into the way of these
    return ThreadPoolExecutor(usable_cores())
