"""Photos per second that tf.data, a PyDataset and Grain hand to `model.fit` from the same store.

All three take the same photos in the same order with the same changes, from memory, two batches at a time;
the model does next to nothing. They take turns, so that other work on the machine slows all of them. Grain is
`pip install grain`, which the project does not need.

    python benchmarks/three_readers.py --faces FOLDER
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grain
import numpy as np
import tensorflow as tf
from input_pipeline import model_of_one_pixel, photos_per_second
from testbed import machine

from shopper_age.data.augmentation import augment, batch_seed
from shopper_age.data.cache import Cache
from shopper_age.data.order import shuffled
from shopper_age.data.readers import shuffled_batches
from shopper_age.data.store import PhotoStore
from shopper_age.data.tables import FILE_NAME, REAL_AGE, read_labels
from shopper_age.params import AugmentationParams, load_params

BATCH_SIZE = 32
NOTHING = AugmentationParams(
    horizontal_flip=False, rotation_degrees=0, zoom=0, shift=0, brightness=0, contrast=0, erasing=0
)


def batch(store: PhotoStore, ages: np.ndarray, augmentation: Any, epoch: int, step: int) -> Any:
    indices = shuffled(len(store), seed=0, epoch=epoch)[step * BATCH_SIZE : (step + 1) * BATCH_SIZE]
    return augment(store[indices], batch_seed(0, epoch, step), augmentation), ages[indices]


def tf_data(make: Callable[[int, int], Any], store: PhotoStore) -> Any:
    """The reader that load_train had before, but for the order, which NumPy computes here."""
    epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
    n_batches = -(-len(store) // BATCH_SIZE)

    def of_epoch(_: Any) -> Any:
        now = epoch.read_value()
        epoch.assign_add(1)
        return tf.data.Dataset.range(n_batches).map(lambda step: (now, step))

    def fetch(now: Any, step: Any) -> Any:
        photos, ages = tf.numpy_function(
            lambda e, s: make(int(e), int(s)), [now, step], (tf.uint8, tf.float32)
        )
        return tf.ensure_shape(photos, (None, store.size_px, store.size_px, 3)), tf.ensure_shape(
            ages, (None,)
        )

    options = tf.data.Options()
    options.autotune.enabled = False
    data = tf.data.Dataset.from_tensors(0).flat_map(of_epoch).map(fetch, num_parallel_calls=2)
    return data.apply(tf.data.experimental.assert_cardinality(n_batches)).prefetch(2).with_options(options)


def grain_data(make: Callable[[int, int], Any], store: PhotoStore) -> Any:
    n_batches = -(-len(store) // BATCH_SIZE)
    steps = grain.MapDataset.range(100 * n_batches)
    options = grain.ReadOptions(num_threads=2, prefetch_buffer_size=4)
    return steps.map(lambda number: make(*divmod(int(number), n_batches))).to_iter_dataset(options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=3000)
    parser.add_argument("--turns", type=int, default=6)
    options = parser.parse_args()
    print(machine(), "grain", grain.__version__ if hasattr(grain, "__version__") else "")
    labels = read_labels(options.faces)[: options.photos]
    ages = labels[REAL_AGE].to_numpy("float32")
    as_in_params = load_params().train.augmentation
    for size, augmentation in ((112, as_in_params), (224, as_in_params), (224, NOTHING)):
        store = PhotoStore.open(options.faces, labels[FILE_NAME], size, Cache(memory_gib=8))
        for start in range(0, len(store), 100):
            store[np.arange(start, min(start + 100, len(store)))]

        def make(epoch: int, step: int) -> Any:
            return batch(store, ages, augmentation, epoch, step)  # noqa: B023 - used in this round alone

        data = {
            "tf.data": tf_data(make, store),
            "PyDataset": shuffled_batches(store, ages, BATCH_SIZE, seed=0, augmentation=augmentation),
            "Grain": grain_data(make, store),
        }
        few = shuffled_batches(
            store[range(BATCH_SIZE)], ages[:BATCH_SIZE], BATCH_SIZE, seed=0, augmentation=NOTHING
        )
        models = {name: model_of_one_pixel(few) for name in data}
        rates: dict[str, list[float]] = {name: [] for name in data}
        for _ in range(options.turns):
            for name, source in data.items():
                steps = {"steps_per_epoch": -(-len(store) // BATCH_SIZE)} if name == "Grain" else {}
                _, later = photos_per_second(models[name], source, len(store), epochs=4, **steps)
                rates[name].append(later)
        what = "augmented" if augmentation is as_in_params else "plain"
        for name, found in rates.items():
            middle = f"median {np.median(found):,.0f}, {min(found):,.0f} to {max(found):,.0f}"
            print(f"{size} px, {what}, {name}: {middle}", flush=True)


if __name__ == "__main__":
    main()
