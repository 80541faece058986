"""Training on one process and on several workers of Ray: equal losses, times, and a worker that is killed.

    KERAS_BACKEND=jax python benchmarks/scaling.py --workers 1 2 --kill

Photos of 32 pixels, no augmentation, a ResNet50 with random weights: what is measured is whether workers
learn what one process does, and what sharing costs, not how well.
"""

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import numpy as np
import pandas as pd
import psutil
from testbed import faces_folder, machine

from shopper_age.data.cache import Cache
from shopper_age.data.tables import FILE_NAME, REAL_AGE, SPLIT, TRAIN, VALIDATION, read_labels
from shopper_age.distributed.training import WorkersRecipe
from shopper_age.params import Params, load_params
from shopper_age.training.recipe import Recipe
from shopper_age.training.selection import Row

# Title that Ray gives the process of a worker: the name of its actor's class, in ray.train.v2.
_WORKER = "RayTrainWorker"

_COMPARED = ("loss", "mae", "val_loss", "val_mae")


@dataclass
class Training:
    """What a training left: the history as it was told after each epoch, its seconds, and its model."""

    told: list[list[Row]] = field(default_factory=list)
    seconds: float = 0.0
    model: keras.Model | None = None

    @property
    def history(self) -> list[Row]:
        return self.told[-1]

    def difference(self, other: "Training") -> float:
        """The largest relative difference of a loss or an error in an epoch."""
        rows = [[[row[name] for name in _COMPARED] for row in one.history] for one in (self, other)]
        mine, theirs = np.array(rows)
        return float(np.max(np.abs(mine - theirs) / theirs))


def settings(faces: Path, *, epochs: int, n_workers: int) -> Params:
    """Those of params.yaml, for small photos and as all processes can repeat them to the last rounding."""
    params = load_params()
    plain = {name: type(value)(0) for name, value in params.train.augmentation.model_dump().items()}
    train = params.train.model_copy(
        update={
            "augmentation": params.train.augmentation.model_copy(update=plain),
            "precision": "float32",
            "workers": n_workers,
        }
    )
    changes = {"data_path": faces, "image_size": 32, "epochs": epochs, "weights": "random", "train": train}
    return params.model_copy(update=changes)


def train(params: Params, folder: Path, *, after_epoch: Callable[[int], None] = lambda _: None) -> Training:
    """Trains on the workers that the settings ask for; three quarters of the photos, validated on the others.

    Args:
        folder: for the checkpoints.
        after_epoch: called with the number of epochs that are finished, each time that more are.
    """
    labels = read_labels(params.data_path)
    part = np.where(np.arange(len(labels)) % 4 == 3, VALIDATION, TRAIN)
    splits = pd.DataFrame(
        {FILE_NAME: labels[FILE_NAME], REAL_AGE: labels[REAL_AGE].astype(float), SPLIT: part}
    )
    result = Training()

    def on_epoch(history: list[Row]) -> None:
        result.told.append(history)
        after_epoch(len(history))

    kind = Recipe if params.train.workers == 1 else WorkersRecipe
    recipe = kind(params, "float32", Cache(memory_gib=1.0))
    result.model = recipe.create_model()
    start = time.perf_counter()
    recipe.fit(result.model, splits, checkpoint_folder=folder, on_epoch=on_epoch, check=lambda: None)
    result.seconds = time.perf_counter() - start
    return result


def kill_a_worker() -> None:
    """Kills, as the kernel does where memory is short, a worker that this process has started."""
    family = psutil.Process(os.getpid()).children(recursive=True)
    workers = [process for process in family if _WORKER in "".join(process.cmdline())]
    workers[-1].kill()
    print(f"killed {workers[-1].pid}, one of {len(workers)} workers", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--faces", type=Path, help="folder with labels.csv and final_files/; drawn without it"
    )
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--kill", action="store_true", help="once more, killing a worker in the second epoch")
    args = parser.parse_args()
    print(machine(), flush=True)
    runs = [(f"{n} worker{'s' * (n > 1)}", n, False) for n in args.workers]
    if args.kill:
        runs.append((f"{args.workers[-1]} workers, one killed", args.workers[-1], True))
    first: Training | None = None
    with faces_folder(args.faces, n_drawn=300) as faces:
        for name, n_workers, kills in runs:

            def after_epoch(n_finished: int, kills: bool = kills) -> None:
                if kills and n_finished == 1:
                    kill_a_worker()

            with TemporaryDirectory() as folder:
                params = settings(faces, epochs=args.epochs, n_workers=n_workers)
                training = train(params, Path(folder), after_epoch=after_epoch)
            first = first or training
            losses = ", ".join(f"{row['loss']:.4f}/{row['val_loss']:.4f}" for row in training.history)
            told = [len(history) for history in training.told]
            last = [row["seconds"] for row in training.history][-1]
            print(
                f"{name}: {training.seconds:.0f} s in all, last epoch {last:.1f} s, told of epochs {told}; "
                f"loss/validation loss {losses}; differs by at most {training.difference(first):.2e}",
                flush=True,
            )


if __name__ == "__main__":
    main()
