"""Milliseconds and errors of a trained model by what runs it: Keras, and each export that lies beside it.

All of them answer on `--threads` threads, in turns, on the same photos: from pixels to the estimate of one
photo ("model"), from the file to the answer ("photo"), and photos per second in batches of 32. CPU
milliseconds are those that the process worked, which other work on the machine stretches less. Errors are
those on all test photos of the project. Another age estimator can be asked about the same photos.

    shopper-age export --int8; shopper-age export --format openvino; ...
    python benchmarks/inference.py                           # in a project whose pipeline has run
    python benchmarks/inference.py --other-python PYTHON     # of an environment with age-and-gender 2.0.0
    python benchmarks/inference.py --untrained 224 --views 1 # the times of a network that learnt nothing

Prints tables in Markdown.
"""

import argparse
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from testbed import faces_folder

from shopper_age import paths
from shopper_age.data.photos import read_photo
from shopper_age.data.tables import FILE_NAME, PHOTO_FOLDER, REAL_AGE, SPLIT, TEST, read_splits
from shopper_age.inference.decision import DECISION_FILE, Decision, IdCheck
from shopper_age.inference.engines import Engine, load_engine
from shopper_age.inference.predictor import Predictor
from shopper_age.metrics.interval_rule import IntervalRule
from shopper_age.params import load_params
from shopper_age.runtime.hashing import file_md5
from shopper_age.runtime.machine import cpu_model

KERAS = "Keras, `model.predict`"

# Folders of exports beside the model, as `shopper-age export` makes them.
EXPORTS = {
    "ONNX Runtime": "",
    "ONNX Runtime, 8 bits": "int8",
    "OpenVINO": "openvino",
    "OpenVINO, 8 bits": "openvino_int8",
    "LiteRT": "litert",
    "LiteRT, 8 bits": "litert_int8",
}

_BATCH = 32

# Asks age-and-gender, in its own environment, about the photos named on standard input: the age and
# milliseconds of its detector and networks, and of its age network with a photo taken for a face.
_OTHER = """
import json, sys, time
import numpy as np
from PIL import Image
from age_and_gender import AgeAndGender
estimator = AgeAndGender()
def timed(work, photo):
    start, cpu_start = time.perf_counter(), time.process_time()
    found = work(photo)
    return found, [1000 * (time.perf_counter() - start), 1000 * (time.process_time() - cpu_start)]
answers = []
for number, line in enumerate(["warm up", *sys.stdin.read().splitlines()]):
    photo = Image.new("RGB", (200, 200)) if not number else Image.open(line).convert("RGB")
    faces, ms = timed(estimator.predict, photo)
    whole, whole_ms = timed(estimator.age, photo)
    largest = max(faces, key=lambda face: face["face"][2] - face["face"][0], default=None)
    answers.append([largest and largest["age"]["value"], *ms, whole["value"], *whole_ms])
print(json.dumps(answers[1:]))
"""


def timed(work: Callable[[int], object], numbers: Sequence[int]) -> list[tuple[float, float]]:
    """Milliseconds of each call of `work` with these numbers: on the clock, and of CPU time."""
    spent = []
    for number in numbers:
        start, cpu_start = time.perf_counter(), time.process_time()
        work(number)
        spent.append((1000 * (time.perf_counter() - start), 1000 * (time.process_time() - cpu_start)))
    return spent


@contextmanager
def ways(models: Path) -> Iterator[dict[str, Path]]:
    """The folders that `Predictor.load` takes, by name: of Keras, and of the exports that are there."""
    with TemporaryDirectory() as alone:
        (keras_model,) = models.glob("*.keras")
        for path in (keras_model, models / DECISION_FILE):
            (Path(alone) / path.name).symlink_to(path.resolve())
        found = {KERAS: Path(alone)}
        for name, part in EXPORTS.items():
            folder = models / part
            if any(path.suffix in (".onnx", ".xml", ".tflite") for path in folder.glob("*")):
                found[name] = folder
            else:
                print(f"left out, for {folder} holds no export: {name}")
        yield found


