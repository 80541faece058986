"""The server process of `shopper-age serve`."""

import ipaddress
import socket
from collections.abc import Callable

import uvicorn

from shopper_age.inference.predictor import Predictor
from shopper_age.serving.app import create_app
from shopper_age.serving.limits import Limits
from shopper_age.serving.observation import configure_log

API_KEY = "SHOPPER_AGE_API_KEY"

# Open connections; each costs little, requests are bounded by `Limits.max_requests`.
_MAX_CONNECTIONS = 256


def check_key(host: str, api_key: str | None) -> None:
    """Raises ValueError for a key that cannot be sent, or where other machines could ask without any."""
    if api_key is not None and not (api_key.isascii() and api_key.isprintable() and " " not in api_key):
        raise ValueError(f"{API_KEY} must be printable ASCII without blanks, or no client could send it")
    if api_key is None and not is_loopback(host):
        raise ValueError(
            f"--host {host} lets other machines in: set {API_KEY} to a long random text that they must send, "
            "or stay with 127.0.0.1"
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server on this host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        OSError: the port is taken, or the host is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_MAX_CONNECTIONS)
    except OSError as error:
        raise OSError(
            f"cannot listen on {host} port {port} ({error.strerror or error}): "
            "choose another --host or --port"
        ) from error


def serve(
    predictor: Predictor,
    listener: socket.socket,
    *,
    limits: Limits,
    api_key: str | None,
    tell: Callable[[str], None],
) -> None:
    """Answers until the process is told to end (Ctrl-C, SIGTERM); what is being answered is finished."""
    configure_log()
    app = create_app(predictor, limits, api_key=api_key)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=_MAX_CONNECTIONS,
        timeout_graceful_shutdown=int(2 * limits.max_seconds) + 1,
        ws="none",
    )
    host, port, *_ = listener.getsockname()
    tell(f"http://{f'[{host}]' if ':' in host else host}:{port} answers now; Ctrl-C ends it")
    uvicorn.Server(config).run(sockets=[listener])
