"""Devices that share the batches of a training, with all weights on each of them: data parallelism.

Every number, the statistics of batch normalisation too, is that of the whole batch, so that a training on
several devices is the one that it would be on one device, but for the order in which sums are rounded.

Source: keras.distribution.DataParallel; JAX, "Distributed arrays and automatic parallelization".
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Literal

import keras
import numpy as np

from shopper_age.runtime.messages import shorten_list


class Devices:
    """Devices of JAX, of this process or of several, that share each batch.

    A batch is cut into equal pieces. The last one of an epoch may not go round: of 15 photos two devices take
    all, of 10 photos four devices take 5, two and two the same. So batches stay what they are on one device.

    Args:
        devices: of `jax.devices()`; those of one process next to each other.
    """

    def __init__(self, devices: Sequence[Any]) -> None:
        self._devices = np.array(devices, dtype=object)
        self._distribution = keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False)

    def __len__(self) -> int:
        return len(self._devices)

    def scope(self) -> AbstractContextManager[None]:
        """In the block models, metrics and optimisers are made on all devices."""
        scope: AbstractContextManager[None] = self._distribution.scope()
        return scope

    @contextmanager
    def fitting(self) -> Iterator[None]:
        """In the block `model.fit` takes batches as `place` has made them.

        Keras would deal them out itself, for which each batch has to go round, the last of an epoch too; or
        put them on a GPU, which JAX refuses for those that lie on the GPUs of other processes as well.
        """
        from keras.src.backend.jax.trainer import JAXEpochIterator

        before = JAXEpochIterator._get_iterator
        JAXEpochIterator._get_iterator = lambda iterator: iterator.data_adapter.get_jax_iterator()
        try:
            yield
        finally:
            JAXEpochIterator._get_iterator = before

    def rows(self, n: int) -> slice:
        """The rows of a batch of n that the devices of this process compute."""
        pieces = [piece[0].indices(n) for piece in self._pieces(n).values()]
        return slice(min(first for first, *_ in pieces), max(end for _, end, _ in pieces))

    def place(self, rows: np.ndarray, n: int) -> Any:
        """The batch of n as a jax.Array on all devices; each process gives its rows."""
        import jax

        first = self.rows(n).start

        def piece(index: tuple[slice, ...]) -> np.ndarray:
            start, end, _ = index[0].indices(n)
            return rows[start - first : end - first]

        return jax.make_array_from_callback((n, *rows.shape[1:]), self._sharding(n), piece)

    def _pieces(self, n: int) -> dict[Any, tuple[slice, ...]]:
        pieces: dict[Any, tuple[slice, ...]] = self._sharding(n).addressable_devices_indices_map((n,))
        return pieces

    def _sharding(self, n: int) -> Any:
        from jax.sharding import Mesh, NamedSharding, PartitionSpec

        n_pieces = math.gcd(n, len(self))
        return NamedSharding(
            Mesh(self._devices.reshape(n_pieces, -1), ("batch", "copies")), PartitionSpec("batch")
        )


def choose_devices(requested: int | Literal["auto"]) -> Devices | None:
    """The devices of this machine that a training shall use; None for one, where nothing is to be shared.

    Args:
        requested: a number, or "auto": on JAX all GPUs where there are GPUs, else one device.

    Raises:
        ValueError: several are requested on another backend than JAX, or there are not so many.
    """
    backend = keras.backend.backend()
    if backend != "jax":
        if requested not in ("auto", 1):
            raise ValueError(
                f"train.devices is {requested}, and Keras runs on {backend}, which trains on one device "
                "here: set the environment variable KERAS_BACKEND=jax (requirements-jax.txt), or "
                "train.devices to 1"
            )
        return None
    import jax

    chosen = first_devices(jax.local_devices(), requested)
    return Devices(chosen) if len(chosen) > 1 else None


def first_devices(found: Sequence[Any], requested: int | Literal["auto"]) -> Sequence[Any]:
    """The devices of a machine that a training shall use.

    Args:
        found: all of the machine.
        requested: as `choose_devices` takes it.

    Raises:
        ValueError: there are not so many.
    """
    if requested == "auto":
        requested = len(found) if found[0].platform != "cpu" else 1
    if requested > len(found):
        raise ValueError(
            f"train.devices is {requested}, but JAX finds {len(found)} on this machine: "
            f"{shorten_list([str(device) for device in found], 8)}"
        )
    return found[:requested]


def check_batch_size(batch_size: int, devices: Devices | None) -> None:
    """Returns where the devices can share full batches equally.

    Raises:
        ValueError: they cannot, and would each compute photos that another one computes as well.
    """
    n = len(devices) if devices else 1
    if batch_size % n:
        raise ValueError(
            f"batch_size is {batch_size}, the photos of {n} devices together, which cannot share them "
            f"equally: take a multiple of {n}, such as {math.ceil(batch_size / n) * n}, or set train.devices "
            f"to {max(divisor for divisor in range(1, n) if batch_size % divisor == 0)}"
        )
