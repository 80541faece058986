import threading
import time

import pytest

from shopper_age.tracking import timeouts
from shopper_age.tracking.secrets import without_password
from shopper_age.tracking.timeouts import error_text, with_timeout


def test_a_call_in_time_returns_what_the_function_returns():
    assert with_timeout(divmod, 7, 2) == (3, 1)


def test_a_call_raises_what_the_function_raises():
    with pytest.raises(ZeroDivisionError):
        with_timeout(divmod, 7, 0)


def test_a_timeout_of_the_function_itself_keeps_its_words():
    def answers_late():
        raise TimeoutError("the server took too long")

    with pytest.raises(TimeoutError, match="the server took too long"):
        with_timeout(answers_late)


def test_a_call_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr(timeouts, "TIMEOUT_S", 0.1)
    never = threading.Event()
    start = time.monotonic()
    with pytest.raises(TimeoutError, match="no answer within 0 seconds"):
        with_timeout(never.wait)
    assert time.monotonic() - start < 5
    never.set()


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("the loss is\n  not a number."), "ValueError: the loss is not a number"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (
            OSError("no route to http://me:secret@mlflow:5000/api"),
            "OSError: no route to http://mlflow:5000/api",
        ),
    ],
)
def test_an_error_is_told_in_a_line_without_a_password(error, text):
    assert error_text(error) == text


def test_a_long_error_is_cut():
    text = error_text(ValueError("word " * 1_000))
    assert len(text) < 700
    assert text.endswith("…")


def test_an_address_without_a_password_stays_as_it_is():
    assert without_password("sqlite:////home/me@work/mlflow.db") == "sqlite:////home/me@work/mlflow.db"
    assert without_password("http://mlflow:5000") == "http://mlflow:5000"


@pytest.mark.parametrize("secret", ["pw", "Qz7@Xw9", "a/b@c", "p:q", "%40x", "ü@/?#", "@@"])
@pytest.mark.parametrize("scheme", ["http", "https", "postgresql", "mysql+pymysql"])
def test_no_password_of_an_address_is_told(scheme, secret):
    told = without_password(f"could not reach {scheme}://bob:{secret}@host:5000/db (timed out)")
    assert told == f"could not reach {scheme}://host:5000/db (timed out)"


@pytest.mark.parametrize("name", ["password", "token", "access_key", "X-Amz-Signature", "api_key"])
def test_no_secret_of_a_query_is_told(name):
    assert without_password(f"http://host/api?a=1&{name}=Qz7Xw9&b=2") == f"http://host/api?a=1&{name}=***&b=2"
    assert "Qz7Xw9" not in without_password(f"'http://host?{name}=Qz7Xw9' refused")


def test_no_secret_of_mlflows_settings_is_told(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "s3cret-t0ken")
    assert without_password("401 for Bearer s3cret-t0ken") == "401 for Bearer ***"
