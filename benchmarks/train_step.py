"""How fast one training of ResNet50 runs, and how long it waits for photos.

At each size the usual first notebook (ImageDataGenerator, Keras's own layers, float32, batches of 16,
TensorFlow as it comes) and this project (py_dataset, its layers, the precision and the libraries it chooses,
repeatable and not) train the same network on the same photos. Each is also fed one batch from memory again
and again, which is the limit, and runs in a process of its own, one after the other.

    waiting      share of the time in which the step has no photos: what the limit would have saved; for
                 py_dataset also measured at the source ("direct")
    peak         memory of the whole process; load_train keeps no photos here
    utilisation  arithmetic of the step (3 x that of a prediction) per second, as a share of --peak-tflops

    python benchmarks/train_step.py --faces FOLDER
    python benchmarks/train_step.py --faces FOLDER --sizes 224 --batches 16 64 256 --peak-tflops 989  # a GPU

TF_ENABLE_ONEDNN_OPTS=0 in front shows what oneDNN saves, which this project asks for.
With --batches the project's side is measured for each batch size, precision and with and without XLA.
"""

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

# Multiply-adds of ResNet50 for a photo of 224 pixels, without its top; they grow with the area.
# Source: He et al. 2016, "Deep Residual Learning for Image Recognition", table 1.
_MULTIPLY_ADDS_224 = 3.8e9
_GENERATOR, _OURS = "image_data_generator", "py_dataset"  # the readers of load_train


