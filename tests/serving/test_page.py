"""The page to try it, in a real browser."""

import re

import numpy as np
import pytest
from answering import CROPS, decision
from browser import CHROMIUM, browser
from fake_detector import cropper, face
from PIL import Image
from running_server import running

from shopper_age.demo.faces import draw_face
from shopper_age.inference.estimates import Estimates
from shopper_age.inference.predictor import Predictor
from shopper_age.metrics.interval_rule import IntervalRule

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt install chromium")

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 740, "is_phone": True}


class BellEngine:
    """The same age for each face, with a bell-shaped distribution."""

    def __init__(self, age=21.4, sd=4.0):
        shares = np.exp(-0.5 * ((np.arange(101) + 0.5 - age) / sd) ** 2)
        self._age, self._distribution = age, shares / shares.sum()

    def estimate(self, photos):
        n = len(photos)
        return Estimates(np.full(n, self._age), np.tile(self._distribution, (n, 1)))


def found_by(photo):
    """One face on a square photo, two on a wide one, none on a high one."""
    height, width = photo.shape[:2]
    if height > width:
        return []
    return [face(62, 55, 100)] if height == width else [face(62, 55, 100), face(286, 55, 90)]


def predictor(age=21.4, **changes):
    interval = IntervalRule(0.9, True, (0,), (1.6,), (100,))
    return Predictor(
        BellEngine(age), decision(faces=CROPS, interval=interval, **changes), cropper(find=found_by)
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("chromium")) as page:
        yield page


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(4)
    one, other = (draw_face(age, rng).convert("RGB") for age in (22, 50))
    one.save(folder / "one.jpg")
    wide = Image.new("RGB", (448, 224))
    wide.paste(one, (0, 0))
    wide.paste(other, (224, 0))
    wide.save(folder / "two.jpg")
    Image.new("RGB", (50, 100)).save(folder / "none.png")
    (folder / "text.jpg").write_text("no photo")
    return folder


@pytest.fixture(scope="module")
def client():
    with running(predictor()) as client:
        yield client


def answered(page):
    page.wait_for("!document.getElementById('result').hidden")
    return page.text("#answer")


@pytest.mark.parametrize(
    ("language", "size", "words"),
    [
        ("en-US", WIDE, ["Estimated below 25 years.", "about 21 years", "15 to 28", "90%", "18–24"]),
        ("ru-RU", NARROW, ["Оценка ниже порога: 25 лет.", "около 21 года", "от 15 до 28"]),
        ("en-GB", NARROW, ["Ask for an ID", "Chance of being under 18"]),
        ("ru", WIDE, ["Спросите документ", "Вероятность, что младше 18"]),
    ],
)  # fmt: skip
def test_a_photo_in_and_an_answer_out(page, client, photos, tmp_path, language, size, words):
    page.errors.clear()
    page.requested.clear()
    page.open(client.address, language=language, **size)
    page.choose_file(photos / "one.jpg")
    told = answered(page)
    assert [word for word in words if word not in told] == []
    assert page.evaluate("document.documentElement.lang") == language[:2]
    # everything fits into the width, the box lies on the photo and the curve is drawn
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(
        "[...document.querySelectorAll('dd')].every((dd) => dd.offsetWidth > 0.4 * dd.parentNode.offsetWidth)"
    )
    box, photo = (
        page.evaluate(f"document.querySelector('{name}').getBoundingClientRect().toJSON()")
        for name in ("rect.box", "#photo img")
    )
    scale = photo["width"] / 224
    assert box["x"] - photo["x"] == pytest.approx(62 * scale, abs=4)
    assert box["width"] == pytest.approx(100 * scale, abs=6)
    points = page.evaluate("document.querySelector('polyline').getAttribute('points')").split()
    assert len(points) == 101
    highest = min(points, key=lambda point: float(point.split(",")[1]))
    assert float(highest.split(",")[0]) == pytest.approx(10 + 3.8 * 21.4, abs=3)
    page.screenshot(tmp_path / f"{language}-{size['width']}.png")
    # nothing from elsewhere, nothing kept
    assert page.errors == []
    assert all(url.startswith((client.address, "blob:", "data:", "about:")) for url in page.requested)
    assert page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length") == 0


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("two.jpg", "2 faces on the photo"),
        ("none.png", "No face was found"),
        ("text.jpg", "cannot be read as a photo"),
    ],
)
def test_what_has_no_single_face_is_asked_and_says_why(page, client, photos, name, told):
    page.open(client.address)
    page.choose_file(photos / name)
    assert "Ask for an ID" in answered(page)
    assert told in page.text("#answer")
    assert page.evaluate("document.querySelectorAll('rect.box').length") == {"two.jpg": 2}.get(name, 0)


