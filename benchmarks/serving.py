"""The server under many clients at a time, a third of whose photos are bad.

Starts `shopper-age serve` with fewer places than there are clients, so that some are sent away with 429 and
come back when Retry-After says, and compares every answer with what `Predictor` says of the same photo.
Prints status codes, wrong answers, percentiles of the seconds to an answer, and the server's memory after a
sixth of the time and at the end.

    python benchmarks/serving.py --models models --faces FOLDER
    python benchmarks/serving.py                    # drawn faces, an untrained network of --image-size

Ends with status 1 if an answer was wrong or another status than 200 and 429 came.
"""

import argparse
import http.client
import json
import math
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from testbed import faces_folder

from shopper_age.data.tables import PHOTO_FOLDER
from shopper_age.inference.decision import Decision, FaceCrops, IdCheck
from shopper_age.inference.predictor import Predictor
from shopper_age.metrics.interval_rule import IntervalRule
from shopper_age.runtime.hashing import file_md5
from shopper_age.tracking.provenance import provenance

_BOUNDARY = "a-boundary-that-no-photo-contains"

_SHARE_BAD = 1 / 3

_CROPS = FaceCrops("mtcnn", margin=0.3, min_eye_distance_px=20, min_sharpness=5, max_turn=0.8)


def make_models(folder: Path, image_size: int, *, crops_faces: bool = True) -> None:
    """Writes an untrained network as ONNX with a decision: nonsense, in the time of a trained one."""
    from shopper_age import create_model
    from shopper_age.export.onnx import export_onnx
    from shopper_age.model.archive import save_model

    model = create_model((image_size, image_size, 3), weights="random", loss="label_distribution")
    saved = folder / "untrained.keras"
    save_model(model, saved)
    md5 = file_md5(saved)
    export_onnx(model, folder / "untrained.onnx", n_views=1, model_md5=md5)
    Decision(
        model_md5=md5,
        image_size=image_size,
        n_views=1,
        age_groups=(0, 12, 18, 25, 65),
        interval=IntervalRule(0.9, True, (0,), (1.6,), (100,)),
        max_interval_width=100,
        id_check=IdCheck(18, 14, 25.0, None, 0.01, None),
        faces=_CROPS if crops_faces else None,
    ).save(folder / "decision.json")


def bad_photos(good: bytes) -> list[bytes]:
    """Files that are no photo, or not the whole of one."""
    rng = np.random.default_rng(0)
    return [
        b"",
        b"no photo",
        good[: len(good) // 2],
        rng.bytes(100_000),
        b"\x89PNG\r\n\x1a\n" + rng.bytes(5000),
    ]


@contextmanager
def server(models: Path, max_requests: int, log: Path) -> Iterator[tuple[int, str, int]]:
    """Process id, host and port of a server that runs while the block does."""
    code = "from shopper_age.cli.app import app; app()"
    options = ["--model", str(models), "--port", "0", "--max-requests", str(max_requests)]
    with log.open("w") as output:
        command = [sys.executable, "-c", code, "serve", *options]
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        told = process.stderr.readline()
        found = re.search(r"http://([\d.]+):(\d+)", told)
        try:
            if found is None:
                sys.exit(f"the server did not start: {told}{process.stderr.read()}")
            yield process.pid, found[1], int(found[2])
        finally:
            process.terminate()
            process.wait(60)


class Client(threading.Thread):
    """Sends one photo after another until the time is over."""

    def __init__(
        self,
        address: tuple[str, int],
        photos: list[tuple[bytes, Any]],
        bad: list[tuple[bytes, Any]],
        seed: int,
        end: float,
    ) -> None:
        super().__init__()
        self._address, self._good, self._bad, self._end = address, photos, bad, end
        self._rng = np.random.default_rng(seed)
        self.statuses: Counter[int] = Counter()
        self.seconds: list[float] = []
        self.n_wrong = 0
        self.n_bad = 0

    def run(self) -> None:
        connection = http.client.HTTPConnection(*self._address, timeout=60)
        while time.monotonic() < self._end:
            is_bad = self._rng.random() < _SHARE_BAD
            pool = self._bad if is_bad else self._good
            photo, expected = pool[self._rng.integers(len(pool))]
            while time.monotonic() < self._end:
                start = time.monotonic()
                connection.request("POST", "/v1/age", _form(photo), _HEADERS)
                reply = connection.getresponse()
                content = json.loads(reply.read())
                self.statuses[reply.status] += 1
                if reply.status == 429:
                    time.sleep(float(reply.headers["Retry-After"]))
                    continue
                self.seconds.append(time.monotonic() - start)
                self.n_bad += is_bad
                self.n_wrong += reply.status != 200 or _essence(content["photos"][0]) != expected
                break


_HEADERS = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}