def measure(faces: Path, case: dict[str, Any]) -> dict[str, Any]:
    """Photos per second of `model.fit` with the reader and from memory, share spent waiting, peak memory."""
    import numpy as np
    import tensorflow as tf

    from shopper_age import create_model, load_train
    from shopper_age.data.cache import NO_CACHE
    from shopper_age.data.tables import REAL_AGE, SPLIT, TRAIN, read_labels
    from shopper_age.model.conversion import in_float32
    from shopper_age.training.callbacks import EpochTimer
    from shopper_age.training.precision import choose_precision
    from shopper_age.training.trainer import set_seed

    set_seed(0, deterministic=case["repeatable"])
    size, batch_size, n_steps = case["size"], case["batch"], case["steps"]
    labels = read_labels(faces)
    rows = labels.iloc[np.arange(n_steps * batch_size) % len(labels)]  # an epoch of so many steps
    splits = rows.assign(**{REAL_AGE: rows[REAL_AGE].astype(float), SPLIT: TRAIN})
    options = {"reader": case["reader"], "image_size": size, "batch_size": batch_size}
    # nothing is kept, as in an epoch that sees each photo for the first time
    data = load_train(faces, splits=splits, **options, cache=NO_CACHE)
    precision, _ = choose_precision(case["precision"])
    model = create_model((size, size, 3), weights="random", precision=precision)
    if case["reader"] == _GENERATOR:
        model = in_float32(model)  # of Keras's own layers
    jit_compile = {"auto": "auto", "true": True, "false": False}[case["xla"]]
    model.compile("adam", loss="mse", jit_compile=jit_compile)
    photos, ages = (np.asarray(part) for part in next(iter(data)))
    # data of one signature share one compiled step; another one would take 10 to 20 s
    signature = tuple(tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in (photos, ages))

    def as_dataset(batches: Callable[[], Iterator[Any]]) -> tf.data.Dataset:
        options = tf.data.Options()
        options.autotune.enabled = False  # the end of an iterator may wait for it, up to a minute
        return tf.data.Dataset.from_generator(batches, output_signature=signature).with_options(options)

    def seconds_of_epochs(source: Any, n_epochs: int) -> list[float]:
        clock = EpochTimer()
        model.fit(source, steps_per_epoch=n_steps, epochs=n_epochs, callbacks=[clock], verbose=0)
        return clock.seconds

    def per_second(source: Any) -> float:
        return n_steps * batch_size / min(seconds_of_epochs(source, 3)[1:])  # the first compiles

    found = {
        "from_reader": per_second(data),
        "from_memory": per_second(as_dataset(lambda: itertools.repeat((photos, ages)))),
        "precision": precision,
    }
    if case["reader"] == _OURS:
        waits: list[float] = []
        seconds = sum(seconds_of_epochs(as_dataset(lambda: timed(iter(data), waits)), 1))
        found["direct"] = sum(waits[1:n_steps]) / seconds  # without the start of the pipeline
    unit = 2**30 if sys.platform == "darwin" else 2**20
    found["peak_gib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return found


def timed(batches: Iterator[Any], waits: list[float]) -> Iterator[Any]:
    """The same, noting how many seconds each took to come."""
    while True:
        before = time.perf_counter()
        batch = next(batches)
        waits.append(time.perf_counter() - before)
        yield batch


def measure_apart(faces: Path, case: dict[str, Any]) -> dict[str, Any]:
    """`measure` in a process of its own; the generator's gets TensorFlow as it comes."""
    environment = dict(os.environ)
    if case["reader"] == _GENERATOR:
        environment.setdefault("TF_ENABLE_ONEDNN_OPTS", "-1")  # TensorFlow's own choice instead of ours
    command = [sys.executable, __file__, "--faces", str(faces), "--case", json.dumps(case)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"error": done.stderr.strip().splitlines()[-1][:80]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def cases(options: argparse.Namespace) -> list[dict[str, Any]]:
    """What is measured: at each size the generator and load_train, with --batches load_train in every way."""
    found = []
    for size in options.sizes:
        common = {"size": size, "steps": options.steps}
        plain = {**common, "batch": 16, "xla": "auto"}
        ours = {"reader": _OURS, "repeatable": True}
        found += [
            {**plain, "reader": _GENERATOR, "precision": "float32", "repeatable": False},
            {**plain, **ours, "precision": "auto"},
            {**plain, **ours, "precision": "auto", "repeatable": False},
        ]
        found += [
            {**common, **ours, "batch": batch, "precision": precision, "xla": xla}
            for batch, precision, xla in itertools.product(
                options.batches, ("float32", "bfloat16", "float16"), ("false", "true")
            )
        ]
    return found


def main() -> None:
    options = _options()
    if options.case:
        print(json.dumps(measure(options.faces, json.loads(options.case))))
        return
    from testbed import faces_folder, machine

    with faces_folder(options.faces) as faces:
        console = Console(width=120)
        table = Table(title=machine())
        columns = (
            "reader",
            "px",
            "batch",
            "precision",
            "XLA",
            "repeatable",
            "photos/s",
            "from memory",
            "waiting",
            "direct",
            "peak GiB",
        )
        for column in (*columns, *(["utilisation"] if options.peak_tflops else [])):
            table.add_column(column, justify="left" if column == "reader" else "right")
        for case in cases(options):
            found = measure_apart(faces, case)
            console.print(case, found)
            table.add_row(*_row(case, found, options.peak_tflops))
        console.print(table)


def _row(case: dict[str, Any], found: dict[str, Any], peak_tflops: float | None) -> list[str]:
    name = [case["reader"], str(case["size"]), str(case["batch"])]
    repeatable = "yes" if case["repeatable"] else "no"
    if "error" in found:
        return [*name, case["precision"], case["xla"], repeatable, found["error"]]
    rate, limit = found["from_reader"], found["from_memory"]
    row = [
        *name,
        found["precision"],
        case["xla"],
        repeatable,
        f"{rate:.1f}",
        f"{limit:.1f}",
        f"{max(0, 1 - rate / limit):.1%}",
    ]
    row += [f"{found['direct']:.1%}" if "direct" in found else "", f"{found['peak_gib']:.1f}"]
    if peak_tflops:
        per_photo = 3 * 2 * _MULTIPLY_ADDS_224 * (case["size"] / 224) ** 2
        row.append(f"{rate * per_photo / (peak_tflops * 1e12):.1%}")
    return row


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=Path, help="folder with labels.csv and final_files/ (default: drawn)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 112, 224], help="default: 64 112 224")
    parser.add_argument("--steps", type=int, default=12, help="per measurement (default: 12)")
    parser.add_argument("--batches", type=int, nargs="*", default=[], help="also all precisions and XLA")
    parser.add_argument("--peak-tflops", type=float, help="of the hardware, for the utilisation")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
