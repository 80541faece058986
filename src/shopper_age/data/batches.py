"""Batches for every backend of Keras, made by threads ahead of the model."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import keras

# The cores share the photos of a batch; a second batch keeps them busy while the last photos of the first are
# awaited and it is handed over.
_MADE_AT_ONCE = 2

_MADE_AHEAD = 2


class Batches(keras.utils.PyDataset):
    """Batches that follow from the number of the epoch and of the step; `len(data)` of them make an epoch.

    `data.epoch` is the number of the next epoch, from 0. It counts up with every pass of a loop or of
    `model.fit`; setting it resumes there. `fit(steps_per_epoch=…)` takes `len(data)` or nothing: of fewer
    steps TensorFlow's next epoch would begin with the batches that were made ahead.

    Args:
        n: batches per epoch.
        make: makes a batch from the numbers of the epoch and the step; equal numbers give equal batches,
            whichever thread asks, in whichever order.
    """

    def __init__(self, n: int, make: Callable[[int, int], Any]) -> None:
        # On TensorFlow, Keras's own threads are needed: without them it leaves tf.data's autotuning on, for
        # whose thread an epoch's end may wait, up to a minute. Elsewhere they would be wrong: Keras takes a
        # batch to build the model, and what its threads made beyond it would come first in the first epoch.
        has_keras_threads = keras.backend.backend() == "tensorflow"
        super().__init__(workers=_MADE_AT_ONCE if has_keras_threads else 1, max_queue_size=_MADE_AHEAD)
        self._n = n
        self._make = make
        self._threads = ThreadPoolExecutor(_MADE_AT_ONCE)
        self._ahead: dict[tuple[int, int], Future] = {}
        self._looked_at: dict[tuple[int, int], Any] = {}
        self._is_in_epoch = False
        self._is_at_end = False
        self.epoch = 0
        self.error: Exception | None = None  # the last one, which TensorFlow wraps: see `plain_errors`

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, step: int) -> Any:
        key = self.epoch, step
        self._is_at_end |= self._is_in_epoch and step == len(self) - 1
        if self.workers == 1:
            return self._prefetched(*key)
        if key in self._looked_at:
            return self._looked_at.pop(key)
        batch = self._batch(*key)
        if not self._is_in_epoch:  # Keras looks at the first batches for their shapes, and asks again later
            self._looked_at[key] = batch
        return batch

    def __iter__(self) -> Iterator[Any]:
        epoch = self.epoch
        self.epoch += 1
        return (self._prefetched(epoch, step) for step in range(len(self)))

    def on_epoch_begin(self) -> None:
        self._is_in_epoch = True

    def on_epoch_end(self) -> None:
        # Keras calls it before the first epoch too, and on JAX when it has built the model from some batches.
        self.epoch += self._is_at_end
        if self._is_in_epoch:
            self._looked_at.clear()
        self._is_in_epoch = self._is_at_end = False

    def _batch(self, epoch: int, step: int) -> Any:
        try:
            return self._make(epoch, step)
        except Exception as error:
            self.error = error
            raise

    def _prefetched(self, epoch: int, step: int) -> Any:
        """This batch, while the ones after it are being made."""
        is_next = step == 0 or (epoch, step) in self._ahead  # `model.fit(shuffle=True)` jumps about
        last = min(step + _MADE_AHEAD * is_next, len(self) - 1)
        wanted = [(epoch, number) for number in range(step, last + 1)]
        self._ahead = {key: self._ahead.get(key) or self._threads.submit(self._batch, *key) for key in wanted}
        return self._ahead[epoch, step].result()


@contextmanager
def plain_errors(*data: Any) -> Iterator[None]:
    """An error in making a batch leaves the block as it was raised, not wrapped in TensorFlow's own.

    Args:
        data: what the block gives to `model.fit` or `model.predict`; looked at are the `Batches` among them.
    """
    batches = [part for part in data if isinstance(part, Batches)]
    for part in batches:
        part.error = None
    try:
        yield
    except Exception:
        for part in batches:
            if part.error is not None:
                raise part.error from None
        raise
