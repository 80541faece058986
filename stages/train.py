"""Stage train: fits the model to the training photos and keeps the best epoch."""

from pathlib import Path

from shopper_age import create_model, load_train, paths
from shopper_age.data.augmentation import augmentation_sheet
from shopper_age.data.cache import Cache
from shopper_age.data.loading import load_part
from shopper_age.data.tables import SPLIT, TRAIN, VALIDATION, read_splits
from shopper_age.model.archive import save_model
from shopper_age.params import load_params
from shopper_age.runtime.checkout import dvc_md5, project_root
from shopper_age.runtime.files import save_picture
from shopper_age.runtime.inputs import Inputs
from shopper_age.runtime.stage import run_stage
from shopper_age.training.checkpoint import Checkpoint
from shopper_age.training.history import epoch_log, log_results
from shopper_age.training.precision import choose_precision, gpu_name
from shopper_age.training.results import results_lock
from shopper_age.training.resuming import resumable_run
from shopper_age.training.trainer import Trainer, set_seed


def main() -> None:
    params = load_params()
    settings, data, side = params.train, params.data_path, params.image_size
    inputs = Inputs("train", data, kept="What was trained is kept for the settings and data it began with. ")
    set_seed(params.seed, deterministic=settings.deterministic)
    precision, reason = choose_precision(settings.precision)
    print(f"train: computing in {precision} ({reason})", flush=True)

    splits = read_splits(paths.SPLITS)
    cache = Cache(**settings.cache.model_dump(), folder=project_root() / ".photo_cache")
    options = {"splits": splits, "image_size": side, "batch_size": params.batch_size, "cache": cache}
    train_data = load_train(data, **options, seed=params.seed, augmentation=settings.augmentation)
    validation_data = load_part(data, VALIDATION, **options)
    sheet = augmentation_sheet(train_data)

    model = create_model((side, side, 3), weights=params.weights, loss=params.loss, precision=precision)
    n_photos, md5 = int((splits[SPLIT] == TRAIN).sum()), dvc_md5(data) or "unknown"
    facts = {"precision": precision, "gpu": gpu_name(), "data_md5": md5}
    training = resumable_run(params, Path(__file__), paths.SPLITS, paths.MANIFEST, tags=facts)
    with results_lock(Path.cwd() / ".checkpoints") as results, training as (folder, run):
        save_picture(paths.TRAINING / "augmentation.png", sheet)
        run.log_dataset(data.name, digest=md5, source=data, n_rows=len(splits), context="training")
        log = epoch_log(run, paths.TRAINING, n_photos=n_photos, record=facts)
        options = {"on_epoch": log, "n_photos": n_photos, "check": results.check}
        trainer = Trainer(settings, params.loss, checkpoint_folder=folder, **options)
        trainer.fit(
            model, train_data, validation_data, epochs=params.epochs, learning_rate=params.learning_rate
        )

        inputs.check()
        results.check()
        save_model(model, paths.MODEL)
        # once more: a `dvc exp run` that DVC refused meanwhile has removed them all the same
        save_picture(paths.TRAINING / "augmentation.png", sheet)
        log(Checkpoint(folder).history)
        log_results(run, paths.MODEL, paths.TRAINING)
        inputs.check()


if __name__ == "__main__":
    run_stage(main)
