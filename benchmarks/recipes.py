"""How much the training recipe of params.yaml gains over the simple one it grew from.

The simple recipe is the usual first notebook: ResNet50, MSE, Adam 0.0001, batches of 16, horizontal flip, a
constant rate, the last epoch. Both recipes learn from the same photos, start from the same weights, see the
photos at the same size for the same number of epochs and are tested on the first rows (split.test_share of
params.yaml), one after the other. Neither looks at the test photos before its end.

    python benchmarks/recipes.py --faces FOLDER --weights FILE
    python benchmarks/recipes.py --faces FOLDER --weights FILE --ablate --epochs 4 --image-size 64
    python benchmarks/recipes.py --faces FOLDER --weights FILE --recipes default --seeds 0 1 2 --epochs 4

Every result is appended to --out at once, so that an interrupted benchmark keeps what it has measured, and
what is already there is not measured again. The photos are decoded into memory, which lets it run on every
backend of Keras: KERAS_BACKEND=jax python benchmarks/recipes.py ...
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from testbed import check_faces, machine

from shopper_age import create_model
from shopper_age.data.readers import shuffled_batches
from shopper_age.data.store import PhotoStore
from shopper_age.data.tables import FILE_NAME, REAL_AGE, read_labels
from shopper_age.inference.estimation import estimate
from shopper_age.metrics.errors import baseline_mae, bias, mae, mae_interval
from shopper_age.params import Params, load_params
from shopper_age.splitting import first_rows
from shopper_age.training.precision import choose_precision
from shopper_age.training.trainer import Trainer, set_seed

_PLAIN = {
    "optimizer": "adam",
    "schedule": "constant",
    "clip_norm": 0.0,
    "ema_momentum": 0.0,
    "frozen_epochs": 0,
}
_FLIP_ALONE = {
    "rotation_degrees": 0.0,
    "zoom": 0.0,
    "shift": 0.0,
    "brightness": 0.0,
    "contrast": 0.0,
    "erasing": 0.0,
}
# Every recipe keeps its last epoch: there is no validation part to choose by.
_LAST_EPOCH = {"keep_best": False, "early_stopping_patience": 0}


@dataclass(frozen=True)
class Recipe:
    """Settings; whether residual blocks that no file fills start as the identity, as in `create_model`."""

    params: Params
    identity_start: bool = True

    def changed(
        self, *, train: dict[str, Any] | None = None, augmentation: Any = None, **top: Any
    ) -> "Recipe":
        changed = self.params.train
        if augmentation:
            changed = changed.model_copy(
                update={"augmentation": changed.augmentation.model_copy(update=augmentation)}
            )
        top["train"] = changed.model_copy(update=train or {})
        return replace(self, params=self.params.model_copy(update=top))


def recipes(params: Params) -> dict[str, Recipe]:
    """The simple recipe, the default one, and the default one without each of its ingredients."""
    train = params.train
    default = Recipe(params).changed(train=_LAST_EPOCH)
    simple = default.changed(
        loss="mse",
        learning_rate=0.0001,
        batch_size=16,
        train=_PLAIN,
        augmentation={**_FLIP_ALONE, "horizontal_flip": True},
    )
    found = {"simple": replace(simple, identity_start=False), "default": default}
    for loss in ("mse", "ordinal"):
        found[f"default, {loss}"] = default.changed(loss=loss)
    for name in ("optimizer", "schedule", "clip_norm", "ema_momentum", "frozen_epochs"):
        if getattr(train, name) != _PLAIN[name]:
            found[f"default, {name} {_PLAIN[name]}"] = default.changed(train={name: _PLAIN[name]})
    for name, strength in train.augmentation.model_dump().items():
        if strength:
            found[f"default, no {name}"] = default.changed(augmentation={name: type(strength)(0)})
    found["default, no identity start"] = replace(default, identity_start=False)
    return found


def decoded(faces: Path, image_size: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """All photos of a folder, (n, image_size, image_size, 3), RGB, and their ages in years, (n,)."""
    labels = read_labels(faces)
    store = PhotoStore.open(faces, labels[FILE_NAME], image_size)
    return store[np.arange(len(store))], labels[REAL_AGE].to_numpy("float32")


def measure(recipe: Recipe, photos: NDArray[np.uint8], ages: NDArray[np.float32]) -> dict[str, Any]:
    """Trains by the recipe and tests it; errors in years, time in seconds.

    Args:
        photos: uint8 (n, image_size, image_size, 3), RGB.
        ages: (n,), years.
    """
    params = recipe.params
    set_seed(params.seed, deterministic=params.train.deterministic)
    precision, _ = choose_precision(params.train.precision)
    n_test = first_rows(len(photos), share=params.split.test_share).sum()
    y_train, y_true = ages[n_test:], ages[:n_test].astype(float)
    train_data = shuffled_batches(
        photos[n_test:],
        y_train,
        params.batch_size,
        seed=params.seed,
        augmentation=params.train.augmentation,
    )
    model = create_model(
        photos.shape[1:],
        weights=params.weights,
        loss=params.loss,
        label_sigma=params.train.label_sigma,
        l1_weight=params.train.l1_weight,
        precision=precision,
    )
    if not recipe.identity_start:
        _start_as_keras_does(model)
    seconds_of_epochs: list[float] = []
    start, cpu_start = time.perf_counter(), time.process_time()
    trainer = Trainer(
        params.train,
        params.loss,
        on_epoch=lambda history: seconds_of_epochs.append(history[-1]["seconds"]),
    )
    trainer.fit(model, train_data, None, epochs=params.epochs, learning_rate=params.learning_rate)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    n_views = params.evaluate.tta
    one, more = (estimate(model, photos[:n_test], n_views=n).age for n in (1, n_views))
    low, high = mae_interval(y_true, more, seed=0)
    ends = {"under_12": y_true < 12, "over_60": y_true > 60}
    keras.backend.clear_session()
    return {
        "mae_one_view": mae(y_true, one),
        "mae": mae(y_true, more),
        "mae_low": low,
        "mae_high": high,
        **{f"mae_{end}": mae(y_true[rows], more[rows]) for end, rows in ends.items()},
        **{f"bias_{end}": bias(y_true[rows], more[rows]) for end, rows in ends.items()},
        "baseline_mae": baseline_mae(y_true, y_train),
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "photos_per_second": len(y_train) / float(np.median(seconds_of_epochs[-3:])),
    }


def _start_as_keras_does(model: keras.Model) -> None:
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization) and not np.any(layer.gamma):
            layer.gamma.assign(np.ones(layer.gamma.shape))


def main() -> None:
    options = _options()
    check_faces(options.faces)
    changes = {"weights": options.weights, "epochs": options.epochs, "image_size": options.image_size}
    all_recipes = recipes(load_params().model_copy(update=changes))
    unknown = set(options.recipes) - set(all_recipes)
    if unknown:
        sys.exit(f"--recipes: no {', '.join(sorted(unknown))}; there are: {'; '.join(all_recipes)}")
    data = decoded(options.faces, options.image_size)
    results = []
    for name in all_recipes if options.ablate else options.recipes:
        for seed in options.seeds:
            results.append(_measured_once(name, all_recipes[name].changed(seed=seed), data, options.out))
            _print(results, options)


def _measured_once(name: str, recipe: Recipe, data: tuple[Any, Any], out: Path) -> dict[str, Any]:
    settings = asdict(recipe) | {"params": recipe.params.model_dump(mode="json")}
    for earlier in _earlier(out):
        if earlier["settings"] == settings:
            return earlier
    print(f"--- {name}, seed {recipe.params.seed}", flush=True)
    result = {"recipe": name, "seed": recipe.params.seed, **measure(recipe, *data), "settings": settings}
    with out.open("a", encoding="utf-8") as file:
        file.write(json.dumps(result) + "\n")
    return result


def _earlier(path: Path) -> Iterator[dict[str, Any]]:
    if path.is_file():
        yield from (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


def _print(results: list[dict[str, Any]], options: argparse.Namespace) -> None:
    n_views = results[0]["settings"]["params"]["evaluate"]["tta"]
    table = Table(title=f"{options.image_size} px, {options.epochs} epochs, {n_views} views\n{machine()}")
    table.add_column("recipe")
    columns = (
        "seed",
        "test MAE (95 %)",
        "1 view",
        "under 12: MAE, bias",
        "over 60: MAE, bias",
        "min: wall, CPU",
        "photos/s",
    )
    for column in columns:
        table.add_column(column, justify="right")
    for r in results:
        table.add_row(
            r["recipe"],
            str(r["seed"]),
            f"{r['mae']:.2f} ({r['mae_low']:.2f}–{r['mae_high']:.2f})",
            f"{r['mae_one_view']:.2f}",
            f"{r['mae_under_12']:.2f}, {r['bias_under_12']:+.2f}",
            f"{r['mae_over_60']:.2f}, {r['bias_over_60']:+.2f}",
            f"{r['seconds'] / 60:.1f}, {r['cpu_seconds'] / 60:.1f}",
            f"{r['photos_per_second']:,.0f}",
        )
    console = Console(width=130)
    console.print(table)
    console.print(f"always the median training age: {results[0]['baseline_mae']:.2f}")
    by_recipe = pd.DataFrame(results).groupby("recipe", sort=False)["mae"].agg(["mean", "std", "count"])
    for recipe, row in by_recipe[by_recipe["count"] > 1].iterrows():
        console.print(f"{recipe}: {row['mean']:.2f} ± {row['std']:.2f} over {row['count']:.0f} seeds")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=Path, required=True, help="folder with labels.csv and final_files/")
    parser.add_argument("--weights", default="imagenet", help="as in params.yaml (default: imagenet)")
    parser.add_argument("--image-size", type=int, default=112, help="pixels (default: 112)")
    parser.add_argument("--epochs", type=int, default=10, help="default: 10")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="default: 0")
    parser.add_argument("--recipes", nargs="+", default=["simple", "default"], help="default: simple default")
    parser.add_argument(
        "--ablate", action="store_true", help="also the default recipe without each ingredient"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("recipes.jsonl"), help="results (default: recipes.jsonl)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
