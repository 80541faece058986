"""Milliseconds per photo of a trained model: Keras, its ONNX export, and that with 8-bit integers.

    shopper-age export --int8
    python benchmarks/inference.py --photos FOLDER

All of them run on as many threads as `--threads` says, in turns, on the same photos, one at a time: from the
pixels to the estimate ("model"), and for the exports also from the file to the answer ("photo").
"""

import argparse
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from shopper_age.data.photos import read_photo
from shopper_age.inference.decision import DECISION_FILE, Decision
from shopper_age.inference.engines import Engine, KerasEngine, OnnxEngine
from shopper_age.inference.predictor import Predictor


def timed(work: Callable[[int], object], order: NDArray[np.int64]) -> list[float]:
    """Milliseconds of each call of `work` with these numbers."""
    spent = []
    for number in order:
        start = time.perf_counter()
        work(int(number))
        spent.append(1000 * (time.perf_counter() - start))
    return spent


def _estimate(engine: Engine, photos: NDArray[np.uint8], number: int) -> object:
    return engine.estimate(photos[[number]])


def _answer(predictor: Predictor, files: list[Path], number: int) -> object:
    return list(predictor.predict([files[number]]))


def measure(models: Path, files: list[Path], *, rounds: int, threads: int) -> pd.DataFrame:
    """A row per way: median and 99th percentile of the milliseconds, and how often Keras's median that is."""
    decision = Decision.load(models / DECISION_FILE)
    photos = np.stack([read_photo(file, decision.image_size) for file in files])
    engines: dict[str, Engine] = {"Keras": KerasEngine(next(models.glob("*.keras")), decision)}
    folders = {"ONNX": models, "ONNX, 8 bits": models / "int8"}
    for name, folder in folders.items():
        own = Decision.load(folder / DECISION_FILE)
        engines[name] = OnnxEngine(next(folder.glob("*.onnx")), own, n_threads=threads)
    works: dict[str, Callable[[int], object]] = {
        f"model: {name}": partial(_estimate, engine, photos) for name, engine in engines.items()
    }
    for name, folder in folders.items():
        predictor = Predictor.load(folder, n_threads=threads)
        works[f"photo: {name}"] = partial(_answer, predictor, files)
    spent: dict[str, list[float]] = {name: [] for name in works}
    order = np.arange(len(files))
    for turn in range(rounds + 1):
        for name, work in works.items():
            found = timed(work, order)
            if turn:  # the first one warms up
                spent[name] += found
    table = pd.DataFrame(
        {
            "way": list(spent),
            "median ms": [np.median(values) for values in spent.values()],
            "p99 ms": [np.percentile(values, 99) for values in spent.values()],
        }
    )
    return table.assign(faster=table["median ms"].iloc[0] / table["median ms"])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=Path, default=Path("models"))
    parser.add_argument(
        "--photos", type=Path, required=True, help="folder of photos as the model learnt from"
    )
    parser.add_argument("--n", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    files = sorted(path for path in args.photos.iterdir() if path.is_file())[: args.n]
    if not files:
        raise SystemExit(f"{args.photos} holds no photos")
    os.environ["OMP_NUM_THREADS"] = str(args.threads)
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(args.threads)
    print(f"{len(files)} photos, {args.rounds} rounds, {args.threads} threads")
    print(
        measure(args.models, files, rounds=args.rounds, threads=args.threads).to_string(
            index=False, float_format="{:.2f}".format
        )
    )


if __name__ == "__main__":
    main()