def test_who_is_old_enough_passes(page, photos):
    with running(predictor(age=40.0)) as client:
        page.open(client.address)
        page.choose_file(photos / "one.jpg")
        assert "No ID needed" in answered(page)
        assert page.evaluate("document.querySelector('.verdict').className") == "verdict"


@pytest.mark.parametrize(
    ("language", "age", "told"),
    [
        ("en", 25.0, "25 years"), ("en", 24.5, "24.5 years"), ("en", 1.0, "1 year"),
        ("ru", 21.0, "21 год"), ("ru", 22.0, "22 года"), ("ru", 25.0, "25 лет"), ("ru", 24.5, "24,5 года"),
        ("ru", 11.0, "11 лет"),
    ],
)  # fmt: skip
def test_a_threshold_is_told_as_it_is_and_in_the_right_plural(page, client, language, age, told):
    page.open(client.address, language=language)
    assert page.evaluate(f"years({age}, 2)") == told


def test_a_photo_is_dropped_anywhere(page, client):
    page.open(client.address)
    page.evaluate(
        """fetch('/static/page.css').then(() => {
          const canvas = document.createElement('canvas');
          canvas.width = canvas.height = 200;
          return new Promise((done) => canvas.toBlob((blob) => {
            const data = new DataTransfer();
            data.items.add(new File([blob], 'a.png'));
            document.body.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true}));
            done();
          }));
        })"""
    )
    assert answered(page)


def test_the_camera_takes_a_photo_by_keyboard_alone(page, client):
    page.open(client.address)
    for _ in range(2):  # past "choose a photo"
        page.press("Tab")
    assert page.evaluate("document.activeElement.id") == "camera"
    page.press("Enter", text="\r")
    page.wait_for("document.activeElement.id === 'shoot' && document.getElementById('video').videoWidth")
    page.press("Enter", text="\r")
    assert "faces" in answered(page)  # the camera's picture is wider than high
    assert page.evaluate("document.getElementById('viewfinder').hidden && state.stream === null")


def test_the_key_is_asked_for_and_kept_for_this_page_alone(page, photos):
    with running(predictor(), api_key="secret") as client:
        page.open(client.address)
        page.choose_file(photos / "one.jpg")
        for key, shown in (("wrong", "keyform"), ("secret", "result")):
            page.wait_for("document.activeElement.id === 'key'")
            page.evaluate(f"document.getElementById('key').value = '{key}'")
            page.press("Enter", text="\r")
            page.wait_for(f"!document.getElementById('{shown}').hidden")
            if shown == "keyform":
                page.wait_for("document.getElementById('status').innerText.includes('not this server')")
        assert "about 21 years" in answered(page)
        page.choose_file(photos / "text.jpg")
        page.wait_for("document.getElementById('answer').innerText.includes('cannot be read')")
        assert page.evaluate("localStorage.length + document.cookie.length") == 0


def test_the_page_for_programs_tells_each_route(page, client):
    page.errors.clear()
    page.open(f"{client.address}/docs")
    page.wait_for("document.getElementById('schemas').children.length")
    for route in re.findall(r"(?<=\s)/\w\S*", "POST /v1/age GET /healthz GET /readyz GET /metrics"):
        assert route in page.text()
    assert page.errors == []
