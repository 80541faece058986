"""Work on one item after another, in this process or on several workers."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from shopper_age.distributed.cluster import cluster, import_ray

Item = TypeVar("Item")
Result = TypeVar("Result")

# Items for each worker that are handed out before their results are fetched: one in work, one waiting.
_AHEAD = 2


def mapper(n_workers: int) -> Callable[[Callable[[Item], Result], Iterable[Item]], Iterator[Result]]:
    """Python's `map` for one worker; for more the same on as many processes by Ray, in flat memory.

    The results come in the order of the items. Ray gives the item of a worker that died to another one, three
    times. The work and its items are pickled, and what they name must have the same paths on all machines.

    Raises:
        RayMissingError: there are to be several workers, and Ray is not installed.
    """
    if n_workers == 1:
        return map
    import_ray()

    def on_workers(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        with cluster(n_workers):
            import ray

            # of a function of its own: Ray takes no partial
            remote: Any = ray.remote(num_cpus=1)(lambda item: work(item))
            waiting: deque[ray.ObjectRef] = deque()
            try:
                for item in items:
                    waiting.append(remote.remote(item))
                    if len(waiting) == _AHEAD * n_workers:
                        yield ray.get(waiting.popleft())
                while waiting:
                    yield ray.get(waiting.popleft())
            except ray.exceptions.RayTaskError as error:
                raise error.cause from error

    return on_workers
