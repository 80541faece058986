import itertools
import json
import random
from urllib.parse import quote

import pytest

from shopper_age.tracking import training_run
from shopper_age.tracking.secrets import without_password, without_secrets

NASTY = ["p@ss/w0rd", "a/b@c:d", "tok?en#1", "50%25off", "s p a c e", "quo'te\"d", "[br]ack{et}", "€uro&more"]

ADDRESSES = [
    "http://me:{}@mlflow.example.com:5000",
    "https://me:{}@mlflow.example.com/base/path",
    "postgresql+psycopg://me:{}@db.example.com/mlflow?sslmode=require",
    "https://{}@mlflow.example.com",
    "https://mlflow.example.com/?password={}",
    "https://mlflow.example.com/x?a=b&token={}",
    "https://mlflow.example.com/x?a=b&access_key={}&c=d",
    "postgresql://db.example.com/mlflow?user=me&password={}",
]

TEXTS = [
    "cannot reach {}",
    "Failed to parse: '{}/api/2.0/mlflow'",
    '{{"uri": "{}"}}',
    "no {}/api (caused by\n {})",
]


def passwords() -> list[str]:
    rng = random.Random(0)
    alphabet = "abcXYZ019@/:?#&=%+ '\"\\€.-_~!$"
    return NASTY + [f"a{''.join(rng.choices(alphabet, k=10))}Zq9" for _ in range(40)]


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_text_tells_the_password_of_the_store(address, monkeypatch):
    for password, encode in itertools.product(passwords(), (str, lambda text: quote(text, safe=""))):
        uri = address.format(encode(password))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        for told in (
            *(text.format(uri, uri) for text in TEXTS),
            json.dumps(uri),
            f"'{encode(password)}' is wrong",
        ):
            shown = without_password(told)
            for secret in (password, encode(password), json.dumps(password)[1:-1]):
                assert secret not in shown, (uri, told, shown)


@pytest.mark.parametrize(
    "name", ["MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "AWS_SECRET_ACCESS_KEY"]
)
def test_secrets_of_the_environment_are_found_however_they_are_written(name, monkeypatch):
    for password in passwords():
        monkeypatch.setenv(name, password)
        for spelling in (
            password,
            quote(password, safe=""),
            repr(password)[1:-1],
            json.dumps(password)[1:-1],
        ):
            assert spelling not in without_password(f"401 for x{spelling}x at http://host")


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:////home/me@work/mlflow.db",
        "http://mlflow:5000",
        "models:/age-resnet50@champion",
        "no such table: runs (see https://mlflow.org/docs?page=2)",
        "learning_rate=0.001, epochs=5",
        "write to help@example.com",
        "",
    ],
)
def test_text_without_a_secret_stays_as_it_is(text):
    assert without_password(text) == text


def test_a_header_is_no_place_for_a_secret_either():
    assert "dXNlcjpwdw" not in without_password("{'Authorization': 'Basic dXNlcjpwdw=='}")
    assert "abc.def" not in without_password("Authorization: Bearer abc.def")


def test_secrets_are_found_in_nested_values(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "tok/en")
    nested = {"a": ["x tok/en", 1, None], "b": {"c": "tok%2Fen"}}
    assert without_secrets(nested) == {"a": ["x ***", 1, None], "b": {"c": "***"}}


@pytest.mark.parametrize("password", ["p@ss/w0rd", "tok?en#1", "a b'c"])
def test_nothing_on_disk_or_in_the_log_tells_a_password(root, password, monkeypatch, caplog, capfd):
    uri = f"http://me:{password}@127.0.0.1:1"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    params = {"weights": "https://me:other-secret@files.example.com/w.h5"}

    def fails() -> None:
        with training_run("ages", params=params) as run:
            run.set_tags({"seen": f"at {uri}"})
            run.describe(f"from {uri}")
            raise RuntimeError(f"{uri} is gone")

    with pytest.raises(RuntimeError):
        fails()
    written = "".join(path.read_text() for path in (root / ".tracking").rglob("*") if path.is_file())
    assert '"open"' in written
    told = written + caplog.text + "".join(capfd.readouterr())
    assert "cannot be used" in told
    for secret in (password, json.dumps(password)[1:-1], quote(password, safe=""), "other-secret"):
        assert secret not in told
