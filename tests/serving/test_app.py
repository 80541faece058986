import io
import json
import logging
import socket
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from answering import CROPS, Engine, decision, photo
from fake_detector import cropper, face
from PIL import Image
from running_server import running

from shopper_age.inference.answers import rows
from shopper_age.inference.estimates import Estimates
from shopper_age.inference.predictor import Predictor
from shopper_age.serving import observation
from shopper_age.serving.app import create_app
from shopper_age.serving.limits import Limits

KEY = "a-key-of-the-till"


def png(age, side=40):
    stream = io.BytesIO()
    Image.fromarray(photo(age, side)).save(stream, format="PNG")
    return stream.getvalue()


def predictor(engine=None, **changes):
    return Predictor(engine or Engine(), decision(**changes), None)


@pytest.fixture(scope="module")
def client():
    limits = Limits(max_body_bytes=200_000, max_photos=3, max_pixels=10_000)
    with running(Predictor(Engine(), decision(), None, max_pixels=limits.max_pixels), limits) as client:
        yield client


def test_the_answer_is_the_predictors(client):
    done = client.ask(png(20), png(30))
    assert done.status_code == 200
    first, second = done.json()["photos"]
    expected = [rows(one)[0] for one in predictor().predict([png(20), png(30)])]
    names = ("age", "low", "high", "age_group", "p_under_legal_age", "ask_for_id", "reason", "problem")
    for found, row in zip((first, second), expected, strict=True):
        assert {name: found["faces"][0][name] for name in names} == {name: row[name] for name in names}
    assert (first["ask_for_id"], second["ask_for_id"]) == (True, False)
    assert done.json()["model"] == {
        "md5": "abc", "interval_level": 0.9, "max_interval_width": 30.0, "legal_age": 18,
        "threshold_age": 25.0,
    }  # fmt: skip


def test_a_bad_photo_is_an_entry_of_its_own(client):
    found = client.ask(png(20), b"no photo", png(30)).json()["photos"]
    assert [one["photo"] for one in found] == [0, 1, 2]
    assert [one["faces"][0]["age"] if one["faces"] else one["problem"] for one in found] == [
        20.0,
        "unreadable_photo",
        30.0,
    ]
    assert found[1]["ask_for_id"]
    assert found[1]["detail"] == "none of JPEG, PNG, WEBP, GIF, BMP, TIFF"


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff", png(1)[:60], png(1, side=101)])
def test_empty_cut_and_gigantic_photos_are_entries_too(client, content):
    (found,) = client.ask(content).json()["photos"]
    assert (found["problem"], found["faces"], found["ask_for_id"]) == ("unreadable_photo", [], True)
    assert found["detail"]
    assert "0x" not in found["detail"]


