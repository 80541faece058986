"""Counters of the server for Prometheus."""

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from shopper_age.inference.answers import PhotoAnswer

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class ServerMetrics:
    """Counters of one server.

    Args:
        n_taken: tells how many requests are in the server.
    """

    def __init__(self, n_taken: Callable[[], int]) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "shopper_age_requests",
            "Requests, by route and status.",
            ["route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "shopper_age_request_seconds",
            "Seconds from a request's head to the end of its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._photos = Counter("shopper_age_photos", "Photos that were answered for.", registry=registry)
        self._faces = Counter(
            "shopper_age_faces",
            "Faces, by whether an ID is asked for.",
            ["ask_for_id"],
            registry=registry,
        )
        self._problems = Counter(
            "shopper_age_problems",
            "Photos and faces without an estimate.",
            ["problem"],
            registry=registry,
        )
        taken = Gauge(
            "shopper_age_requests_in_server",
            "Requests to /v1/age that are read, wait or are worked on.",
            registry=registry,
        )
        taken.set_function(n_taken)

    def add_request(self, route: str, status: int, seconds: float) -> None:
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def add_answers(self, answers: Sequence[PhotoAnswer]) -> None:
        self._photos.inc(len(answers))
        for answer in answers:
            if answer.problem is not None:
                self._problems.labels(answer.problem).inc()
            for face in answer.faces:
                self._faces.labels(str(face.ask_for_id).lower()).inc()
                if face.problem is not None:
                    self._problems.labels(face.problem).inc()

    def page(self) -> bytes:
        """All of it in Prometheus's text format."""
        return generate_latest(self._registry)
