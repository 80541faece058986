"""How many photos per second each way of reading hands to `model.fit`.

The model does next to nothing, so that the time is the input pipeline's. Read are the same photos by

    image_data_generator     ImageDataGenerator.flow_from_dataframe, as in the usual first notebook
    ... with workers         the same with the number of worker threads that was fastest
    keras tf.data            what keras.utils.image_dataset_from_directory does, with Keras's random layers
                             mapped over the batches
    load_train, no cache     this project, decoding in every epoch
    load_train, file         decoded photos kept in a file
    load_train               decoded photos kept in memory, the default

beside limits, all on every core: reading and decoding the files with libjpeg-turbo and nothing else; the same
with resizing; the same with storing each photo in new memory, as a cache has to. The cost of the way from
there to `model.fit` is in three more rows: PhotoStore alone, load_train whose batches nobody looks at, and
`model.fit` that gets one batch again and again, which takes its share of the same cores.

Each reader runs in a process of its own, one after the other: threads that Keras's generator leaves behind
would slow the next. It measures decoding and resizing alone just before, so that other work on the machine
slows both.

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
from typing import Any, NamedTuple

import cv2
import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import layers
from rich.console import Console
from rich.table import Table
from testbed import faces_folder, machine

from shopper_age import load_train
from shopper_age.data.cache import NO_CACHE, Cache
from shopper_age.data.photos import resize
from shopper_age.data.store import PhotoStore
from shopper_age.data.tables import FILE_NAME, REAL_AGE, SPLIT, TRAIN, photo_path, read_labels
from shopper_age.params import AugmentationParams
from shopper_age.runtime.threads import in_threads
from shopper_age.training.callbacks import EpochTimer

_OFF = {"shift": 0, "brightness": 0, "contrast": 0, "erasing": 0}
_NOTHING = AugmentationParams(horizontal_flip=False, rotation_degrees=0, zoom=0, **_OFF)
_MOVES = AugmentationParams(horizontal_flip=True, rotation_degrees=15, zoom=0.1, **_OFF)
_GENERATOR = "image_data_generator"


def readers(
    faces: Path, options: argparse.Namespace, cache_folder: Path
) -> dict[str, Callable[[pd.DataFrame], Any]]:
    """What makes the data of each reader from a table of splits, by its name."""
    augmentation = _MOVES if options.augment else _NOTHING
    common = {
        "image_size": options.image_size,
        "batch_size": options.batch_size,
        "augmentation": augmentation,
    }

    def generator(workers: int) -> Callable[[pd.DataFrame], Any]:
        def make(splits: pd.DataFrame) -> Any:
            data = load_train(faces, splits=splits, **common, reader=_GENERATOR)
            data.workers = workers
            return data

        return make

    def ours(cache: Cache) -> Callable[[pd.DataFrame], Any]:
        return lambda splits: load_train(faces, splits=splits, **common, cache=cache)

    return {
        _GENERATOR: generator(1),
        **{f"{_GENERATOR}, {n} workers": generator(n) for n in (2, 4)},
        "keras tf.data": lambda splits: keras_own(faces, splits, augmentation, options),
        "load_train, no cache": ours(NO_CACHE),
        "load_train, file": ours(Cache(folder=cache_folder, file_gib=64)),
        "load_train": ours(Cache(memory_gib=8)),
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


def model_of_one_pixel(few: Any) -> keras.Model:
    """A model that looks at one pixel, in the reader's own dtype; compiled for data like these."""
    photos = np.asarray(next(iter(few))[0])
    photo = keras.Input(photos.shape[1:], dtype=str(photos.dtype))
    model = keras.Model(photo, layers.Dense(1)(keras.ops.cast(photo[:, 0, 0], "float32")))
    model.compile("sgd", "mae")
    model.fit(few, steps_per_epoch=1, verbose=0)
    return model


def photos_per_second(model: keras.Model, data: Any, n_photos: int, **epochs: Any) -> tuple[float, float]:
    """Of the first epoch, and of the median later one; `epochs` as `model.fit` takes them."""
    clock = EpochTimer()
    model.fit(data, callbacks=[clock], shuffle=False, verbose=0, **epochs)
    first, *later = clock.seconds
    return n_photos / first, n_photos / float(np.median(later))


class Rates(NamedTuple):
    """Photos per second of the first epoch, of the median later one, and of decoding and resizing alone."""

    first: float
    later: float
    limit: float


def measure(
    name: str, make: Callable[[pd.DataFrame], Any], splits: pd.DataFrame, options: argparse.Namespace
) -> tuple[float, float]:
    """`photos_per_second` of all photos, or of a part where every epoch costs the same."""
    model = model_of_one_pixel(make(splits[: options.batch_size]))
    data = make(splits)
    if name.startswith("load_train"):
        return photos_per_second(model, data, len(splits), epochs=options.epochs)
    n_steps = min(len(splits), options.slow_photos) // options.batch_size
    return photos_per_second(model, data, n_steps * options.batch_size, epochs=3, steps_per_epoch=n_steps)


