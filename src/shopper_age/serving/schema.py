"""The answers over HTTP, typed, as the OpenAPI page shows them."""

from collections.abc import Sequence

from pydantic import BaseModel, Field

from shopper_age.inference.answers import FaceAnswer, PhotoAnswer
from shopper_age.inference.decision import Decision


class Box(BaseModel):
    """Where a face lies, in pixels of the upright photo; it may reach beyond the photo."""

    left: float
    top: float
    right: float
    bottom: float


class Face(BaseModel):
    """What is said of one face."""

    ask_for_id: bool
    reason: str = Field(description="Why or why not, in words.")
    problem: str | None = Field(description="Why there is no estimate, such as too_small or too_blurred.")
    age: float | None = Field(description="Years.")
    low: float | None = Field(description="Lower end of the interval, in years.")
    high: float | None = Field(description="Upper end of the interval, in years.")
    age_group: str | None
    p_under_legal_age: float | None = Field(description="0 to 1; null if the model tells no distribution.")
    is_sure: bool = Field(description="Whether the interval is narrow enough to answer with.")
    box: Box | None = Field(description="null: the photo was taken whole.")
    eye_distance: float | None = Field(description="Pixels.")
    distribution: list[float] | None = Field(description="Probabilities of the years 0 to 100.")
    brightness: float | None = Field(description="Mean grey of what the model saw, 0 to 255.")
    sharpness: float | None = Field(description="Variance of its Laplacian: low where it is blurred.")
    shorter_side: int | None = Field(description="Pixels of it before it was resized.")


class Photo(BaseModel):
    """What is said of one photo."""

    photo: int = Field(description="Its place in the request, from 0.")
    ask_for_id: bool = Field(description="Yes, unless there is one face and its estimate suffices.")
    reason: str
    problem: str | None = Field(description="Why there is no face, such as unreadable_photo or no_face.")
    detail: str = Field(description="More about the problem.")
    faces: list[Face] = Field(description="Largest first.")


class Model(BaseModel):
    """The model and the decision that the answers follow."""

    md5: str = Field(description="Of the .keras file.")
    interval_level: float = Field(description="Share of people whose age lies in their interval.")
    max_interval_width: float = Field(description="Years; a wider interval is answered with not sure.")
    legal_age: int
    threshold_age: float | None = Field(description="Who is estimated younger is asked; null: everybody.")


class Answer(BaseModel):
    """An entry for each photo of the request, in its order."""

    request_id: str
    model: Model
    photos: list[Photo]


class Error(BaseModel):
    """Why a request was not answered."""

    error: str = Field(description="The kind of error, for programs.")
    message: str = Field(description="What was expected, what came, and what to do.")
    request_id: str


class Health(BaseModel):
    status: str


class Readiness(BaseModel):
    status: str
    model: Model


def as_model(decision: Decision) -> Model:
    return Model(
        md5=decision.model_md5,
        interval_level=decision.interval.level,
        max_interval_width=decision.max_interval_width,
        legal_age=decision.id_check.legal_age,
        threshold_age=decision.id_check.threshold_age,
    )


def as_photos(answers: Sequence[PhotoAnswer]) -> list[Photo]:
    """The entries of a request's photos, with as many digits as `shopper-age predict` writes."""
    return [
        Photo(
            photo=number,
            ask_for_id=answer.ask_for_id,
            reason=answer.reason,
            problem=answer.problem,
            detail=answer.detail,
            faces=[_as_face(face) for face in answer.faces],
        )
        for number, answer in enumerate(answers)
    ]


def _as_face(face: FaceAnswer) -> Face:
    return Face(
        ask_for_id=face.ask_for_id,
        reason=face.reason,
        problem=face.problem,
        age=_rounded(face.age, 2),
        low=_rounded(face.low, 2),
        high=_rounded(face.high, 2),
        age_group=face.age_group,
        p_under_legal_age=_rounded(face.p_under_legal_age, 4),
        is_sure=face.is_sure,
        box=None
        if face.box is None
        else Box(**dict(zip(Box.model_fields, (round(side, 1) for side in face.box), strict=True))),
        eye_distance=_rounded(face.eye_distance, 1),
        distribution=None if face.distribution is None else [round(share, 5) for share in face.distribution],
        brightness=_rounded(face.brightness, 2),
        sharpness=_rounded(face.sharpness, 2),
        shorter_side=face.shorter_side,
    )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
