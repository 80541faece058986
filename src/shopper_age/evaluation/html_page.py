"""Reports as single HTML pages that hold their pictures."""

from base64 import b64encode
from html import escape
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from shopper_age import paths
from shopper_age.markdown import render

_LINK_ENDS = ("link_open", "link_close")


def html_page(report: str, folder: Path, *, with_people: bool) -> str:
    """A Markdown report as a page that needs no other file: its PNG pictures are part of it.

    Links to other files become plain text, since they would lead nowhere. HTML in the report is shown as it
    is written: what stands in labels.csv never runs in a browser.

    Args:
        report: in Markdown.
        folder: of its pictures.
        with_people: whether pictures of people's faces may be in it; else a line says what is left out.
    """
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(report)
    for token in tokens:
        for part in token.children or ():
            if part.type == "image":
                _embed(part, folder, with_people=with_people)
        _unlink(token.children or [])
    headings = (after.content for token, after in pairwise(tokens) if token.tag == "h1")
    title = escape(next(headings, "Report"))
    body = markdown.renderer.render(tokens, markdown.options, {})
    return render("shopper_age.evaluation", "page.html.j2", title=title, body=body)


def _embed(image: Token, folder: Path, *, with_people: bool) -> None:
    """Puts the picture's bytes into the token, or a text in its place."""
    picture = folder / str(image.attrs["src"])
    if paths.shows_people(picture) and not with_people:
        _replace_by_text(image, f"[{image.content}: {picture.name} shows people and is not uploaded]")
    elif picture.is_file():
        image.attrs["src"] = f"data:image/png;base64,{b64encode(picture.read_bytes()).decode('ascii')}"
    else:
        _replace_by_text(image, f"[{image.content}: there is no {picture.name}]")


def _unlink(parts: list[Token]) -> None:
    """Makes plain text of links to files, of which there is no copy beside the page."""
    is_local = False
    for part in parts:
        if part.type == "link_open":
            is_local = not urlsplit(str(part.attrs["href"])).scheme
        if part.type in _LINK_ENDS and is_local:
            is_local = part.type == "link_open"
            _replace_by_text(part, "")


def _replace_by_text(token: Token, text: str) -> None:
    token.type, token.content = "text", text
