"""Secrets in text: the credentials of addresses and of the environment, taken out before anything is written.

Where it is not plain what of a text is a secret, more is taken out rather than less.
"""

import base64
import json
import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus

HIDDEN = "***"

# Variables whose value is a secret, and those that hold an address which may have one.
_SECRETS = (
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_CONNECTION_STRING",
    "DATABRICKS_TOKEN",
)
_ADDRESSES = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_S3_ENDPOINT_URL")

# Shorter ones would take single letters out of every word; they are still hidden within an address.
_MIN_LENGTH = 3

# Up to the last @, which a password may hold unencoded. A local path as in sqlite:////home/me@work is none.
_USER = r"\b(?!sqlite|file)([a-z][a-z0-9+.-]*)://"
_CREDENTIALS = re.compile(rf"{_USER}(.*)@", re.IGNORECASE | re.DOTALL)
_CREDENTIALS_IN_TEXT = re.compile(rf"{_USER}\S*@", re.IGNORECASE)

_NAME = r"([?&;][^=&;\s]*(?:pass|pwd|token|secret|key|sig|credential|auth)[^=&;\s]*=)"
# A password may hold an &, so that in an address all that follows is hidden.
_PARAMETER = re.compile(rf"{_NAME}(.+)", re.IGNORECASE | re.DOTALL)
_PARAMETER_IN_TEXT = re.compile(rf"{_NAME}[^&;\s'\"]+", re.IGNORECASE)

_HEADER = re.compile(r"(authorization\W+(?:bearer|basic)\W+)\S+", re.IGNORECASE)


def without_password(text: str) -> str:
    """The text without the credentials of any address in it, and without those of the environment."""
    for address in _values(_ADDRESSES):
        text = text.replace(address, without_credentials(address))
    for secret in sorted(_environment_secrets(), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    text = _CREDENTIALS_IN_TEXT.sub(r"\1://", text)
    return _HEADER.sub(rf"\1{HIDDEN}", _PARAMETER_IN_TEXT.sub(rf"\1{HIDDEN}", text))


def without_credentials(address: str) -> str:
    """An address without `user:password@` and the values of `?password=`, `&token=` and the like.

    It depends on the address alone, so that a store keeps its name when the environment changes.
    """
    return _PARAMETER.sub(rf"\1{HIDDEN}", _CREDENTIALS.sub(r"\1://", address))


def without_secrets(value: Any) -> Any:
    """A value that JSON can hold, each text in it without secrets."""
    if isinstance(value, str):
        return without_password(value)
    if isinstance(value, dict):
        return {key: without_secrets(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(entry) for entry in value]
    return value


def _environment_secrets() -> set[str]:
    """All ways in which a secret of the environment may be written."""
    secrets = set(_values(_SECRETS))
    for address in _values(_ADDRESSES):
        secrets.update(_secrets_of(address))
    user = os.environ.get("MLFLOW_TRACKING_USERNAME", "")
    return {
        spelling
        for secret in secrets
        for spelling in (*_spellings(secret), base64.b64encode(f"{user}:{secret}".encode()).decode())
        if len(spelling) >= _MIN_LENGTH
    }


def _secrets_of(address: str) -> Iterator[str]:
    """What stands before the @ of an address, the password in it, and the values of secret parameters."""
    if credentials := _CREDENTIALS.search(address):
        user, has_password, password = credentials[2].partition(":")
        yield credentials[2]
        yield password if has_password else user
        # Whoever takes the address apart at an @ or a / within the password tells of a part of it.
        yield from (part for part in re.split(r"[@/?#:&\s]", password) if len(part) > _MIN_LENGTH)
    for parameter in _PARAMETER.finditer(address):
        value = parameter[2]
        yield value
        # Which & ends the value is not to be seen.
        yield from (value[: end.start()] for end in re.finditer("&", value))


def _spellings(secret: str) -> Iterator[str]:
    for text in (secret, unquote(secret), unquote_plus(secret)):
        yield text
        yield from (quote(text, safe=""), quote(text), quote_plus(text))
        yield from (repr(text)[1:-1], json.dumps(text)[1:-1])
        yield " ".join(text.split())


def _values(names: tuple[str, ...]) -> list[str]:
    return [value for name in names if (value := os.environ.get(name))]