def test_faces_come_with_their_place_and_their_problem():
    noise = np.random.default_rng(0).integers(0, 255, (100, 100, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, format="PNG")
    crops = cropper(face(side=60), face(side=10))
    with running(Predictor(Engine(), decision(faces=CROPS), crops)) as client:
        (found,) = client.ask(stream.getvalue()).json()["photos"]
    fit, unfit = found["faces"]
    assert fit["box"] == {"left": 20.0, "top": 20.0, "right": 80.0, "bottom": 80.0}
    assert (unfit["problem"], unfit["age"], unfit["ask_for_id"]) == ("too_small", None, True)
    assert (found["ask_for_id"], found["reason"]) == (True, "2 faces")


BOUNDARY = {"Content-Type": "multipart/form-data; boundary=x"}
PART = b'--x\r\nContent-Disposition: form-data; name="photos"; filename="a"\r\n\r\nabc'


@pytest.mark.parametrize(
    ("options", "status", "error"),
    [
        ({}, 415, "not_multipart"),
        ({"data": b"\xff\xd8", "headers": {"Content-Type": "image/jpeg"}}, 415, "not_multipart"),
        ({"json": {"photos": []}}, 415, "not_multipart"),
        ({"data": b"abc", "headers": {"Content-Type": "multipart/form-data"}}, 400, "bad_form"),
        ({"data": b"abc", "headers": {"Content-Type": "multipart/form-data; boundary="}}, 400, "bad_form"),
        ({"data": b"garbage" * 99, "headers": BOUNDARY}, 400, "bad_form"),
        ({"data": b"", "headers": BOUNDARY}, 400, "bad_form"),
        ({"data": PART, "headers": BOUNDARY}, 400, "bad_form"),
        ({"data": PART + b"\r\n" + PART, "headers": BOUNDARY}, 400, "bad_form"),
        ({"data": b"--x--\r\n", "headers": BOUNDARY}, 422, "no_photos"),
        ({"files": [("photo", ("a.jpg", png(3)))]}, 422, "no_photos"),
        ({"files": [("photos", (None, "text"))]}, 422, "no_photos"),
        ({"files": [("photos", ("a.jpg", png(3)))] * 4}, 422, "too_many_photos"),
        ({"files": [("photos", ("a.jpg", bytes(300_000)))]}, 413, "body_too_large"),
        ({"data": iter([PART, bytes(300_000)]), "headers": BOUNDARY}, 413, "body_too_large"),
        ({"files": [("photos", ("a.jpg", bytes(50_000_000)))]}, 413, "body_too_large"),
    ],
)
def test_a_request_that_cannot_be_answered_is_refused_at_once_and_in_words(client, options, status, error):
    start = time.monotonic()
    done = client.post(**options)
    assert time.monotonic() - start < 4
    assert (done.status_code, done.json()["error"]) == (status, error)
    assert done.json()["message"]
    assert done.json()["request_id"] == done.headers["X-Request-ID"]
    assert client.ask(png(20)).status_code == 200


def test_unknown_places_and_methods_are_refused_in_the_same_form(client):
    assert client.get("/v2").json().keys() == {"error", "message", "request_id"}
    assert client.get("/v1/age").status_code == 405
    assert client.get("/static/..%2fapp.py").status_code == 404


def test_without_the_key_nothing_is_answered_and_nothing_counted_is_shown():
    with running(predictor(), api_key=KEY) as client:
        assert client.ask(png(20)).status_code == 200
        assert client.get("/metrics").status_code == 200
        wrong = ("", "Bearer", "Bearer ", f"Bearer {KEY}x", f"Basic {KEY}", f"Bearer {KEY[:-1]}", "Bearer ü")
        for value in wrong:
            headers = {"Authorization": value.encode("latin-1")}
            for done in (client.ask(png(20), headers=headers), client.get("/metrics", headers=headers)):
                assert (done.status_code, done.json()["error"]) == (401, "unauthorized")
                assert done.headers["WWW-Authenticate"] == "Bearer"
        assert client.get("/healthz", headers={"Authorization": ""}).status_code == 200
        assert client.get("/readyz", headers={"Authorization": ""}).status_code == 200


class Slow(Engine):
    """Answers when it is let."""

    def __init__(self):
        super().__init__()
        self.may_go = threading.Event()
        self.may_go.set()

    def estimate(self, photos):
        assert self.may_go.wait(30)
        return super().estimate(photos)


def _wait_for(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_too_many_requests_at_a_time_are_sent_away_and_the_others_answered():
    engine = Slow()
    with (
        running(predictor(engine), Limits(max_requests=2)) as client,
        ThreadPoolExecutor(2) as threads,
    ):
        engine.may_go.clear()
        waiting = [threads.submit(client.ask, png(20 + index)) for index in range(2)]
        _wait_for(lambda: "in_server 2.0" in client.get("/metrics").text)
        done = client.ask(png(40))
        assert (done.status_code, done.json()["error"]) == (429, "busy")
        assert int(done.headers["Retry-After"]) >= 1
        assert client.get("/healthz").status_code == 200
        engine.may_go.set()
        assert [one.result().json()["photos"][0]["faces"][0]["age"] for one in waiting] == [20.0, 21.0]
        assert client.ask(png(40)).status_code == 200


def test_an_answer_that_takes_too_long_is_given_up_and_keeps_its_place_until_it_ends():
    engine = Slow()
    with running(predictor(engine), Limits(max_seconds=0.3, max_requests=1)) as client:
        engine.may_go.clear()
        done = client.ask(png(20))
        assert (done.status_code, done.json()["error"]) == (503, "timeout")
        assert client.ask(png(20)).status_code == 429
        assert (client.get("/readyz").status_code, client.get("/readyz").json()["error"]) == (503, "stuck")
        engine.may_go.set()
        _wait_for(lambda: client.ask(png(20)).status_code == 200)
        assert client.get("/readyz").json()["status"] == "ready"


def test_a_body_that_does_not_arrive_frees_its_place():
    with running(predictor(), Limits(max_seconds=0.3, max_requests=1)) as client:
        host, port = client.address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as slow:
            head = b"POST /v1/age HTTP/1.1\r\nHost: till\r\nContent-Length: 1000\r\n"
            slow.sendall(head + b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x")
            slow.settimeout(15)
            assert b" 408 " in slow.recv(4096).splitlines()[0]
        assert client.ask(png(20)).status_code == 200


def test_a_client_that_goes_away_frees_its_place():
    with running(predictor(), Limits(max_requests=1)) as client:
        host, port = client.address.removeprefix("http://").split(":")
        for _ in range(3):
            with socket.create_connection((host, int(port)), timeout=10) as gone:
                head = b"POST /v1/age HTTP/1.1\r\nHost: till\r\nContent-Length: 1000\r\n"
                gone.sendall(head + b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x")
        _wait_for(lambda: client.ask(png(20)).status_code == 200)
        assert 'status="499"' in client.get("/metrics").text


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.INFO, logger=observation.__name__)

    def lines():
        formatter = observation.JsonLines()
        return [json.loads(formatter.format(record)) for record in caplog.records]

    return lines


def test_each_request_is_logged_by_its_id_without_the_photo_or_its_name(client, log):
    asked = [("photos", ("Erika Mustermann.png", png(77)))]
    done = client.post("/v1/age", files=asked, headers={"X-Request-ID": "till-7.1"}, params={"who": "Erika"})
    assert done.headers["X-Request-ID"] == done.json()["request_id"] == "till-7.1"
    _wait_for(log)
    (line,) = log()
    assert line.items() >= {
        "event": "request", "request_id": "till-7.1", "method": "POST", "route": "/v1/age", "status": 200,
        "n_photos": 1, "n_faces": 1, "n_asked": 0, "n_problems": 0,
    }.items()  # fmt: skip
    assert line.keys() - {"time", "level", "milliseconds", "n_bytes"} == {
        "event", "request_id", "method", "route", "status", "n_photos", "n_faces", "n_asked", "n_problems",
    }  # fmt: skip
    assert "Erika" not in json.dumps(line)


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "ü", '{"a": 1}'])
def test_an_id_that_could_confuse_a_log_is_replaced(client, given):
    headers = {"X-Request-ID": given.encode("latin-1")}
    assert len(client.get("/healthz", headers=headers).headers["X-Request-ID"]) == 32


def test_a_fault_of_the_server_is_logged_and_tells_the_client_nothing_but_its_id(log):
    class Broken(Engine):
        def estimate(self, photos):
            if photos[0, 0, 0, 0] == 13:
                raise RuntimeError("secret")
            return super().estimate(photos)

    with running(predictor(Broken())) as client:
        done = client.ask(png(13))
        assert (done.status_code, done.json()["error"]) == (500, "internal")
        assert "secret" not in done.text
        _wait_for(log)
        (line,) = log()
        assert (line["level"], line["error"]) == ("error", "RuntimeError")
        assert "secret" in line["traceback"]
        assert line["request_id"] == done.json()["request_id"]
        assert client.ask(png(20)).status_code == 200


def test_a_model_that_cannot_answer_stops_the_start():
    class Broken(Engine):
        def estimate(self, photos):
            raise RuntimeError(f"no engine for {len(photos)}")

    with pytest.raises(RuntimeError, match="no engine"):
        create_app(predictor(Broken()), Limits(), api_key=None)


def test_metrics_count_requests_photos_faces_and_problems():
    with running(predictor()) as client:
        client.ask(png(20), png(30), b"no photo")
        client.post()
        found = client.get("/metrics").text.splitlines()
    assert {
        'shopper_age_requests_total{route="/v1/age",status="200"} 1.0',
        'shopper_age_requests_total{route="/v1/age",status="415"} 1.0',
        "shopper_age_photos_total 3.0",
        'shopper_age_faces_total{ask_for_id="true"} 1.0',
        'shopper_age_faces_total{ask_for_id="false"} 1.0',
        'shopper_age_problems_total{problem="unreadable_photo"} 1.0',
        "shopper_age_requests_in_server 0.0",
    } <= set(found)
    assert any(line.startswith("process_resident_memory_bytes") for line in found)


def test_no_photo_is_written_to_disk(monkeypatch):
    def refuse(*_args, **_options):
        raise AssertionError("a temporary file")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    noise = np.random.default_rng(0).integers(0, 255, (1200, 1200, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, format="PNG")
    with running(predictor()) as client:
        assert client.ask(stream.getvalue()).json()["photos"][0]["faces"]
    assert len(stream.getvalue()) > 4 * 2**20


def test_ages_that_come_at_the_same_time_are_not_mixed_up():
    class Uneven(Engine):
        def estimate(self, photos):
            time.sleep(0.002 * (photos[0, 0, 0, 0] % 3))
            return Estimates(photos[:, 0, 0, 0].astype(float))

    with running(predictor(Uneven()), Limits(max_requests=50)) as client, ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda age: client.ask(png(age), png(age + 100)).json(), range(40)))
    ages = [[one["faces"][0]["age"] for one in answer["photos"]] for answer in found]
    assert ages == [[float(age), age + 100.0] for age in range(40)]
