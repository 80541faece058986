"""Stage train: fits the model to the training photos and keeps the best epoch."""

from pathlib import Path

from shopper_age.data.augmentation import augmentation_sheet
from shopper_age.data.cache import Cache
from shopper_age.data.loading import load_part, load_train
from shopper_age.data.tables import SPLIT, TRAIN, VALIDATION, read_splits
from shopper_age.model.archive import save_model
from shopper_age.model.conversion import in_float32
from shopper_age.model.network import create_model
from shopper_age.params import load_params
from shopper_age.runtime.checkout import dvc_md5, project_root
from shopper_age.runtime.files import save_picture
from shopper_age.runtime.stage import run_stage
from shopper_age.tracking.provenance import provenance
from shopper_age.training.history import epoch_log
from shopper_age.training.precision import choose_precision, gpu_name
from shopper_age.training.resuming import resumable_run
from shopper_age.training.trainer import set_seed, train_model

SPLITS = Path("data/splits/splits.csv")
MANIFEST = Path("reports/validate_data/manifest.csv")
MODEL = Path("models/age_resnet50.keras")
REPORT = Path("reports/train")


def main() -> None:
    params = load_params()
    set_seed(params.seed, deterministic=params.train.deterministic)
    precision, why = choose_precision(params.train.precision)
    print(f"train: computing in {precision} ({why})", flush=True)

    splits = read_splits(SPLITS)
    cache = Cache(**params.train.cache.model_dump(), folder=project_root() / ".photo_cache")
    options = {
        "splits": splits,
        "image_size": params.image_size,
        "batch_size": params.batch_size,
        "cache": cache,
    }
    augmentation = params.train.augmentation
    train_data = load_train(params.data_path, **options, seed=params.seed, augmentation=augmentation)
    validation_data = load_part(params.data_path, VALIDATION, **options)
    save_picture(REPORT / "augmentation.png", augmentation_sheet(train_data))

    model = create_model(
        (params.image_size, params.image_size, 3),
        weights=params.weights,
        loss=params.loss,
        label_sigma=params.train.label_sigma,
        l1_weight=params.train.l1_weight,
        precision=precision,
    )
    record = {"precision": precision, "gpu": gpu_name(), "data_md5": dvc_md5(params.data_path) or "unknown"}
    with resumable_run(params, SPLITS, MANIFEST, tags=record) as (folder, run):
        run.log_dataset(
            params.data_path.name,
            digest=record["data_md5"],
            source=params.data_path,
            n_rows=len(splits),
            context="training",
        )
        train_model(
            model,
            train_data,
            validation_data,
            epochs=params.epochs,
            settings=params.train,
            learning_rate=params.learning_rate,
            checkpoint_folder=folder,
            on_epoch=epoch_log(
                run, REPORT, n_photos=int((splits[SPLIT] == TRAIN).sum()), record={**provenance(), **record}
            ),
        )
        save_model(in_float32(model), MODEL)
        run.set_model(MODEL)
        run.log_artifact(REPORT / "history.csv", "train")
        run.log_artifact(REPORT / "augmentation.png", "train", shows_people=True)


if __name__ == "__main__":
    run_stage(main)
