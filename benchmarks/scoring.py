"""`shopper-age predict` for many photos: memory and speed of one process and of several workers, and kills.

Links to the photos of FOLDER make as many as are asked for, one in a hundred a broken file. The network is a
single layer, so that the time is that of decoding and all around a model; `--models` takes a real one.

    python benchmarks/scoring.py --faces FOLDER --photos 1000 10000 100000 --workers 2
    python benchmarks/scoring.py --photos 1000               # drawn faces

Each run is a process of its own. Prints its seconds and the largest resident memory of the command, of the
largest worker and of Ray's own processes together; then kills runs with the most photos half-way, by SIGKILL,
starts them again and compares the answers with those of the unbroken run of one process. Ends with status 1
if any differ.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import psutil
import pyarrow.parquet as pq
from testbed import faces_folder

from shopper_age.data.tables import PHOTO_FOLDER
from shopper_age.inference.decision import DECISION_FILE, Decision, IdCheck
from shopper_age.inference.engines import MODEL_MD5, N_VIEWS
from shopper_age.metrics.interval_rule import IntervalRule
from shopper_age.runtime.files import read_csv
from shopper_age.runtime.machine import cpu_model, usable_cores

SIDE = 32

_SHARE_BROKEN = 100

_MIB = 2**20


def make_models(folder: Path) -> None:
    """Writes an ONNX file whose age is a random weighting of a photo's pixels, and its decision."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(0).random((SIDE * SIDE * 3, 1), np.float32)
    weights *= 80 / 255 / weights.sum()  # white is 80 years
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["photo"], ["pixels"], to=TensorProto.FLOAT),
            helper.make_node("Flatten", ["pixels"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["age"]),
        ],
        "one layer",
        [helper.make_tensor_value_info("photo", TensorProto.UINT8, ["n", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("age", TensorProto.FLOAT, ["n", 1])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {MODEL_MD5: "one layer", N_VIEWS: "1"})
    onnx.save(model, folder / "layer.onnx")
    Decision(
        model_md5="one layer",
        image_size=SIDE,
        n_views=1,
        age_groups=(0, 12, 18, 25, 65),
        interval=IntervalRule(0.9, False, (0,), (10.0,), (100,)),
        max_interval_width=100,
        id_check=IdCheck(18, 14, 25.0, None, 0.01, None),
        faces=None,
    ).save(folder / DECISION_FILE)


def link_photos(photos: Path, folder: Path, n: int) -> None:
    """Makes a folder of `n` photos by links to those of another; one in a hundred is broken."""
    files = sorted(photos.iterdir())
    folder.mkdir()
    broken = folder / ".broken"
    broken.write_bytes(files[0].read_bytes()[:100])
    for number in range(n):
        target = files[number % len(files)] if number % _SHARE_BROKEN else broken
        (folder / f"{number:08d}.jpg").symlink_to(target)


class Run:
    """A `shopper-age predict`, whose memory is read as it runs, in MiB."""

    def __init__(self, photos: Path, out: Path, models: Path, workers: int) -> None:
        command = ["predict", f"{photos}/", "--out", f"{out}", "--model", str(models)]
        command += ["--workers", str(workers)]
        code = "from shopper_age.cli.app import app; app()"
        self._start = time.monotonic()
        self._process = subprocess.Popen([sys.executable, "-c", code, *command])
        self.seconds = 0.0
        self.peaks = {"command": 0.0, "worker": 0.0, "ray": 0.0}
        self.seen: dict[int, psutil.Process] = {}
        self._cpu_seconds: dict[int, float] = {}

    @property
    def cpu_seconds(self) -> float:
        """Of all processes, as they were last seen."""
        return sum(self._cpu_seconds.values())

    def watch(self, is_enough: Callable[[], bool] = lambda: False) -> bool:
        """Whether it ran to its end before it was enough; a failure ends the program."""
        while self._process.poll() is None:
            self._look()
            if is_enough():
                return False
            time.sleep(0.1)
        self.seconds = time.monotonic() - self._start
        if self._process.returncode:
            sys.exit(f"the command ended with status {self._process.returncode}")
        return True

    def kill(self) -> float:
        """Kills the command alone; returns the seconds until all that it started is gone."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        start = time.monotonic()
        while any(process.is_running() and process.status() != "zombie" for process in self.seen.values()):
            time.sleep(0.1)
            if time.monotonic() - start > 120:
                sys.exit("processes of a killed command are still there after two minutes")
        return time.monotonic() - start

    def kill_a_worker(self) -> None:
        next(process for process in self.seen.values() if _is_worker(process)).kill()

    def _look(self) -> None:
        rays = 0.0
        try:
            own = psutil.Process(self._process.pid)
            self._take_time(own)
            self.peaks["command"] = max(self.peaks["command"], own.memory_info().rss / _MIB)
            below = own.children(recursive=True)
        except psutil.NoSuchProcess:
            return
        for process in below:
            self.seen[process.pid] = process
            try:
                self._take_time(process)
                size = process.memory_info().rss / _MIB
                if _is_worker(process):
                    self.peaks["worker"] = max(self.peaks["worker"], size)
                else:
                    rays += size
            except psutil.NoSuchProcess:
                continue
        self.peaks["ray"] = max(self.peaks["ray"], rays)

    def _take_time(self, process: psutil.Process) -> None:
        self._cpu_seconds[process.pid] = sum(process.cpu_times()[:2])


def _is_worker(process: psutil.Process) -> bool:
    try:
        return any("ray::MapWorker" in word for word in process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _told(name: str, n: int, run: Run) -> None:
    peaks = ", ".join(f"{what} {size:,.0f} MiB" for what, size in run.peaks.items() if size)
    speed = f"{run.seconds:.1f} s, {n / run.seconds:,.0f} photos a second, {run.cpu_seconds:.1f} s of CPU"
    print(f"{name}, {n:,} photos: {speed}; {peaks}", flush=True)


def _rows(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder).sort_values(["photo", "face"]).reset_index(drop=True)


def check(rows: pd.DataFrame, expected: pd.DataFrame, n: int) -> None:
    """Ends the program unless these are the answers, of each photo once."""
    same = rows["photo"].tolist() == list(range(n)) and len(expected) == n
    for name in ("file_name", "age_group", "reason", "problem"):
        same = same and rows[name].fillna("").tolist() == expected[name].tolist()
    ages = [float(age) if age else None for age in expected["age"]]
    same = same and rows["age"].astype(object).where(rows["age"].notna(), None).tolist() == ages
    print(f"    {len(rows):,} rows, {'as those of one process' if same else 'WRONG'}", flush=True)
    if not same:
        sys.exit(1)


def _parts(out: Path) -> Iterator[Path]:
    return out.with_name(f".{out.name}.parts").glob("part-*.parquet")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=Path, help="with labels.csv and final_files")
    parser.add_argument("--models", type=Path, help="with a model and its decision.json")
    parser.add_argument("--photos", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--workers", type=int, default=2, help="1: without Ray")
    parser.add_argument("--no-kills", action="store_true", help="only measure unbroken runs")
    options = parser.parse_args()
    print(f"{cpu_model()}, {usable_cores()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
    with faces_folder(options.faces) as faces, TemporaryDirectory() as name:
        folder = Path(name)
        models = options.models or folder / "models"
        if options.models is None:
            models.mkdir()
            make_models(models)
        for n in sorted(options.photos):
            photos = folder / f"photos-{n}"
            link_photos(faces / PHOTO_FOLDER, photos, n)
            one, several = folder / f"one-{n}.csv", folder / f"several-{n}"
            run = Run(photos, one, models, 1)
            run.watch()
            _told("one process", n, run)
            if options.workers > 1:
                run = Run(photos, several, models, options.workers)
                run.watch()
                _told(f"{options.workers} workers", n, run)
                check(_rows(several), read_csv(one), n)
        if options.no_kills:
            return
        _kill_one_process(photos, one, models, n)
        if options.workers > 1:
            _kill_workers(photos, folder / "killed", models, options.workers, one, n)


def _kill_one_process(photos: Path, whole: Path, models: Path, n: int) -> None:
    out = whole.with_name("killed.csv")
    log = out.with_name(f".{out.name}.unfinished")
    run = Run(photos, out, models, 1)
    if run.watch(lambda: log.exists() and log.stat().st_size > whole.stat().st_size / 2):
        sys.exit("the run was over before it was killed: give more --photos")
    run.kill()
    with log.open("rb") as file:
        print(f"one process killed with {sum(1 for _ in file):,} lines", flush=True)
    run = Run(photos, out, models, 1)
    run.watch()
    same = out.read_bytes() == whole.read_bytes()
    _told("one process, started again", n, run)
    print(f"    {'the same bytes as the unbroken run' if same else 'WRONG'}", flush=True)
    if not same:
        sys.exit(1)


def _kill_workers(photos: Path, out: Path, models: Path, workers: int, one: Path, n: int) -> None:
    whole = sorted(one.with_name(f"several-{n}").iterdir())
    sizes = np.cumsum([pq.read_metadata(part).num_rows for part in whole])
    n_parts, n_half = len(whole), int(np.searchsorted(sizes, sizes[-1] / 2))
    run = Run(photos, out, models, workers)
    if run.watch(lambda: sum(1 for _ in _parts(out)) > n_half):
        sys.exit("the run was over before it was killed: give more --photos")
    gone = run.kill()
    n_kept = sum(1 for _ in _parts(out))
    print(f"command killed half-way, {n_kept} of {n_parts} parts, all gone {gone:.1f} s later", flush=True)
    run = Run(photos, out, models, workers)
    n_third = n_kept + (n_parts - n_kept) // 3
    if not run.watch(lambda: sum(1 for _ in _parts(out)) > n_third):
        run.kill_a_worker()
        print("    started again, and a worker killed on the way", flush=True)
        run.watch()
    _told(f"{workers} workers, started again", n, run)
    check(_rows(out), read_csv(one), n)


if __name__ == "__main__":
    main()
