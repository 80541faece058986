"""Stage evaluate: judges the model on the test part, which no earlier stage has looked at."""

from functools import partial
from pathlib import Path

import keras
import pandas as pd

from shopper_age.data.readers import photo_batches
from shopper_age.data.store import PhotoStore
from shopper_age.data.tables import (
    FILE_NAME,
    REAL_AGE,
    SPLIT,
    TEST,
    TRAIN,
    VALIDATION,
    read_manifest,
    read_splits,
)
from shopper_age.evaluation.attributes import known_of
from shopper_age.evaluation.evaluate import evaluate
from shopper_age.evaluation.figures import draw_all
from shopper_age.evaluation.log import log_evaluation
from shopper_age.evaluation.report import render_analysis, render_model_card
from shopper_age.evaluation.tables import evaluation_tables
from shopper_age.inference.activation_map import activation_maps
from shopper_age.inference.estimates import Estimates, estimate, inference_batch_size
from shopper_age.metrics.errors import mae
from shopper_age.params import load_params
from shopper_age.runtime.checkout import dvc_md5
from shopper_age.runtime.files import save_figure, write_csv, write_json, write_text
from shopper_age.runtime.hashing import content_key
from shopper_age.runtime.stage import run_stage
from shopper_age.tracking import evaluation_run

FOUND = Path("reports/validate_data")
SPLITS = Path("data/splits/splits.csv")
HISTORY = Path("reports/train/history.csv")
MODEL = Path("models/age_resnet50.keras")
REPORT = Path("reports/evaluate")
EARLIER = {name: Path("reports", name) for name in ("validate_data", "eda", "split")}


def main() -> None:
    params = load_params()
    splits, manifest, history = (
        read_splits(SPLITS),
        read_manifest(FOUND / "manifest.csv"),
        pd.read_csv(HISTORY),
    )
    ages = {
        part: splits.loc[splits[SPLIT] == part, REAL_AGE].to_numpy() for part in (TRAIN, VALIDATION, TEST)
    }
    model = keras.models.load_model(MODEL)
    size = model.input_shape[1]
    batch_size = inference_batch_size(size)
    names = {part: splits.loc[splits[SPLIT] == part, FILE_NAME] for part in (VALIDATION, TEST)}
    photos = {part: PhotoStore.open(params.data_path, names[part], size) for part in names}

    def estimates(part: str, n_views: int) -> Estimates:
        return estimate(model, photo_batches(photos[part], batch_size), ages[part], n_views=n_views)

    evaluation = evaluate(
        estimates(VALIDATION, params.evaluate.tta),
        estimates(TEST, params.evaluate.tta),
        file_names=names[TEST].to_list(),
        train_ages=ages[TRAIN],
        known=known_of(manifest.set_index(FILE_NAME).loc[names[TEST]].reset_index(), photos[TEST]),
        params=params.evaluate,
        seed=params.seed,
    )
    figures = dict(evaluation.figures)
    if params.evaluate.tta > 1:
        figures["mae_one_view"] = round(mae(ages[TEST], estimates(TEST, 1).y_pred), 4)

    is_drawn = params.data_path == Path("data/demo")
    write_json(REPORT / "metrics.json", figures)
    for name, table in evaluation_tables(evaluation).items():
        write_csv(REPORT / name, table)
    pictures = draw_all(
        evaluation,
        history=history,
        read_photos=photos[TEST].__getitem__,
        explain=partial(activation_maps, model),
    )
    for name, figure in pictures.items():
        save_figure(REPORT / name, figure)
    write_text(REPORT / "report.md", render_analysis(evaluation, history=history, drawn_faces=is_drawn))
    model_card = render_model_card(
        evaluation,
        train_ages=ages[TRAIN],
        image_size=size,
        weights=params.weights,
        loss=params.loss,
        drawn_faces=is_drawn,
    )
    write_text(REPORT / "MODEL_CARD.md", model_card)

    settings = params.evaluate.model_dump(mode="json")
    data_md5 = dvc_md5(params.data_path) or "unknown"
    with evaluation_run(
        params.tracking.experiment,
        model_path=MODEL,
        evaluation_key=content_key(settings, SPLITS),
        params={"evaluate": settings},
        tags={"data_md5": data_md5},
        log_photos=params.tracking.log_photos,
    ) as run:
        run.log_dataset(
            params.data_path.name,
            digest=data_md5,
            source=params.data_path,
            n_rows=len(splits),
            context="testing",
        )
        log_evaluation(run, figures, REPORT, earlier=EARLIER)


if __name__ == "__main__":
    run_stage(main)
