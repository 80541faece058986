"""Counts of answers."""

from dataclasses import astuple, dataclass

from shopper_age.inference.answers import PhotoAnswer
from shopper_age.inference.sources import Source


@dataclass
class Summary:
    """What was answered; sums of several give that of all."""

    n_photos: int = 0
    n_faces: int = 0
    n_estimated: int = 0
    n_asked: int = 0
    n_unsure: int = 0
    n_problems: int = 0
    n_known: int = 0  # photos with one face, an estimate and a true age
    sum_of_errors: float = 0.0  # of these, absolute, in years

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
            self.n_known += 1
            self.sum_of_errors += abs(answer.faces[0].age - source.real_age)

    def __add__(self, other: "Summary") -> "Summary":
        return Summary(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    def __str__(self) -> str:
        told = (
            f"{_counted(self.n_photos, 'photo')}, {_counted(self.n_faces, 'face')}: "
            f"{self.n_asked:,} asked for an ID, {self.n_unsure:,} not sure, "
            f"{_counted(self.n_problems, 'problem')}"
        )
        if self.n_known:
            mae = self.sum_of_errors / self.n_known
            told += f"; MAE {mae:.2f} years on {_counted(self.n_known, 'face')}"
        return told


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
