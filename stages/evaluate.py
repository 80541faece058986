"""Stage evaluate: measures the model on the test part, which no earlier stage has looked at."""

from functools import partial
from typing import Any

from shopper_age.params import load_params
from shopper_age.runtime.inputs import Inputs
from shopper_age.runtime.stage import run_stage


def main() -> None:
    params = load_params()  # before Keras, whose import takes seconds: a wrong setting is told at once
    from shopper_age import load_model, paths
    from shopper_age.data.folds import fold_numbers
    from shopper_age.data.tables import PARTS, read_manifest, read_splits
    from shopper_age.evaluation import attributes
    from shopper_age.evaluation.decision import decision_of
    from shopper_age.evaluation.evaluate import evaluate
    from shopper_age.evaluation.figures import evaluation_figures
    from shopper_age.evaluation.log import log_evaluation
    from shopper_age.evaluation.origin import input_hashes
    from shopper_age.evaluation.parts import estimate_out_of_fold, estimate_part, open_part
    from shopper_age.evaluation.report import evaluation_reports
    from shopper_age.evaluation.tables import evaluation_tables
    from shopper_age.inference.activation_map import activation_maps
    from shopper_age.inference.estimation import estimate
    from shopper_age.runtime.files import read_csv, write_files

    inputs = Inputs("evaluate", params.data_path)
    splits, manifest = read_splits(paths.SPLITS), read_manifest(paths.MANIFEST)
    history, model = read_csv(paths.HISTORY, {"epoch": int}, other=float), load_model(paths.MODEL)
    group_column = params.split.group_column
    people = partial(attributes.photo_people, manifest, group_column=group_column)
    size_px, n_views = model.input_shape[1], params.evaluate.tta
    train, validation, test = (open_part(params.data_path, splits, part, size_px) for part in PARTS)
    if n_folds := len(fold_numbers(splits)):
        calibration = estimate_out_of_fold(
            params.data_path, splits, paths.FOLDS, n_views=n_views, people=people
        )
    else:
        calibration = estimate_part(model, validation, n_views=n_views, people=people)
    slices = attributes.photo_attributes(manifest, test.file_names, test.photos, group_column=group_column)

    evaluation = evaluate(
        calibration,
        estimate_part(model, test, n_views=n_views, people=people),
        file_names=test.file_names,
        content_hashes=attributes.content_hashes(manifest, test.file_names),
        train_ages=train.ages,
        attributes=slices,
        params=params.evaluate,
        seed=params.seed,
        one_view=estimate(model, test.photos) if n_views > 1 else None,
        n_folds=n_folds,
        qualities=attributes.photo_qualities(slices),
    )
    files: dict[str, Any] = {"metrics.json": evaluation.metrics, **evaluation_tables(evaluation)}
    files |= evaluation_figures(evaluation, history, test.photos, explain=partial(activation_maps, model))
    hashes = input_hashes(params.data_path)
    files |= evaluation_reports(evaluation, history, params, image_size=size_px, hashes=hashes)
    decision = decision_of(evaluation, params, model_md5=hashes["model"], image_size=size_px)

    inputs.check()
    write_files(paths.EVALUATION, files)
    decision.save(paths.DECISION)
    inputs.check()
    log_evaluation(evaluation, params)


if __name__ == "__main__":
    run_stage(main)