def _form(photo: bytes) -> bytes:
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="photos"; filename="a"\r\n\r\n'
    return head.encode() + photo + f"\r\n--{_BOUNDARY}--\r\n".encode()


def _essence(photo: dict[str, Any]) -> Any:
    return photo["problem"], photo["ask_for_id"], [face["age"] for face in photo["faces"]]


def expected_answers(models: Path, photos: list[bytes]) -> list[Any]:
    """What `Predictor` says of each photo, as `_essence` of an answer over HTTP."""
    return [
        (
            found.problem,
            found.ask_for_id,
            [None if face.age is None else round(face.age, 2) for face in found.faces],
        )
        for found in Predictor.load(models).predict(photos)
    ]


def resident_mib(pid: int) -> float:
    """Memory of a process that lies in RAM (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) / 1024


def measure(models: Path, good: list[bytes], options: argparse.Namespace, log: Path) -> bool:
    """Runs the clients, prints what they met, and tells whether all was right."""
    bad = bad_photos(good[0])
    answers = expected_answers(models, good + bad)
    known_good = list(zip(good, answers, strict=False))
    known_bad = list(zip(bad, answers[len(good) :], strict=True))
    with server(models, options.max_requests, log) as (pid, host, port):
        start = time.monotonic()
        clients = [
            Client((host, port), known_good, known_bad, seed, start + options.seconds)
            for seed in range(options.clients)
        ]
        for client in clients:
            client.start()
        time.sleep(options.seconds / 6)
        early = resident_mib(pid)
        for client in clients:
            client.join()
        wall, late = time.monotonic() - start, resident_mib(pid)
    statuses = sum((client.statuses for client in clients), Counter())
    seconds = np.sort(np.concatenate([client.seconds for client in clients]))
    n_wrong = sum(client.n_wrong for client in clients)
    n_bad = sum(client.n_bad for client in clients)
    print(f"{options.clients} clients, {options.max_requests} places, {wall:.0f} s, {provenance()['cpu']}")
    print("statuses: " + ", ".join(f"{status}: {n:,}" for status, n in sorted(statuses.items())))
    print(f"answers: {len(seconds):,}, of them {n_bad:,} for bad photos; {len(seconds) / wall:.1f} a second")
    print(f"wrong answers: {n_wrong}")
    told = {
        share: 1000 * seconds[min(len(seconds) - 1, math.ceil(share * len(seconds)))]
        for share in (0.5, 0.9, 0.99)
    }
    print(
        "milliseconds to an answer: "
        + ", ".join(f"p{100 * share:.0f} {value:.0f}" for share, value in told.items())
        + f", longest {1000 * seconds[-1]:.0f}"
    )
    print(f"memory: {early:.0f} MiB after {options.seconds / 6:.0f} s, {late:.0f} MiB at the end")
    return n_wrong == 0 and statuses.keys() <= {200, 429}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=Path, help="folder with an exported model and its decision.json")
    parser.add_argument("--faces", type=Path, help="folder with labels.csv and final_files/")
    parser.add_argument(
        "--image-size", type=int, default=112, help="of the untrained network, without --models"
    )
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--max-requests", type=int, default=4, help="places in the server")
    options = parser.parse_args()
    with TemporaryDirectory() as temporary, faces_folder(options.faces, n_drawn=60) as faces:
        folder = Path(temporary)
        models = options.models
        if models is None:
            models = folder / "models"
            models.mkdir()
            make_models(models, options.image_size)
        files = sorted(path for path in (faces / PHOTO_FOLDER).iterdir() if path.is_file())[:200]
        good = [path.read_bytes() for path in files]
        if not measure(models, good, options, folder / "server.log"):
            sys.exit("some answers were wrong")


if __name__ == "__main__":
    main()
