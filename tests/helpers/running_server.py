"""The server on a free port of this machine, in a thread of the test."""

import threading
import time
from contextlib import contextmanager

import requests
import uvicorn

from shopper_age.serving.app import create_app
from shopper_age.serving.limits import Limits
from shopper_age.serving.server import listen


class Client:
    """Asks one server."""

    def __init__(self, address, api_key=None):
        self.address = address
        self.session = requests.Session()
        self.session.trust_env = False
        if api_key:
            self.session.headers["Authorization"] = f"Bearer {api_key}"

    def get(self, path, **options):
        return self.session.get(self.address + path, timeout=30, **options)

    def post(self, path="/v1/age", **options):
        return self.session.post(self.address + path, timeout=60, **options)

    def ask(self, *photos, **options):
        """Photos, as bytes, in one request."""
        return self.post(files=[("photos", ("a.jpg", photo)) for photo in photos], **options)


@contextmanager
def running(predictor, limits=None, *, api_key=None):
    """A client of a server that runs while the block does."""
    app = create_app(predictor, limits or Limits(), api_key=api_key)
    with listen("127.0.0.1", 0) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            end = time.monotonic() + 20
            while not server.started:
                assert thread.is_alive(), "the server did not start"
                assert time.monotonic() < end, "the server does not start"
                time.sleep(0.01)
            yield Client(f"http://127.0.0.1:{listener.getsockname()[1]}", api_key)
        finally:
            server.should_exit = True
            thread.join(20)
