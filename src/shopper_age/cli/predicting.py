"""Command `shopper-age predict`: answers for any number of photos."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from shopper_age.inference.answers import PhotoAnswer, rows
from shopper_age.inference.predictor import BATCH_SIZE, Predictor
from shopper_age.inference.sources import STANDARD_INPUT, Source, sources
from shopper_age.inference.tables import AnswerTable


@dataclass
class Summary:
    """What was answered."""

    n_photos: int = 0
    n_faces: int = 0
    n_estimated: int = 0
    n_asked: int = 0
    n_unsure: int = 0
    n_problems: int = 0
    errors: list[float] = field(
        default_factory=lambda: [0.0, 0.0]
    )  # sum of absolute errors, and their number

    def add(self, source: Source, answer: PhotoAnswer) -> None:
        self.n_photos += 1
        self.n_faces += len(answer.faces)
        self.n_problems += not answer.faces
        for face in answer.faces:
            self.n_estimated += face.age is not None
            self.n_problems += face.problem is not None
            self.n_asked += face.ask_for_id
            self.n_unsure += face.age is not None and not face.is_sure
        if source.real_age is not None and len(answer.faces) == 1 and answer.faces[0].age is not None:
            self.errors[0] += abs(answer.faces[0].age - source.real_age)
            self.errors[1] += 1

    def __str__(self) -> str:
        told = (
            f"{_counted(self.n_photos, 'photo')}, {_counted(self.n_faces, 'face')}: "
            f"{self.n_asked:,} asked for an ID, {self.n_unsure:,} not sure, "
            f"{_counted(self.n_problems, 'problem')}"
        )
        if self.errors[1]:
            mae = self.errors[0] / self.errors[1]
            told += f"; MAE {mae:.2f} years on {_counted(int(self.errors[1]), 'face')}"
        return told


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def predict(
    paths: list[str],
    predictor: Predictor,
    *,
    out: Path | None,
    annotate_to: Path | None,
    tell: Callable[[str], None],
) -> Summary:
    """Answers for the photos that `sources` takes from `paths`, into a table or told one by one.

    Raises:
        FileNotFoundError: as `sources`.
        ValueError: as `AnswerTable`.
    """
    wanted = sources(paths, sys.stdin)
    table = None if out is None else AnswerTable(out, predictor.decision)
    n_before = 0 if table is None else table.skip_finished(wanted)
    summary = Summary()
    total = None if STANDARD_INPUT in paths else sum(1 for _ in sources(paths, sys.stdin))
    with tqdm(total=total, initial=n_before, desc="photos", unit="photo", disable=None) as progress:
        for batch in _answered(wanted, predictor):
            if table is not None:
                table.append(batch)
            for source, answer in batch:
                summary.add(source, answer)
                if table is None:
                    _tell(answer, tell)
                if annotate_to is not None:
                    _annotate(answer, annotate_to, n_before + summary.n_photos)
            progress.update(len(batch))
    if table is not None:
        table.complete()
    return summary


def _answered(wanted: Iterator[Source], predictor: Predictor) -> Iterator[list[tuple[Source, PhotoAnswer]]]:
    while batch := list(islice(wanted, BATCH_SIZE)):
        yield list(zip(batch, predictor.predict([source.path for source in batch]), strict=True))


def _annotate(answer: PhotoAnswer, folder: Path, number: int) -> None:
    from shopper_age.inference.annotation import annotate

    annotate(answer, folder, number)


def _tell(answer: PhotoAnswer, tell: Callable[[str], None]) -> None:
    for row in rows(answer):
        if row["problem"]:
            tell(f"{answer.source}: {row['problem']}: ask for an ID")
        else:
            asked = "ask for an ID" if row["ask_for_id"] else "no ID needed"
            tell(
                f"{answer.source}: {row['age']:.1f} years ({row['low']:.0f} to {row['high']:.0f}), "
                f"{row['age_group']}, {asked} ({row['reason']})"
            )
