"""The decision beside a model: intervals, age groups and the ID check, as plain numbers beside the model.

Stage evaluate writes them as models/decision.json. A model and a decision that do not belong together are
refused, for a threshold holds for the model alone that it was settled with.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from shopper_age.metrics.interval_rule import IntervalRule
from shopper_age.runtime.files import write_json

DECISION_FILE = "decision.json"

# Raised when the file's meaning changes, so that an older till refuses it.
FORMAT = 1


class DecisionError(ValueError):
    """A decision file that cannot be read, or that belongs to another model."""


@dataclass(frozen=True)
class IdCheck:
    """When a customer is asked for an ID."""

    legal_age: int
    # The youngest who count as minors at the till: whom the promise is about.
    minors_from: int
    # Who is estimated younger is asked; None: no threshold was strict enough, everybody is asked.
    threshold_age: float | None
    # The limit on the probability of being under age that does the same; None where there is none.
    probability_limit: float | None
    # Share of minors who may pass, and the probability that it holds; None: an estimate without proof.
    max_false_positive_rate: float
    guarantee: float | None


@dataclass(frozen=True)
class FaceCrops:
    """How the training photos were cropped."""

    detector: str
    margin: float
    min_eye_distance_px: float
    min_sharpness: float
    max_turn: float


@dataclass(frozen=True)
class Decision:
    """All that turns a model's estimates into answers."""

    model_md5: str  # of the .keras file
    image_size: int  # side of the photos that the model takes, in pixels
    n_views: int  # views of each photo that are averaged: 1, 2 or 4
    age_groups: tuple[int, ...]  # first year of each
    interval: IntervalRule
    max_interval_width: float  # years; a wider one is answered with "not sure"
    id_check: IdCheck
    faces: FaceCrops | None  # None: the model learnt from photos as they were
    # Which faces are cropped at prediction: auto = as in training.
    detect: str = "auto"

    @property
    def crops_faces(self) -> bool:
        """Whether photos are cropped to their faces before the model sees them."""
        return self.detect == "always" or (self.detect == "auto" and self.faces is not None)

    def save(self, path: Path) -> None:
        write_json(path, {"format": FORMAT, **asdict(self)})

    @classmethod
    def load(cls, path: Path) -> "Decision":
        """The decision of a file.

        Raises:
            DecisionError: there is none, or it is not one that this version reads.
        """
        try:
            return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise DecisionError(f"{path} not found: stage evaluate writes it, run `dvc repro`") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, DecisionError):
                raise DecisionError(f"{path} {error}") from None
            raise DecisionError(f"{path} is no decision file ({error}): run `dvc repro`") from error

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Decision":
        """The decision that `asdict` described, also after a way through JSON; raises what is missing."""
        content = dict(content)
        if (found := content.pop("format")) != FORMAT:
            raise DecisionError(
                f"has format {found}, this version reads {FORMAT}: install the version it is of"
            )
        unknown = content.keys() - {field.name for field in fields(cls)}
        if unknown:
            raise DecisionError(f"has unknown entries: {', '.join(sorted(unknown))}")
        faces = content["faces"]
        return cls(
            **{
                **content,
                "age_groups": tuple(content["age_groups"]),
                "interval": IntervalRule.from_dict(content["interval"]),
                "id_check": IdCheck(**content["id_check"]),
                "faces": None if faces is None else FaceCrops(**faces),
            }
        )

    def check_model(self, md5: str, *, where: str) -> None:
        """Raises DecisionError unless the thresholds were settled with the model of this hash."""
        if md5 != self.model_md5:
            raise DecisionError(
                f"{where} is not the model that its {DECISION_FILE} was made with: the thresholds "
                "and intervals there say nothing about it. Take both from the same `dvc repro`"
            )
