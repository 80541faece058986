"""Stage train: fits the model to the training photos and keeps the best epoch."""

from pathlib import Path

from shopper_age.params import load_params
from shopper_age.runtime.inputs import Inputs
from shopper_age.runtime.stage import run_stage


def main() -> None:
    params = load_params()  # before Keras, whose import takes seconds: a wrong setting is told at once
    from shopper_age import load_train, paths
    from shopper_age.data.augmentation import augmentation_sheet
    from shopper_age.data.cache import Cache
    from shopper_age.data.folds import fold_numbers
    from shopper_age.data.tables import read_splits
    from shopper_age.distributed.recipes import recipe_for
    from shopper_age.model.archive import save_model
    from shopper_age.runtime.checkout import dvc_md5, project_root
    from shopper_age.runtime.files import save_picture
    from shopper_age.training.checkpoint import Checkpoint
    from shopper_age.training.folds import FoldTrainings
    from shopper_age.training.history import epoch_log, log_results
    from shopper_age.training.recipe import n_learnt_from
    from shopper_age.training.results import results_lock
    from shopper_age.training.resuming import resumable_run
    from shopper_age.training.trainer import set_seed

    settings, data = params.train, params.data_path
    inputs = Inputs("train", data, kept="What was trained is kept for the settings and data it began with. ")
    set_seed(params.seed, deterministic=settings.deterministic)
    splits = read_splits(paths.SPLITS)
    cache = Cache(**settings.cache.model_dump(), folder=project_root() / ".photo_cache")
    recipe, reason, gpu = recipe_for(params, cache, keeps_last_epoch=bool(fold_numbers(splits)))
    print(f"train: computing in {recipe.precision} ({reason})", flush=True)
    sheet = augmentation_sheet(load_train(data, **recipe.train_options(splits)))
    model = recipe.create_model()

    n_photos, md5 = n_learnt_from(splits), dvc_md5(data) or "unknown"
    facts = {"precision": recipe.precision, "gpu": gpu, "data_md5": md5}
    training = resumable_run(params, Path(__file__), paths.SPLITS, paths.MANIFEST, tags=facts)
    with results_lock(Path.cwd() / ".checkpoints") as results, training as (folder, run):
        save_picture(paths.TRAINING / "augmentation.png", sheet)
        run.log_dataset(Path(data).name, digest=md5, source=data, n_rows=len(splits), context="training")
        folds = FoldTrainings(recipe, splits, folder)
        folds.run(run, tags=facts, check=results.check)
        log = folds.validated(epoch_log(run, paths.TRAINING, n_photos=n_photos, record=facts))
        recipe.fit(model, splits, checkpoint_folder=folder, on_epoch=log, check=results.check)

        inputs.check()
        results.check()
        save_model(model, paths.MODEL)
        folds.save(paths.FOLDS)
        # once more: a `dvc exp run` that DVC refused meanwhile has removed them all the same
        save_picture(paths.TRAINING / "augmentation.png", sheet)
        log(Checkpoint(folder).history)
        log_results(run, paths.MODEL, paths.TRAINING)
        inputs.check()


if __name__ == "__main__":
    run_stage(main)
