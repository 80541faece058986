"""Answers for photos: age, interval, age group, and whether to ask for an ID."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shopper_age.inference.decision import Decision
from shopper_age.inference.estimates import Estimates
from shopper_age.metrics.bands import band_index, band_names
from shopper_age.metrics.interval_rule import is_narrow

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class FaceAnswer:
    """What is said of one face; ages in years, shares from 0 to 1."""

    ask_for_id: bool
    reason: str  # in words, why or why not
    problem: str | None = None  # why there is no estimate
    age: float | None = None
    low: float | None = None
    high: float | None = None
    age_group: str | None = None
    p_under_legal_age: float | None = None
    is_sure: bool = False  # whether the interval is narrow enough to answer with
    box: Box | None = None  # left, top, right, bottom in pixels of the upright photo; None: the photo whole
    eye_distance: float | None = None  # pixels
    distribution: tuple[float, ...] | None = None  # probabilities of the years 0-100
    # Of what the model saw, as `qualities.Qualities`: None where there is no estimate.
    brightness: float | None = None
    sharpness: float | None = None
    shorter_side: int | None = None  # of the crop, or of the photo whole, in pixels before it was resized


@dataclass(frozen=True)
class PhotoAnswer:
    """What is said of a photo: of each face, largest first, or why there is none."""

    source: str
    faces: tuple[FaceAnswer, ...]
    problem: str | None = None
    detail: str = ""
    model_md5: str = ""  # of the model that answers; "" where it is not told

    @property
    def ask_for_id(self) -> bool:
        """Whether the customer is asked: yes, unless there is one face and its estimate suffices."""
        return len(self.faces) != 1 or self.faces[0].ask_for_id

    @property
    def reason(self) -> str:
        if len(self.faces) == 1:
            return self.faces[0].reason
        return f"{len(self.faces)} faces" if self.faces else f"no estimate: {self.problem}"


def answers(
    estimates: Estimates, decision: Decision, where: Sequence[tuple[Box | None, float | None]]
) -> list[FaceAnswer]:
    """An answer for each of n estimates.

    Args:
        where: box and distance between the eyes of each face; None where photos are taken whole.
    """
    check = decision.id_check
    low, high = decision.interval.apply(estimates.age, estimates.sd())
    is_sure = is_narrow(low, high, max_width=decision.max_interval_width)
    names = band_names(decision.age_groups)
    groups = band_index(estimates.age, decision.age_groups)
    p_under = estimates.p_under(check.legal_age)
    found = []
    for index, (box, eye_distance) in enumerate(where):
        age = float(estimates.age[index])
        ask, reason = _id_check(age, bool(is_sure[index]), decision)
        found.append(
            FaceAnswer(
                ask_for_id=ask,
                reason=reason,
                age=age,
                low=float(low[index]),
                high=float(high[index]),
                age_group=names[int(groups[index])],
                p_under_legal_age=None if p_under is None else float(p_under[index]),
                is_sure=bool(is_sure[index]),
                box=box,
                eye_distance=eye_distance,
                distribution=None
                if estimates.distribution is None
                else tuple(np.asarray(estimates.distribution[index], dtype=float).tolist()),
            )
        )
    return found


def without_estimate(problem: str, box: Box | None = None, eye_distance: float | None = None) -> FaceAnswer:
    """The answer for a face that is unfit: it is asked."""
    return FaceAnswer(True, f"no estimate: {problem}", problem, box=box, eye_distance=eye_distance)


def rows(answer: PhotoAnswer) -> list[dict[str, Any]]:
    """A row of a table for each face of a photo, or one that says why there is none."""
    faces: Sequence[FaceAnswer] = answer.faces or (
        without_estimate(" ".join(filter(None, [answer.problem, answer.detail]))),
    )
    return [_row(answer, number, face) for number, face in enumerate(faces, 1)]


# Columns of a table of answers, in this order.
COLUMNS = (
    "file_name", "face", "age", "low", "high", "age_group", "p_under_legal_age", "ask_for_id", "reason",
    "left", "top", "right", "bottom", "eye_distance", "problem",
    "brightness", "sharpness", "shorter_side", "model_md5",
)  # fmt: skip


def _row(answer: PhotoAnswer, number: int, face: FaceAnswer) -> dict[str, Any]:
    box = face.box or (None,) * 4
    values = (
        answer.source,
        number if answer.faces else 0,
        _rounded(face.age, 2),
        _rounded(face.low, 2),
        _rounded(face.high, 2),
        face.age_group,
        _rounded(face.p_under_legal_age, 4),
        face.ask_for_id,
        face.reason,
        *(_rounded(side, 1) for side in box),
        _rounded(face.eye_distance, 1),
        face.problem,
        _rounded(face.brightness, 2),
        _rounded(face.sharpness, 2),
        face.shorter_side,
        answer.model_md5 or None,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _id_check(age: float, is_sure: bool, decision: Decision) -> tuple[bool, str]:
    threshold = decision.id_check.threshold_age
    if threshold is None:
        return True, "no threshold is known to be good enough: everybody is asked"
    if not is_sure:
        return True, f"not sure: the interval is wider than {decision.max_interval_width:g} years"
    if age < threshold:
        return True, f"estimated below {threshold:g}"
    return False, f"estimated {threshold:g} or older"