def latencies(
    folders: dict[str, Path], engines: dict[str, Engine], files: list[Path], *, rounds: int, threads: int
) -> pd.DataFrame:
    """A row per way: milliseconds of a photo alone and from its file, and photos per second in batches."""
    size = next(Decision.load(folder / DECISION_FILE).image_size for folder in folders.values())
    photos = np.stack([read_photo(file, size) for file in files])
    batch = photos[np.resize(np.arange(len(photos)), _BATCH)]
    predictors = {name: Predictor.load(folder, n_threads=threads) for name, folder in folders.items()}
    works: dict[str, Callable[[str], list[tuple[float, float]]]] = {
        "model": lambda name: timed(lambda n: engines[name].estimate(photos[[n]]), range(len(photos))),
        "photo": lambda name: timed(lambda n: list(predictors[name].predict([files[n]])), range(len(files))),
        "batch": lambda name: timed(lambda _: engines[name].estimate(batch), [0]),
    }
    spent: dict[tuple[str, str], list[tuple[float, float]]] = {
        (name, work): [] for name in folders for work in works
    }
    for turn in range(rounds + 1):
        for name, work in spent:
            found = works[work](name)
            if turn:  # the first one warms up
                spent[name, work] += found
    arrays = {key: np.array(values) for key, values in spent.items()}
    rows = []
    for name in folders:
        model, photo, batches = (arrays[name, work] for work in works)
        times_keras = np.median(arrays[KERAS, "model"], axis=0) / np.median(model, axis=0)
        rows.append(
            {
                "": name,
                "model: median ms": np.median(model[:, 0]),
                "p99": np.percentile(model[:, 0], 99),
                "CPU ms": np.median(model[:, 1]),
                "times Keras": times_keras[0],
                "by CPU": times_keras[1],
                "photo: median ms": np.median(photo[:, 0]),
                "p99 ": np.percentile(photo[:, 0], 99),
                "photos/s": 1000 * _BATCH / np.median(batches[:, 0]),
                "per CPU second": 1000 * _BATCH / np.median(batches[:, 1]),
            }
        )
    return pd.DataFrame(rows)


def errors(engines: dict[str, Engine], photos: NDArray[np.uint8], ages: NDArray[np.float64]) -> pd.DataFrame:
    """A row per engine: its MAE, and how far its estimates are from Keras's, in years."""
    found = {
        name: np.concatenate(
            [engine.estimate(photos[start : start + _BATCH]).age for start in range(0, len(photos), _BATCH)]
        )
        for name, engine in engines.items()
    }
    mae = {name: float(np.abs(estimated - ages).mean()) for name, estimated in found.items()}
    away = {name: np.abs(estimated - found[KERAS]) for name, estimated in found.items()}
    return pd.DataFrame(
        {
            "": name,
            "MAE": mae[name],
            "MAE more than Keras's": mae[name] - mae[KERAS],
            "mean difference to Keras": away[name].mean(),
            "largest": away[name].max(),
        }
        for name in engines
    )


def other_errors(python: Path, files: list[Path], ages: NDArray[np.float64]) -> pd.DataFrame:
    """What age-and-gender says of the same photos."""
    asked = subprocess.run(
        [python, "-c", _OTHER],
        input="\n".join(str(path.resolve()) for path in files),
        capture_output=True,
        text=True,
        check=True,
    )
    columns = ["age", "ms", "cpu", "whole", "whole_ms", "whole_cpu"]
    answers = pd.DataFrame(json.loads(asked.stdout), columns=columns, dtype=float)
    is_found = answers["age"].notna().to_numpy()
    off, whole_off = np.abs(answers["age"] - ages), np.abs(answers["whole"] - ages)
    all_off = off.where(is_found, whole_off)
    rows = [
        ("finds and aligns the face", int(is_found.sum()), off[is_found].mean(), "ms", "cpu"),
        ("the same, else the whole photo as a face", len(ages), all_off.mean(), "ms", "cpu"),
        ("the whole photo as a face", len(ages), whole_off.mean(), "whole_ms", "whole_cpu"),
    ]
    return pd.DataFrame(
        {
            "age-and-gender": name,
            "photos": n,
            "MAE": mae,
            "median ms": answers[ms].median(),
            "p99": answers[ms].quantile(0.99),
            "CPU ms": answers[cpu].median(),
        }
        for name, n, mae, ms, cpu in rows
    )


