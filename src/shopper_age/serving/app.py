"""The web application: /v1/age for tills, the page to try it, and what watches it."""

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from shopper_age.inference.predictor import Predictor
from shopper_age.serving import page, schema
from shopper_age.serving.limits import Limits, RequestError
from shopper_age.serving.metrics import CONTENT_TYPE, ServerMetrics
from shopper_age.serving.observation import Observation
from shopper_age.serving.upload import FIELD, MULTIPART, discard_rest, read_photos
from shopper_age.serving.worker import Worker

_ABOUT = (
    "Ages, age groups and the ID check for photos. Photos are worked on in memory and never stored. "
    "A photo that cannot be answered for is an entry with its problem; the others are answered."
)

_ERRORS = {
    400: "The body is no form.",
    401: "The API key is missing or wrong.",
    408: "The body arrived too slowly.",
    413: "The body is too large.",
    415: "The body is of another kind.",
    422: "There are no photos, or too many.",
    429: "Too many requests wait; Retry-After tells the seconds.",
    503: "The answer took too long.",
}


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": schema.Error, "description": _ERRORS[status]} for status in statuses}


def create_app(predictor: Predictor, limits: Limits, *, api_key: str | None) -> FastAPI:
    """The application; it has answered once when it is returned.

    Args:
        predictor: one that refuses photos of more than `limits.max_pixels`.
        api_key: what /v1/age and /metrics ask for as a bearer token; None: they are open.
    """
    worker = Worker(predictor, limits)
    worker.warm_up()
    metrics = ServerMetrics(lambda: worker.n_taken)
    model = schema.as_model(predictor.decision)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        worker.close()

    app = FastAPI(
        title="shopper-age",
        version="1",
        description=_ABOUT,
        lifespan=lifespan,
        docs_url=None,  # its page would come from the Internet
        redoc_url=None,
    )
    app.add_middleware(Observation, count=metrics.add_request)
    app.add_exception_handler(RequestError, _refuse)
    app.add_exception_handler(HTTPException, _http_error)
    checked = [Depends(_key_check(api_key))]

    @app.post(
        "/v1/age",
        response_model=schema.Answer,
        dependencies=checked,
        responses=_errors(*_ERRORS),
        openapi_extra={"requestBody": _request_body(limits)},
        summary="Answers for one or several photos",
    )
    async def age(request: Request) -> schema.Answer:
        with worker.place() as place:
            photos = await read_photos(request, limits)
            answers = await worker.answer(photos, place)
        metrics.add_answers(answers)
        faces = [face for answer in answers for face in answer.faces]
        request.state.n_photos = len(answers)
        request.state.n_faces = len(faces)
        request.state.n_asked = sum(answer.ask_for_id for answer in answers)
        problems = [*(one.problem for one in answers), *(one.problem for one in faces)]
        request.state.n_problems = len(problems) - problems.count(None)
        return schema.Answer(
            request_id=request.state.request_id, model=model, photos=schema.as_photos(answers)
        )

    @app.get("/healthz", summary="Whether the process runs")
    async def healthz() -> schema.Health:
        return schema.Health(status="ok")

    @app.get("/readyz", responses=_errors(503), summary="Whether requests are answered, and by which model")
    async def readyz() -> schema.Readiness:
        if worker.is_stuck:
            raise RequestError(503, "stuck", f"one request takes longer than {limits.max_seconds:g} seconds")
        return schema.Readiness(status="ready", model=model)

    @app.get(
        "/metrics",
        dependencies=checked,
        response_class=Response,
        responses={200: {"content": {CONTENT_TYPE: {"schema": {"type": "string"}}}}, **_errors(401)},
        summary="Counters for Prometheus",
    )
    async def prometheus() -> Response:
        return Response(metrics.page(), media_type=CONTENT_TYPE)

    page.add_to(app)
    return app


def _key_check(api_key: str | None) -> Callable[..., Awaitable[None]]:
    if api_key is None:

        async def open_to_all() -> None:
            pass

        return open_to_all
    expected = api_key.encode()

    async def check(
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
    ) -> None:
        # headers are decoded as Latin-1, which gives every byte back; the time tells nothing of the key
        found = b"" if given is None else given.credentials.encode("latin-1")
        if not hmac.compare_digest(found, expected):
            raise RequestError(
                401,
                "unauthorized",
                "send the server's API key as `Authorization: Bearer KEY`",
                {"WWW-Authenticate": "Bearer"},
            )

    return check


async def _refuse(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestError)
    request.state.refused = error.code
    if request.method == "POST":
        await discard_rest(request)
    return _error(request, error.status, error.code, error.message, error.headers)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _error(request, error.status_code, "http", str(error.detail), dict(error.headers or {}))


def _error(request: Request, status: int, code: str, message: str, headers: dict[str, str]) -> JSONResponse:
    content = schema.Error(error=code, message=message, request_id=request.state.request_id)
    return JSONResponse(content.model_dump(), status, headers)


def _request_body(limits: Limits) -> dict[str, Any]:
    photos = {
        "type": "array",
        "items": {"type": "string", "format": "binary"},
        "minItems": 1,
        "maxItems": limits.max_photos,
        "description": "Photo files: JPEG, PNG, WebP, GIF, BMP or TIFF.",
    }
    form = {"type": "object", "properties": {FIELD: photos}, "required": [FIELD]}
    return {"required": True, "content": {MULTIPART: {"schema": form}}}
