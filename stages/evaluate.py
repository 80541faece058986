"""Stage evaluate: measures the model on the test part, once, and writes up what was found."""

from pathlib import Path

import keras
import pandas as pd

from shopper_age.evaluation_plots import draw_evaluation
from shopper_age.faces import FILE_NAME, REAL_AGE, SPLIT, TEST, TRAIN, photo_path, read_splits
from shopper_age.files import save_figure, write_csv, write_json, write_text
from shopper_age.hashing import content_key
from shopper_age.loading import load_test
from shopper_age.metrics import errors_by_band, summarise
from shopper_age.params import load_params
from shopper_age.photos import read_photo
from shopper_age.predicting import estimate
from shopper_age.reporting import render_report
from shopper_age.stage import run_stage
from shopper_age.tracking import evaluation_run

SPLITS = Path("data/splits/splits.csv")
MODEL = Path("models/age_resnet50.keras")
HISTORY = Path("reports/train/history.csv")
REPORT = Path("reports/evaluate")
EARLIER_REPORTS = ("reports/validate_data/summary.json", "reports/eda")


def main() -> None:
    params = load_params()
    splits = read_splits(SPLITS)
    test, train = splits[splits[SPLIT] == TEST], splits[splits[SPLIT] == TRAIN]
    history = pd.read_csv(HISTORY)
    model = keras.models.load_model(MODEL)

    test_data = load_test(
        params.data_path, splits=splits, image_size=model.input_shape[1], batch_size=64, cache_gib=0
    )
    estimates = estimate(model, test_data, test[REAL_AGE].to_numpy(), n_views=params.evaluate.tta)
    true, pred = estimates.y_true, estimates.y_pred
    figures = summarise(
        true, pred, train_ages=train[REAL_AGE].to_numpy(), max_mae=params.evaluate.max_mae, seed=params.seed
    )

    write_json(REPORT / "metrics.json", figures)
    predictions = test[[FILE_NAME, REAL_AGE]].assign(predicted_age=pred.round(3))
    write_csv(REPORT / "predictions.csv", predictions)
    files = [photo_path(params.data_path, name) for name in test[FILE_NAME]]
    pictures = draw_evaluation(
        true, pred, history=history, read_photo=lambda row: read_photo(files[row], 224)
    )
    for name, figure in pictures.items():
        save_figure(REPORT / name, figure)
    report = render_report(
        figures,
        bands=errors_by_band(true, pred),
        history=history,
        n_train=len(train),
        max_mae=params.evaluate.max_mae,
        drawn_faces=params.data_path == Path("data/demo"),
    )
    write_text(REPORT / "report.md", report)

    key = content_key(params.evaluate.model_dump(mode="json"), SPLITS)
    with evaluation_run(
        params.tracking.experiment,
        model_path=MODEL,
        evaluation_key=key,
        log_photos=params.tracking.log_photos,
    ) as run:
        run.log_metrics(figures)
        run.describe(report)


if __name__ == "__main__":
    run_stage(main)
