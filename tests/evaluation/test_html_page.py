import re
from base64 import b64decode
from pathlib import Path

import pytest

from shopper_age.evaluation.html_page import html_page

PNG = b"\x89PNG\r\n\x1a\n and more"


@pytest.fixture
def report(tmp_path) -> Path:
    """A report with two pictures, one of people, a table, links, and text that looks like HTML."""
    for name in ("errors.png", "worst_photos.png"):
        (tmp_path / name).write_bytes(PNG + name.encode())
    (tmp_path / "report.md").write_text(
        "# Analysis of A & B\n\n![Errors](errors.png)\n\n"
        "![The worst](worst_photos.png)\n\n![Gone](gone.png)\n\n"
        "All in [slices.csv](slices.csv), see [the paper](https://example.com/paper).\n\n"
        "| shop | MAE |\n|---|---:|\n| <script>alert(1)</script> | 5.10 |\n",
        encoding="utf-8",
    )
    return tmp_path / "report.md"


def pictures(page: str) -> list[bytes]:
    return [b64decode(data) for data in re.findall(r'src="data:image/png;base64,([^"]+)"', page)]


def test_the_page_holds_its_pictures_and_needs_no_other_file(report):
    page = html_page(report.read_text(encoding="utf-8"), report.parent, with_people=True)
    assert pictures(page) == [PNG + b"errors.png", PNG + b"worst_photos.png"]
    assert set(re.findall(r'(?:src|href)="(?!data:)([^"]*)"', page)) == {"https://example.com/paper"}
    assert "All in slices.csv, see" in page


def test_pictures_of_people_are_left_out_where_photos_are_not_logged(report):
    page = html_page(report.read_text(encoding="utf-8"), report.parent, with_people=False)
    assert pictures(page) == [PNG + b"errors.png"]
    assert "[The worst: worst_photos.png shows people and is not uploaded]" in page


def test_a_picture_that_is_not_there_is_said(report):
    assert "[Gone: there is no gone.png]" in html_page(
        report.read_text(encoding="utf-8"), report.parent, with_people=True
    )


def test_tables_are_tables_and_nothing_from_labels_runs_in_a_browser(report):
    page = html_page(report.read_text(encoding="utf-8"), report.parent, with_people=True)
    assert re.search(r"<td[^>]*>5.10</td>", page)
    assert "&lt;script&gt;" in page
    assert "<script" not in page


def test_the_page_has_the_title_of_the_report(report):
    assert "<title>Analysis of A &amp; B</title>" in html_page(
        report.read_text(encoding="utf-8"), report.parent, with_people=True
    )