def measured_apart(name: str, faces: Path) -> Rates:
    """`measure` of one reader, in a process of its own."""
    command = [sys.executable, *sys.argv, "--faces", str(faces), "--only", name]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Rates(*json.loads(done.stdout.strip().splitlines()[-1]))


class Limits:
    """Photos per second of what cannot be left out; the best of some times."""

    def __init__(self, paths: list[Path], side_px: int) -> None:
        self._paths = paths
        self._side_px = side_px

    def decoding(self) -> float:
        return max(self._rate(self._decode) for _ in range(3))

    def resizing_too(self) -> float:
        return max(self._rate(self._resized) for _ in range(3))

    def storing_too(self) -> float:
        memory = np.empty((len(self._paths), self._side_px, self._side_px, 3), np.uint8)
        return self._rate(lambda number: memory.__setitem__(number, self._resized(number)))

    def batches_of_store(self, batch_size: int) -> float:
        store = PhotoStore(self._paths, self._side_px)
        start = time.perf_counter()
        for first in range(0, len(store), batch_size):
            store[range(first, min(first + batch_size, len(store)))]
        return len(store) / (time.perf_counter() - start)

    def _decode(self, number: int) -> np.ndarray:
        data = np.frombuffer(self._paths[number].read_bytes(), np.uint8)
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB))

    def _resized(self, number: int) -> np.ndarray:
        return resize(self._decode(number), self._side_px)

    def _rate(self, work: Callable[[int], Any]) -> float:
        start = time.perf_counter()
        in_threads(work, len(self._paths))
        return len(self._paths) / (time.perf_counter() - start)


def rate_of_loop(make: Callable[[pd.DataFrame], Any], splits: pd.DataFrame) -> float:
    """Photos per second of batches that nobody looks at, in the second epoch."""
    data = make(splits)
    for _ in range(2):
        start = time.perf_counter()
        for _ in data:
            pass
    return len(splits) / (time.perf_counter() - start)


def fit_alone(options: argparse.Namespace, n_steps: int = 200) -> float:
    """Photos per second of `model.fit` that gets the same batch again and again."""
    photos = np.zeros((options.batch_size, options.image_size, options.image_size, 3), np.uint8)
    same = tf.data.Dataset.from_tensors((photos, np.zeros(len(photos), "float32"))).repeat()
    n_photos = n_steps * len(photos)
    return photos_per_second(model_of_one_pixel(same), same, n_photos, epochs=3, steps_per_epoch=n_steps)[1]


def main() -> None:
    options = _options()
    console = Console(width=110)
    with faces_folder(options.faces) as faces, TemporaryDirectory(dir=options.cache_in) as cache_folder:
        labels = read_labels(faces)[: options.photos]
        splits = labels.assign(**{REAL_AGE: labels[REAL_AGE].astype(float), SPLIT: TRAIN})
        limits = Limits([photo_path(faces, name) for name in splits[FILE_NAME]], options.image_size)
        all_readers = readers(faces, options, Path(cache_folder))
        if options.only is not None:
            limit = limits.resizing_too()
            first, later = measure(options.only, all_readers[options.only], splits, options)
            print(json.dumps(Rates(first, later, limit)))
            return
        found = {}
        for name in all_readers:
            found[name] = measured_apart(name, faces)
            console.print(
                "{}: first epoch {:,.0f}, later {:,.0f} photos/s, limit {:,.0f}".format(name, *found[name])
            )
        alone = {
            "decoding alone": limits.decoding(),
            "decoding and resizing alone": limits.resizing_too(),
            "... and storing in new memory": limits.storing_too(),
            "PhotoStore, no cache": limits.batches_of_store(options.batch_size),
            "load_train, no cache, no model.fit": rate_of_loop(all_readers["load_train, no cache"], splits),
            "model.fit alone": fit_alone(options),
        }
    _print(console, found, alone, options, len(splits))


def _print(
    console: Console,
    found: dict[str, Rates],
    alone: dict[str, float],
    options: argparse.Namespace,
    n_photos: int,
) -> None:
    moves = "flip, rotation and zoom" if options.augment else "no augmentation"
    table = Table(title=f"{n_photos:,} photos at {options.image_size} px, {moves}\n{machine()}")
    for column in ("reader", "first epoch", "later epochs", "of decoding and resizing", "× generator"):
        table.add_column(column, justify="left" if column == "reader" else "right")
    for name, rate in alone.items():
        table.add_row(name, f"{rate:,.0f}", "", "", "")
    generator = {name: rates for name, rates in found.items() if name.startswith(_GENERATOR)}
    best_first, best_later = (max(rates[k] for rates in generator.values()) for k in (0, 1))
    for name, (first, later, limit) in found.items():
        times = f"{first / best_first:.1f}, {later / best_later:.1f}"
        table.add_row(
            name, f"{first:,.0f}", f"{later:,.0f}", f"{first / limit:.0%}, {later / limit:.0%}", times
        )
    console.print(table)
    console.print("All in photos per second.")
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
