"""An S3-compatible store on this machine, spoken to over HTTP as any other."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import Request, urlopen

import boto3
from moto.server import ThreadedMotoServer
from project import ROOT

DOCS = ROOT / "docs" / "sharing.md"

BUCKET = "shopper-age"
# The store takes any.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "secret"}


class S3Store:
    """A running store with an empty bucket."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{port}",
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name="us-east-1",
        )
        # all stores of a process share what they hold
        urlopen(Request(f"http://127.0.0.1:{port}/moto-api/reset", method="POST")).close()
        self._client.create_bucket(Bucket=BUCKET)

    def objects(self) -> dict[str, bytes]:
        """The content of every object by its key."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
        return {key: self._client.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}


@contextmanager
def s3_store() -> Iterator[S3Store]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        yield S3Store(server.get_host_and_port()[1])
    finally:
        server.stop()


def set_up_remote(port: int) -> list[list[str]]:
    """The commands of docs/sharing.md that make a store at this port the project's DVC remote."""
    return _documented(0, "https://s3.example.com", f"http://127.0.0.1:{port}")


def set_key(key: str) -> list[list[str]]:
    """Those that keep the key to the store, and its secret, on one machine."""
    return _documented(2, "…", key)


def _documented(block: int, text: str, replacement: str) -> list[list[str]]:
    """The commands of a block in the section on S3, without comments."""
    section = re.split(r"^### S3.*", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE)[1].split("\n#")[0]
    lines = re.findall(r"```bash\n(.*?)```", section, flags=re.DOTALL)[block].splitlines()
    return [re.split(r"\s+# ", line)[0].replace(text, replacement).split() for line in lines]
