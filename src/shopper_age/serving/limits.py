"""Limits of a request, and the error of one that is beyond them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from shopper_age.inference.predictor import MAX_PIXELS


@dataclass(frozen=True)
class Limits:
    """Bounds that keep the server answering whatever it is sent.

    Memory is at most about `max_requests` bodies and one decoded photo of `max_pixels` per core.
    """

    max_body_bytes: int = 20 * 2**20
    max_photos: int = 16
    max_pixels: int = MAX_PIXELS  # of one photo
    max_seconds: float = 15.0  # for the body to arrive, and once more for the answer
    max_requests: int = 8  # that are read, wait or are worked on; a further one is sent away with 429

    def __post_init__(self) -> None:
        for field in fields(self):
            if (value := getattr(self, field.name)) <= 0:
                raise ValueError(f"{field.name} must be above 0, found {value:g}")


class RequestError(Exception):
    """A request that is not answered.

    Args:
        status: of HTTP.
        code: the kind of error, for programs.
        message: what was expected, what came, and what to do, for people.
    """

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
