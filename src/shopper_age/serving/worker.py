"""One request at a time is answered, some wait, and any further one is sent away."""

import asyncio
import math
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np

from shopper_age.inference.answers import PhotoAnswer
from shopper_age.inference.predictor import Predictor
from shopper_age.serving.limits import Limits, RequestError

# Weight of the last request in the running mean of seconds per request.
_WEIGHT = 0.1


class Place:
    """A request's place in the server, kept for as long as its work goes on."""

    def __init__(self) -> None:
        self.work: Future[list[PhotoAnswer]] | None = None


class Worker:
    """Answers with one thread, which has all cores to itself: two at a time would both take twice as long."""

    def __init__(self, predictor: Predictor, limits: Limits) -> None:
        self._predictor = predictor
        self._limits = limits
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="answers")
        self._lock = threading.Lock()
        self._n_taken = 0
        self._mean_seconds = 0.0
        self._busy_since: float | None = None

    @property
    def n_taken(self) -> int:
        """Requests that are read, wait or are worked on."""
        return self._n_taken

    @property
    def is_stuck(self) -> bool:
        """Whether one request is worked on for longer than any may take."""
        since = self._busy_since
        return since is not None and time.monotonic() - since > self._limits.max_seconds

    @contextmanager
    def place(self) -> Iterator[Place]:
        """A place for one request, from before its body is read.

        Raises:
            RequestError: all are taken (429).
        """
        with self._lock:
            if self._n_taken >= self._limits.max_requests:
                seconds = max(1, math.ceil(self._mean_seconds * self._n_taken))
                raise RequestError(
                    429,
                    "busy",
                    f"{self._n_taken} requests are waiting already: try again in {seconds} s",
                    {"Retry-After": str(seconds)},
                )
            self._n_taken += 1
        taken = Place()
        try:
            yield taken
        finally:
            if taken.work is None:
                self._leave()
            else:  # at once, or when work ends that nobody waits for any longer
                taken.work.add_done_callback(lambda _: self._leave())

    async def answer(self, photos: Sequence[bytes], place: Place) -> list[PhotoAnswer]:
        """An answer for each photo file.

        Raises:
            RequestError: it took too long (503).
        """
        place.work = self._thread.submit(self._predict, photos)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(place.work), self._limits.max_seconds)
        except TimeoutError:
            raise RequestError(
                503,
                "timeout",
                f"no answer within {self._limits.max_seconds:g} seconds: send fewer or smaller photos",
                {"Retry-After": str(math.ceil(self._limits.max_seconds))},
            ) from None

    def warm_up(self) -> None:
        """Answers for a grey picture: the first customer need not wait, and a broken engine is told."""
        size = self._predictor.decision.image_size
        list(self._predictor.predict([np.full((size, size, 3), 128, np.uint8)]))

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _predict(self, photos: Sequence[bytes]) -> list[PhotoAnswer]:
        start = self._busy_since = time.monotonic()
        try:
            return list(self._predictor.predict(photos))
        finally:
            self._busy_since = None
            self._mean_seconds += _WEIGHT * (time.monotonic() - start - self._mean_seconds)

    def _leave(self) -> None:
        with self._lock:
            self._n_taken -= 1
