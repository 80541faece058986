"""Photos of a multipart request, read within bounds and never onto a disk."""

import asyncio
import time
from collections.abc import AsyncGenerator

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from shopper_age.serving.limits import Limits, RequestError

# Name of the field that holds photos.
FIELD = "photos"

MULTIPART = "multipart/form-data"

# Who is refused while still sending is listened to for so long and so much, or the refusal would be lost:
# a connection that is closed with unread data is reset, and takes the answer along.
_LINGER_SECONDS, _LINGER_BYTES = 5.0, 64 * 2**20


async def read_photos(request: Request, limits: Limits) -> list[bytes]:
    """The contents of the files in the field `photos`, in their order.

    Raises:
        RequestError: the body is no form, too large or too slow, or holds no photos or too many.
        ClientDisconnect: the client went away.
    """
    kind, options = parse_options_header(request.headers.get("Content-Type", ""))
    if kind.lower() != MULTIPART.encode():
        raise RequestError(
            415, "not_multipart", f"send {MULTIPART} with one or several files in the field {FIELD!r}"
        )
    boundary = options.get(b"boundary", b"")
    if not 0 < len(boundary) <= 200:
        raise RequestError(400, "bad_form", f"Content-Type {MULTIPART} has no boundary")
    if _announced(request) > limits.max_body_bytes:
        raise _too_large(limits)
    # the boundary alone: what else the header says, as a character set, is no matter of photos
    headers = Headers(raw=[(b"content-type", MULTIPART.encode() + b'; boundary="' + boundary + b'"')])
    parser = _InMemory(headers, _bounded(request, limits), max_files=limits.max_photos, max_fields=16)
    parser.spool_max_size = limits.max_body_bytes
    try:
        async with asyncio.timeout(limits.max_seconds):
            form = await parser.parse()
    except TimeoutError:
        raise RequestError(
            408, "too_slow", f"the body did not arrive within {limits.max_seconds:g} seconds"
        ) from None
    except MultiPartException as error:
        if error.message.startswith("Too many files"):
            raise RequestError(
                422, "too_many_photos", f"more than {limits.max_photos} files: send them in several requests"
            ) from None
        raise RequestError(400, "bad_form", f"the body is no {MULTIPART}: {error.message}") from None
    if not parser.is_complete:
        raise RequestError(400, "bad_form", "the body ends before its closing boundary: send it whole")
    try:
        files = [value for name, value in form.multi_items() if name == FIELD]
        photos = [await file.read() for file in files if isinstance(file, UploadFile)]
    finally:
        await form.close()
    if not photos or len(photos) < len(files):
        raise RequestError(
            422,
            "no_photos",
            f"the field {FIELD!r} must hold files, one or several: found {len(photos)} files, "
            f"{len(files) - len(photos)} texts there, and the fields {sorted({*form})[:5]!a:.100}",
        )
    return photos


async def discard_rest(request: Request) -> None:
    """Reads what a refused client is still sending, within bounds, so that it hears the refusal."""
    left = _LINGER_BYTES
    end = time.monotonic() + _LINGER_SECONDS
    while not _has_ended(request) and left > 0 and (seconds := end - time.monotonic()) > 0:
        try:
            message = await asyncio.wait_for(request.receive(), seconds)
        except TimeoutError:
            return
        left -= len(message.get("body", b""))
        request.state.body_ended = not message.get("more_body", False)


class _InMemory(MultiPartParser):
    """Keeps files in memory, so that no photo touches a disk, and notices a body that was cut off."""

    is_complete = False

    def on_end(self) -> None:
        self.is_complete = True


async def _bounded(request: Request, limits: Limits) -> AsyncGenerator[bytes, None]:
    request.state.n_bytes = 0
    while not _has_ended(request):
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        request.state.n_bytes += len(chunk)
        request.state.body_ended = not message.get("more_body", False)
        if request.state.n_bytes > limits.max_body_bytes:
            raise _too_large(limits)
        yield chunk


def _has_ended(request: Request) -> bool:
    return getattr(request.state, "body_ended", False)


def _announced(request: Request) -> int:
    text = request.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() else 0


def _too_large(limits: Limits) -> RequestError:
    return RequestError(
        413,
        "body_too_large",
        f"the body is larger than {limits.max_body_bytes / 2**20:g} MiB: send fewer or smaller photos",
    )
