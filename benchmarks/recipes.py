"""How much the training recipe of params.yaml gains over the simple one it grew from.

The simple recipe is the usual first notebook: ResNet50, MSE, Adam 0.0001, batches of 16, horizontal flip, a
constant rate, the last epoch. Both recipes learn from the same photos (the last three quarters of the rows),
start from the same weights, see the photos at the same size for the same number of epochs and are tested on
the first quarter of the rows, one after the other. Neither looks at the test photos before its end.

    python benchmarks/recipes.py --faces FOLDER --weights FILE
    python benchmarks/recipes.py --faces FOLDER --weights FILE --ablate --epochs 4 --image-size 64
    python benchmarks/recipes.py --faces FOLDER --weights FILE --recipes default --seeds 0 1 2 --epochs 4

Every result is appended to --out at once, so that an interrupted benchmark keeps what it has measured, and
what is already there is not measured again.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from subject import machine

from shopper_age import create_model, load_test, load_train, train_model
from shopper_age.hardware import choose_precision
from shopper_age.metrics import baseline_mae, bias, mae, mae_interval
from shopper_age.params import Params, load_params
from shopper_age.predicting import estimate
from shopper_age.training import set_seed

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


def recipes(params: Params) -> dict[str, Params]:
    """The simple recipe, the default one, and the default one without each of its ingredients."""
    train = params.train
    default = _with(params, train=_LAST_EPOCH)
    simple = _with(params, loss="mse", learning_rate=0.0001, batch_size=16, train={**_PLAIN, **_LAST_EPOCH})
    found = {
        "simple": _with(simple, augmentation={**_FLIP_ALONE, "horizontal_flip": True}),
        "default": default,
    }
    found["default, mse"] = _with(default, loss="mse")
    for name in ("optimizer", "schedule", "clip_norm", "ema_momentum", "frozen_epochs"):
        if getattr(train, name) != _PLAIN[name]:
            found[f"default, {name} {_PLAIN[name]}"] = _with(default, train={name: _PLAIN[name]})
    for name, strength in train.augmentation.model_dump().items():
        if strength:
            found[f"default, no {name}"] = _with(default, augmentation={name: type(strength)(0)})
    return found


def measure(params: Params, faces: Path) -> dict[str, Any]:
    """Trains by the recipe and tests it; errors in years, time in seconds."""
    set_seed(params.seed, deterministic=params.train.deterministic)
    precision, _ = choose_precision(params.train.precision)
    size = params.image_size
    train_data = load_train(
        faces,
        image_size=size,
        batch_size=params.batch_size,
        seed=params.seed,
        augmentation=params.train.augmentation,
        cache_gib=params.train.cache_gib,
    )
    test_data = load_test(faces, image_size=size, batch_size=64)
    y_true = np.concatenate([np.asarray(ages) for _, ages in test_data])
    y_train = np.concatenate([np.asarray(ages) for _, ages in train_data])
    model = create_model(
        (size, size, 3),
        weights=params.weights,
        loss=params.loss,
        label_sigma=params.train.label_sigma,
        l1_weight=params.train.l1_weight,
        precision=precision,
    )
    start = time.perf_counter()
    train_model(
        model,
        train_data,
        None,
        epochs=params.epochs,
        settings=params.train,
        learning_rate=params.learning_rate,
    )
    seconds = time.perf_counter() - start
    one, two = (estimate(model, test_data, y_true, n_views=n).y_pred for n in (1, 2))
    low, high = mae_interval(y_true, one, seed=0)
    ends = {"under_12": y_true < 12, "over_60": y_true > 60}
    keras.backend.clear_session()
    return {
        "mae": mae(y_true, one),
        "mae_low": low,
        "mae_high": high,
        "mae_two_views": mae(y_true, two),
        **{f"mae_{end}": mae(y_true[rows], two[rows]) for end, rows in ends.items()},
        **{f"bias_{end}": bias(y_true[rows], two[rows]) for end, rows in ends.items()},
        "baseline_mae": baseline_mae(y_true, y_train),
        "seconds": seconds,
    }


def main() -> None:
    options = _options()
    if not (options.faces / "labels.csv").is_file():
        sys.exit(
            f"{options.faces}/labels.csv not found: --faces takes a folder with labels.csv and final_files/"
        )
    params = load_params()
    changes = {"weights": options.weights, "epochs": options.epochs, "image_size": options.image_size}
    all_recipes = recipes(_with(params, **changes))
    chosen = list(all_recipes) if options.ablate else options.recipes
    results = []
    for name in chosen:
        for seed in options.seeds:
            results.append(_measured_once(name, _with(all_recipes[name], seed=seed), options))
            _print(results, options)


def _measured_once(name: str, params: Params, options: argparse.Namespace) -> dict[str, Any]:
    settings = params.model_dump(mode="json")
    for earlier in _earlier(options.out):
        if earlier["settings"] == settings:
            return earlier
    print(f"--- {name}, seed {params.seed}", flush=True)
    result = {"recipe": name, "seed": params.seed, **measure(params, options.faces), "settings": settings}
    with options.out.open("a", encoding="utf-8") as file:
        file.write(json.dumps(result) + "\n")
    return result


def _earlier(path: Path) -> Iterator[dict[str, Any]]:
    if path.is_file():
        yield from (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


def _print(results: list[dict[str, Any]], options: argparse.Namespace) -> None:
    table = Table(title=f"{options.image_size} px, {options.epochs} epochs; {machine()}")
    for column in (
        "recipe",
        "seed",
        "test MAE (95 %)",
        "2 views",
        "under 12: MAE, bias",
        "over 60: MAE, bias",
        "min",
    ):
        table.add_column(column)
    for r in results:
        table.add_row(
            r["recipe"],
            str(r["seed"]),
            f"{r['mae']:.2f} ({r['mae_low']:.2f}–{r['mae_high']:.2f})",
            f"{r['mae_two_views']:.2f}",
            f"{r['mae_under_12']:.2f}, {r['bias_under_12']:+.2f}",
            f"{r['mae_over_60']:.2f}, {r['bias_over_60']:+.2f}",
            f"{r['seconds'] / 60:.1f}",
        )
    console = Console()
    console.print(table)
    by_recipe = (
        pd.DataFrame(results).groupby("recipe", sort=False)["mae_two_views"].agg(["mean", "std", "count"])
    )
    for recipe, row in by_recipe[by_recipe["count"] > 1].iterrows():
        console.print(
            f"{recipe}: {row['mean']:.2f} ± {row['std']:.2f} over {row['count']:.0f} seeds (2 views)"
        )


def _with(
    params: Params, *, train: dict[str, Any] | None = None, augmentation: Any = None, **top: Any
) -> Params:
    changed = params.train
    if augmentation:
        changed = changed.model_copy(
            update={"augmentation": changed.augmentation.model_copy(update=augmentation)}
        )
    return params.model_copy(update={**top, "train": changed.model_copy(update=train or {})})


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
