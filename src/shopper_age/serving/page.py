"""The page to try it at /, and the page about the interface at /docs; they need nothing from elsewhere."""

from importlib import resources

from fastapi import FastAPI, Response
from starlette.exceptions import HTTPException

_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def add_to(app: FastAPI) -> None:
    """Adds the pages to an application; their files are read once."""
    folder = resources.files("shopper_age.serving") / "static"
    files = {
        file.name: Response(file.read_bytes(), media_type=f"{_TYPES[suffix]}; charset=utf-8")
        for file in folder.iterdir()
        if (suffix := f".{file.name.rpartition('.')[2]}") in _TYPES
    }

    @app.get("/", include_in_schema=False)
    async def index() -> Response:
        return files["index.html"]

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return files["docs.html"]

    @app.get("/static/{name}", include_in_schema=False)
    async def static(name: str) -> Response:
        if name not in files:
            raise HTTPException(404, "there is no such file")
        return files[name]
