"""Observation of requests: an id, a line in the log and a count of each, never what was on a photo."""

import json
import logging
import re
import sys
import time
import traceback
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID = "X-Request-ID"

_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

# For a client that went away before it got an answer. Source: nginx.
_CLIENT_CLOSED_REQUEST = 499

# The page takes scripts, styles and pictures from this server alone, and photos that it was given itself.
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Permissions-Policy": "camera=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_logger = logging.getLogger(__name__)


class Observation:
    """ASGI middleware: gives each request an id, logs and counts it, and makes a crash a plain 500.

    Args:
        app: that answers.
        count: is told route, status and seconds of each request.
    """

    def __init__(self, app: ASGIApp, count: Callable[[str, int, float], None]) -> None:
        self._app = app
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 0
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _ACCEPTABLE_ID.fullmatch(given) else uuid.uuid4().hex
        state: dict[str, Any] = scope.setdefault("state", {})
        state["request_id"] = request_id

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        told: dict[str, Any] = {}
        try:
            await self._app(scope, receive, send_marked)
        except ClientDisconnect:
            status = _CLIENT_CLOSED_REQUEST
        except Exception as error:
            told = {"error": type(error).__name__, "traceback": traceback.format_exc()}
            if not status:
                content = {
                    "error": "internal",
                    "message": "the server failed; its log tells more by this request_id",
                    "request_id": request_id,
                }
                await JSONResponse(content, 500)(scope, receive, send_marked)
        seconds = time.perf_counter() - start
        route = getattr(scope.get("route"), "path", "other")
        self._count(route, status, seconds)
        for name in ("n_bytes", "n_photos", "n_faces", "n_asked", "n_problems", "refused"):
            if name in state:
                told[name] = state[name]
        _logger.log(
            logging.ERROR if status >= 500 else logging.INFO,
            "request",
            extra={
                "told": {
                    "request_id": request_id,
                    "method": scope["method"],
                    "route": route,
                    "status": status,
                    "milliseconds": round(1000 * seconds, 1),
                    **told,
                }
            },
        )


class JsonLines(logging.Formatter):
    """A JSON object for each record, on one line."""

    def format(self, record: logging.LogRecord) -> str:
        content = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "told", {}),
        }
        if record.exc_info:
            content["traceback"] = self.formatException(record.exc_info)
        return json.dumps(content)


def configure_log() -> None:
    """Writes the log of the server and of uvicorn to standard output, as lines of JSON."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    for name, level in {__name__: logging.INFO, "uvicorn": logging.WARNING}.items():
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False