def make_untrained(folder: Path, image_size: int, n_views: int, calibration: NDArray[np.uint8]) -> None:
    """Writes an untrained network, a decision, and each of its exports whose libraries are installed."""
    from shopper_age import create_model
    from shopper_age.export.formats import FORMATS, check_installed, export_path
    from shopper_age.model.archive import save_model

    model = create_model((image_size, image_size, 3), weights="random", loss="label_distribution")
    saved = folder / "untrained.keras"
    save_model(model, saved)
    decision = Decision(
        model_md5=file_md5(saved),
        image_size=image_size,
        n_views=n_views,
        age_groups=(0, 12, 18, 25, 65),
        interval=IntervalRule(0.9, True, (0,), (1.6,), (100,)),
        max_interval_width=100,
        id_check=IdCheck(18, 14, 25.0, None, 0.01, None),
        faces=None,
    )
    for is_int8 in (False, True):
        for name, kind in FORMATS.items():
            path = export_path(saved, name, is_int8=is_int8)
            try:
                check_installed(name, is_int8=is_int8)
            except ModuleNotFoundError as error:
                print(error)
                continue
            path.parent.mkdir(exist_ok=True)
            if is_int8:
                kind.quantize(export_path(saved, kind.quantizes), path, calibration)
            else:
                kind.write(model, path, n_views=n_views, model_md5=decision.model_md5)
            decision.save(path.parent / DECISION_FILE)


def measure(
    models: Path, files: list[Path], ages: NDArray[np.float64] | None, args: argparse.Namespace
) -> None:
    """Prints the tables; of errors, where true ages are given."""
    with ways(models) as folders:
        engines = {
            name: load_engine(folder, Decision.load(folder / DECISION_FILE), n_threads=args.threads)
            for name, folder in folders.items()
        }
        decision = Decision.load(models / DECISION_FILE)
        size = decision.image_size
        print(f"{size} px, {decision.n_views} view(s), {args.threads} thread(s), {cpu_model()}, {_load()}\n")
        table = partial(latencies, rounds=args.rounds, threads=args.threads)
        print(_markdown(table(folders, engines, files[: args.n]), 1))
        print(f"\n{min(args.n, len(files))} photos, {args.rounds} rounds; {_load()}\n")
        if ages is not None:
            print(_markdown(errors(engines, np.stack([read_photo(file, size) for file in files]), ages), 3))
            print(f"\n{len(files):,} photos\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=50, help="photos that are timed")
    parser.add_argument("--n-errors", type=int, help="test photos whose errors are counted; all without")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--untrained", type=int, metavar="SIZE", help="time a network that learnt nothing")
    parser.add_argument("--views", type=int, default=1, help="of the untrained network")
    parser.add_argument("--faces", type=Path, help="photos for the untrained network; drawn ones without")
    parser.add_argument("--other-python", type=Path, help="interpreter that has age-and-gender")
    args = parser.parse_args()
    _use_threads(args.threads)
    if args.untrained:
        with faces_folder(args.faces) as faces, TemporaryDirectory() as folder:
            files = sorted((faces / PHOTO_FOLDER).iterdir())[: max(args.n, _BATCH)]
            photos = np.stack([read_photo(file, args.untrained) for file in files[:_BATCH]])
            make_untrained(Path(folder), args.untrained, args.views, photos)
            measure(Path(folder), files, None, args)
        return
    if not (paths.SPLITS.is_file() and paths.DECISION.is_file()):
        raise SystemExit("there is no trained model here: run the pipeline, or take --untrained SIZE")
    splits = read_splits(paths.SPLITS)
    test = splits[splits[SPLIT] == TEST]
    files = [Path(load_params().data_path, PHOTO_FOLDER, name) for name in test[FILE_NAME]]
    ages = test[REAL_AGE].to_numpy(dtype=float)
    files, ages = files[: args.n_errors], ages[: args.n_errors]
    measure(paths.MODEL.parent, files, ages, args)
    if args.other_python:
        print(_markdown(other_errors(args.other_python, files, ages), 2))


def _use_threads(n: int) -> None:
    os.environ["OMP_NUM_THREADS"] = str(n)
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(n)
    tf.config.threading.set_inter_op_parallelism_threads(n)


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


def _markdown(table: pd.DataFrame, digits: int) -> str:
    def cell(value: object) -> str:
        if isinstance(value, float):
            return f"{value:,.{digits}f}"
        return f"{value:,}" if isinstance(value, int) else str(value)

    rows = [list(table.columns), ["---", *["---:"] * (table.shape[1] - 1)], *table.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(map(cell, row))} |" for row in rows)


if __name__ == "__main__":
    main()
