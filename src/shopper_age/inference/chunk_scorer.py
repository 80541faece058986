"""Scoring of chunks of photos, each into its file."""

import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from shopper_age.inference.answers import PhotoAnswer
from shopper_age.inference.parts import Chunk
from shopper_age.inference.predictor import BATCH_SIZE, Predictor
from shopper_age.inference.sources import Source
from shopper_age.inference.summary import Summary


class ChunkScorer:
    """Answers chunks of photos with one model.

    Args:
        predictor: what answers.
        base: folder from which the names of photos are meant.
        annotate_to: folder for photos with their answers on them, or None.
    """

    def __init__(self, predictor: Predictor, *, base: Path, annotate_to: Path | None = None) -> None:
        self._predictor = predictor
        self._base = base
        self._annotate_to = annotate_to

    def score(self, chunk: Chunk) -> Summary:
        """Writes the part of a chunk; returns what was answered."""
        summary = Summary()
        chunk.write(self._counted(chunk, summary))
        return summary

    def _counted(self, chunk: Chunk, summary: Summary) -> Iterator[tuple[Source, PhotoAnswer]]:
        wanted = iter(chunk.sources())
        while batch := list(islice(wanted, BATCH_SIZE)):
            names = [source.path for source in batch]
            files = [os.path.join(self._base, name) for name in names]  # noqa: PTH118 - a Path would mend "a//b"
            for source, file, answer in zip(
                batch, files, self._predictor.predict(files, names=names), strict=True
            ):
                summary.add(source, answer)
                if self._annotate_to is not None:
                    from shopper_age.inference.annotation import annotate

                    annotate(replace(answer, source=file), self._annotate_to, chunk.first + summary.n_photos)
                yield source, answer
