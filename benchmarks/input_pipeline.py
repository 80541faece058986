"""How many photos per second each way of reading hands to `model.fit`.

The model does next to nothing, so that the time is the input pipeline's. Read are the same photos by

    image_data_generator     ImageDataGenerator.flow_from_dataframe, as in the usual first notebook
    ... with workers         the same with the number of worker threads that was fastest
    keras tf.data            what keras.utils.image_dataset_from_directory does, with Keras's random layers
                             mapped over the batches
    load_train, no cache     this project, decoding in every epoch
    load_train, file         decoded photos kept in a file
    load_train               decoded photos kept in memory, the default

beside the limit: reading and decoding the files with libjpeg-turbo on every core, and nothing else. Each
runs in a process of its own, one after the other: threads that Keras's generator leaves behind would slow the
next.

    python benchmarks/input_pipeline.py --faces FOLDER
    python benchmarks/input_pipeline.py --faces FOLDER --augment
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import layers
from rich.console import Console
from rich.table import Table
from subject import faces_folder, machine

from shopper_age import load_train
from shopper_age.faces import FILE_NAME, REAL_AGE, SPLIT, TRAIN, photo_path, read_labels
from shopper_age.params import AugmentationParams
from shopper_age.threads import in_threads

_OFF = {"shift": 0, "brightness": 0, "contrast": 0, "erasing": 0}
_NOTHING = AugmentationParams(horizontal_flip=False, rotation_degrees=0, zoom=0, **_OFF)
_MOVES = AugmentationParams(horizontal_flip=True, rotation_degrees=15, zoom=0.1, **_OFF)
_GENERATOR = "image_data_generator"


def readers(
    faces: Path, splits: pd.DataFrame, options: argparse.Namespace, cache_folder: Path
) -> dict[str, Callable[[], Any]]:
    """What makes the data of each reader, by its name."""
    augmentation = _MOVES if options.augment else _NOTHING
    common = {"splits": splits, "image_size": options.image_size, "batch_size": options.batch_size}

    def generator(workers: int) -> Any:
        data = load_train(faces, **common, reader=_GENERATOR, augmentation=augmentation)
        data.workers = workers
        return data

    def ours(**cache: Any) -> Callable[[], Any]:
        return lambda: load_train(faces, **common, augmentation=augmentation, **cache)

    return {
        _GENERATOR: lambda: generator(1),
        **{f"{_GENERATOR}, {n} workers": lambda n=n: generator(n) for n in (2, 4)},
        "keras tf.data": lambda: keras_own(faces, splits, augmentation, options),
        "load_train, no cache": ours(cache_gib=0),
        "load_train, file": ours(cache_gib=0, cache_folder=cache_folder, cache_file_gib=64),
        "load_train": ours(cache_gib=8),
    }


def keras_own(
    faces: Path, splits: pd.DataFrame, augmentation: AugmentationParams, options: argparse.Namespace
) -> tf.data.Dataset:
    """As keras.utils.image_dataset_from_directory and Keras's guide on augmentation put it together."""
    paths = [str(photo_path(faces, name)) for name in splits[FILE_NAME]]
    side = (options.image_size, options.image_size)

    def read(path: tf.Tensor, age: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        photo = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
        return tf.ensure_shape(tf.image.resize(photo, side), (*side, 3)), age

    data = tf.data.Dataset.from_tensor_slices((paths, splits[REAL_AGE].to_numpy("float32")))
    data = data.shuffle(len(paths), seed=0).map(read, num_parallel_calls=tf.data.AUTOTUNE)
    data = data.batch(options.batch_size)
    if augmentation is _MOVES:
        chain = keras.Sequential(
            [
                layers.RandomFlip("horizontal"),
                layers.RandomRotation(augmentation.rotation_degrees / 360, fill_mode="nearest"),
                layers.RandomZoom((-augmentation.zoom, augmentation.zoom), fill_mode="nearest"),
            ]
        )
        data = data.map(
            lambda photos, ages: (chain(photos, training=True), ages), num_parallel_calls=tf.data.AUTOTUNE
        )
    return data.repeat().prefetch(tf.data.AUTOTUNE)


def photos_per_second(
    data: Any, n_photos: int, options: argparse.Namespace, *, n_epochs: int, n_steps: int | None = None
) -> tuple[float, float]:
    """Of the first epoch, and of the median later one; of `n_photos`, or of so many steps of endless data."""
    image_size = options.image_size
    model = keras.Sequential(
        [
            keras.Input((image_size, image_size, 3)),
            layers.CenterCrop(1, 1),  # looks at one pixel
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    model.compile("sgd", "mae")
    model.train_on_batch(np.zeros((2, image_size, image_size, 3), "float32"), np.zeros(2))  # compiles it
    clock = _Clock()
    model.fit(data, steps_per_epoch=n_steps, epochs=n_epochs, callbacks=[clock], verbose=0)
    first, *later = clock.seconds
    return n_photos / first, n_photos / float(np.median(later))


def measure(name: str, data: Any, n_photos: int, options: argparse.Namespace) -> tuple[float, float]:
    """`photos_per_second` of all photos, or of a part where every epoch costs the same."""
    if name.startswith("load_train"):
        return photos_per_second(data, n_photos, options, n_epochs=options.epochs)
    n_steps = min(n_photos, options.slow_photos) // options.batch_size
    return photos_per_second(data, n_steps * options.batch_size, options, n_epochs=3, n_steps=n_steps)


def measured_apart(name: str, faces: Path) -> tuple[float, float]:
    """`measure` of one reader, in a process of its own."""
    command = [sys.executable, *sys.argv, "--faces", str(faces), "--only", name]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    first, later = json.loads(done.stdout.strip().splitlines()[-1])
    return first, later


def decode_limit(paths: list[Path], n_times: int = 3) -> float:
    """Photos per second, read and decoded on every core; the best of some times."""

    def decode(number: int) -> None:
        cv2.imdecode(np.frombuffer(paths[number].read_bytes(), np.uint8), cv2.IMREAD_COLOR_RGB)

    seconds = []
    for _ in range(n_times):
        start = time.perf_counter()
        in_threads(decode, len(paths))
        seconds.append(time.perf_counter() - start)
    return len(paths) / min(seconds)


class _Clock(keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - Keras's signature
        self.seconds.append(time.perf_counter() - self._start)


def main() -> None:
    options = _options()
    console = Console(width=110)
    with faces_folder(options.faces) as faces, TemporaryDirectory(dir=options.cache_in) as cache_folder:
        labels = read_labels(faces)[: options.photos]
        splits = labels.assign(**{REAL_AGE: labels[REAL_AGE].astype(float), SPLIT: TRAIN})
        all_readers = readers(faces, splits, options, Path(cache_folder))
        if options.only is not None:
            print(json.dumps(measure(options.only, all_readers[options.only](), len(splits), options)))
            return
        limit = decode_limit([photo_path(faces, name) for name in splits[FILE_NAME]])
        found = {}
        for name in all_readers:
            found[name] = measured_apart(name, faces)
            console.print("{}: first epoch {:,.0f}, later {:,.0f} photos/s".format(name, *found[name]))
    _print(console, found, limit, options, len(splits))


def _print(
    console: Console,
    found: dict[str, tuple[float, float]],
    limit: float,
    options: argparse.Namespace,
    n_photos: int,
) -> None:
    moves = "flip, rotation and zoom" if options.augment else "no augmentation"
    table = Table(title=f"{n_photos:,} photos at {options.image_size} px, {moves}\n{machine()}")
    for column in (
        "reader",
        "first epoch, photos/s",
        "of the limit",
        "later epochs, photos/s",
        "× generator",
    ):
        table.add_column(column, justify="left" if column == "reader" else "right")
    generator = {name: rates for name, rates in found.items() if name.startswith(_GENERATOR)}
    best_first, best_later = (max(rates[k] for rates in generator.values()) for k in (0, 1))
    table.add_row("decoding alone", f"{limit:,.0f}", "100 %", "", "")
    for name, (first, later) in found.items():
        times = f"{first / best_first:.1f}, {later / best_later:.1f}"
        table.add_row(name, f"{first:,.0f}", f"{first / limit:.0%}", f"{later:,.0f}", times)
    console.print(table)
    console.print("× generator: of the first and of later epochs, against the generator's fastest setting")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=Path, help="folder with labels.csv and final_files/ (default: drawn)")
    parser.add_argument("--photos", type=int, help="the first so many rows (default: all)")
    parser.add_argument(
        "--slow-photos", type=int, default=600, help="of readers that keep none, per epoch (default: 600)"
    )
    parser.add_argument("--image-size", type=int, default=224, help="pixels (default: 224)")
    parser.add_argument("--batch-size", type=int, default=32, help="default: 32")
    parser.add_argument("--epochs", type=int, default=4, help="of load_train (default: 4; others: 3)")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    parser.add_argument("--augment", action="store_true", help="with flip, rotation and zoom")
    parser.add_argument("--cache-in", type=Path, help="folder for the cache file (default: the system's)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
