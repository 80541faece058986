"""Files of object stores, by the address of their folder, such as s3://bucket/faces."""

from pathlib import Path
from typing import Any


class ObjectStoreError(OSError):
    """An object store did not give a file."""


def is_url(path: str | Path) -> bool:
    """Whether this names a folder in an object store rather than one on this machine."""
    return isinstance(path, str) and "://" in path


def read_object(url: str, name: str) -> bytes:
    """The content of a file in the folder.

    Raises:
        FileNotFoundError: the folder has no such file.
        ObjectStoreError: the store cannot be reached or refuses; its library is not installed.
    """
    return _asked(url, name, lambda system, place: system.cat_file(place))


def save_object(url: str, name: str, path: Path) -> None:
    """Copies a file of the folder to this machine; raises as `read_object` does."""
    _asked(url, name, lambda system, place: system.get_file(place, str(path)))


def _asked(url: str, name: str, ask: Any) -> Any:
    from fsspec.core import url_to_fs

    try:
        system, folder = url_to_fs(url)
        return ask(system, f"{folder.rstrip('/')}/{name}")
    except FileNotFoundError:
        raise FileNotFoundError(f"{url.rstrip('/')}/{name} not found") from None
    except Exception as error:  # each store's library has errors of its own
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ObjectStoreError(
            f"{url.rstrip('/')}/{name} cannot be read ({reason}): check the address in data_path and, as the "
            "store asks for it, its key (of S3: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL)"
        ) from error
