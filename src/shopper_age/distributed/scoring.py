"""Scoring of photos by Ray Data: each worker holds the model and answers chunks of photos.

Ray Data hands the chunks out, starts a worker anew that was killed and gives its chunk to another. Its own
checkpoints would hold the names of all finished photos in the memory of every worker; here the finished parts
say what is done (`inference.parts`).
"""

import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from shopper_age.distributed.cluster import cluster, import_ray
from shopper_age.inference.chunk_scorer import ChunkScorer
from shopper_age.inference.parts import Chunk
from shopper_age.inference.predictor import Predictor
from shopper_age.inference.summary import Summary


class RayScoring:
    """Scoring of chunks with one model on several workers.

    Photos, model and the folder of the parts must have the same paths on all machines of a cluster.

    Args:
        model: folder with the model and its decision, or what else `Predictor.load` takes.
        n_workers: processes, each with the model.
        n_threads: of the model in each of them, and as many cores Ray keeps for it.
        annotate_to: folder for photos with their answers on them, or None.

    Raises:
        RayMissingError: Ray is not installed; the message names the file to install.
    """

    def __init__(
        self, model: str | Path, *, n_workers: int, n_threads: int = 1, annotate_to: Path | None = None
    ) -> None:
        import_ray()
        self._n_workers = n_workers
        self._n_threads = n_threads
        self._worker_arguments = {
            "model": os.path.abspath(model) if os.path.isdir(model) else model,  # noqa: PTH100, PTH112
            "n_threads": n_threads,
            "base": Path.cwd(),
            "annotate_to": annotate_to and annotate_to.absolute(),
        }

    def run(self, chunks: list[Chunk]) -> Iterator[Summary]:
        """The summary of each chunk, as they are done.

        Raises:
            ConnectionError: as `cluster`.
            RuntimeError: a worker failed at something that no other worker would do better.
        """
        n_workers = min(self._n_workers, len(chunks))
        with cluster(n_workers * self._n_threads):
            import ray

            # a block a chunk: a block is what a worker takes at a time
            waiting = ray.data.from_items(
                [chunk._asdict() for chunk in chunks], override_num_blocks=len(chunks)
            )
            done = waiting.map_batches(
                _Worker,
                fn_constructor_kwargs=self._worker_arguments,
                batch_size=1,
                compute=ray.data.ActorPoolStrategy(size=n_workers),
                num_cpus=self._n_threads,
            )
            try:
                for row in done.iter_rows():
                    yield Summary(**row)
            except ray.exceptions.RayError as error:
                raise RuntimeError(f"a worker failed: {_told(error)}") from error


class _Worker:
    """A process with the model."""

    def __init__(self, *, model: str | Path, n_threads: int, base: Path, annotate_to: Path | None) -> None:
        predictor = Predictor.load(model, n_threads=n_threads)
        self._scorer = ChunkScorer(predictor, base=base, annotate_to=annotate_to)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        (values,) = zip(*(batch[name].tolist() for name in Chunk._fields), strict=True)
        return {name: [value] for name, value in asdict(self._scorer.score(Chunk(*values))).items()}


def _told(error: BaseException) -> str:
    """The last line of what Ray tells: the error itself, without the traceback of a worker."""
    return str(error).strip().splitlines()[-1]
