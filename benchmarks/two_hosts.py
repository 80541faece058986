"""Training on two hosts whose link is cut for a while: namespaces of the network, joined by a virtual cable.

    KERAS_BACKEND=jax python benchmarks/two_hosts.py --seconds 20

Needs Linux, root, iproute2 and Ray. Each host is a Ray node with one worker; the link is cut after an epoch,
which stops the training, and joined again. Settings and photos are those of scaling.py.
"""

import argparse
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import scaling
from testbed import faces_folder, machine

from shopper_age.runtime.stage import configure_logging

_HOSTS = {"agehost1": "10.99.0.1", "agehost2": "10.99.0.2"}

_CABLES = {"agehost1": "agecable1", "agehost2": "agecable2"}

_PORT = 6379

# Where `ip netns exec` finds files that stand for those of /etc.
_ETC = Path("/etc/netns")

_RAY = [sys.executable, "-m", "ray.scripts.scripts"]

_SECONDS_TO_START = 120


@contextmanager
def two_hosts() -> Iterator[None]:
    """Two namespaces with a cable between them, for the time of the block."""
    with ExitStack() as stack:
        for host, address in _HOSTS.items():
            _ip("netns", "add", host)
            stack.callback(_ip, "netns", "delete", host)
            hosts_file = _ETC / host / "hosts"
            hosts_file.parent.mkdir(parents=True, exist_ok=True)
            stack.callback(hosts_file.parent.rmdir)
            # processes find each other by the name of the host, which both have in common
            hosts_file.write_text(
                f"127.0.0.1 localhost\n{address} {socket.gethostname()}\n", encoding="utf-8"
            )
            stack.callback(hosts_file.unlink)
        (one, two), (cable_one, cable_two) = _HOSTS, _CABLES.values()
        _ip("link", "add", cable_one, "netns", one, "type", "veth", "peer", "name", cable_two, "netns", two)
        for host, address in _HOSTS.items():
            _ip("-n", host, "address", "add", f"{address}/24", "dev", _CABLES[host])
            for link in ("lo", _CABLES[host]):
                _ip("-n", host, "link", "set", link, "up")
        yield


@contextmanager
def ray_nodes(log: Path) -> Iterator[str]:
    """The address of a Ray cluster with a node on each host; each node has one CPU."""
    one, two = _HOSTS
    address = f"{_HOSTS[one]}:{_PORT}"
    roles = {one: ["--head", f"--port={_PORT}", "--include-dashboard=false"], two: [f"--address={address}"]}
    with ExitStack() as stack, log.open("wb") as output:
        for number, (host, role) in enumerate(roles.items(), start=1):
            node = [f"--node-ip-address={_HOSTS[host]}", "--num-cpus=1", "--object-store-memory=100000000"]
            process = subprocess.Popen(
                _inside(host, *_RAY, "start", *role, *node, "--block"),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
            _wait_for_nodes(one, address, number)
        yield address


def _wait_for_nodes(host: str, address: str, n_nodes: int) -> None:
    code = (
        f"import ray; ray.init(address={address!r}, logging_level='ERROR'); "
        f"raise SystemExit(len(ray.nodes()) < {n_nodes})"
    )
    end = time.monotonic() + _SECONDS_TO_START
    ask = _inside(host, sys.executable, "-c", code)
    while subprocess.run(ask, capture_output=True, check=False).returncode:
        if time.monotonic() > end:
            raise TimeoutError(f"Ray did not start {n_nodes} nodes in {_SECONDS_TO_START} s")
        time.sleep(1)


def drive(seconds: float, epochs: int) -> None:
    """Trains on the cluster of RAY_ADDRESS and cuts the cable after the first epoch; runs on one host."""
    configure_logging()
    host, cable = next(iter(_CABLES.items()))
    is_cut = threading.Event()

    def set_cable(state: str) -> None:
        subprocess.run(["ip", "link", "set", cable, state], check=True)
        print(f"{time.strftime('%X')} {host}: cable {state}", flush=True)

    def after_epoch(n_finished: int) -> None:
        if n_finished < epochs and not is_cut.is_set():
            is_cut.set()
            set_cable("down")
            threading.Timer(seconds, set_cable, ["up"]).start()

    with faces_folder(None, n_drawn=300) as faces, TemporaryDirectory() as folder:
        params = scaling.settings(faces, epochs=epochs, n_workers=len(_HOSTS))
        training = scaling.train(params, Path(folder), after_epoch=after_epoch)
    epochs_told = [int(row["epoch"]) for row in training.history]
    print(f"epochs {epochs_told}, {training.seconds:.0f} s, seconds of each:")
    print(", ".join(f"{row['seconds']:.1f}" for row in training.history))


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def _inside(host: str, *command: str) -> list[str]:
    return ["ip", "netns", "exec", host, *command]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0, help="for which the link is cut")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--drive", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.drive:
        drive(args.seconds, args.epochs)
        return
    print(machine(), flush=True)
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    with TemporaryDirectory() as folder, two_hosts(), ray_nodes(Path(folder, "ray.log")) as address:
        os.environ["RAY_ADDRESS"] = address
        driver = [sys.executable, __file__, "--drive"]
        settings = ["--seconds", str(args.seconds), "--epochs", str(args.epochs)]
        subprocess.run(_inside(next(iter(_HOSTS)), *driver, *settings), check=True)


if __name__ == "__main__":
    main()
