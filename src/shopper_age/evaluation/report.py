"""The report and the model card of an evaluation, in Markdown."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from shopper_age import paths
from shopper_age.evaluation import origin
from shopper_age.evaluation.conclusions import (
    MAX_MISPLACED,
    MIN_ACCURACY,
    MIN_PHOTOS,
    assess_bands,
    assess_groups,
    assess_id_rule,
    assess_intervals,
    assess_training,
    assess_usefulness,
    clearly_worse_slices,
    too_few_people,
)
from shopper_age.evaluation.parity import assess_parity, clearly_worse_pairs
from shopper_age.evaluation.result import Evaluation, IdRule
from shopper_age.markdown import render
from shopper_age.metrics import nist
from shopper_age.metrics.id_check import (
    OLDEST_THRESHOLD_AGE,
    SHOWN_THRESHOLD_AGES,
    rates_at,
)
from shopper_age.metrics.shop import shop_table
from shopper_age.metrics.slices import MAX_PAIRED_VALUES, MAX_PAIRS
from shopper_age.params import Params

# Rows of the table of label issues in the report.
N_LABEL_ISSUES = 10


def evaluation_reports(
    evaluation: Evaluation,
    history: pd.DataFrame,
    params: Params,
    *,
    image_size: int,
    hashes: Mapping[str, str],
) -> dict[str, str]:
    """The report and the model card as Markdown, by file name.

    Args:
        history: a row per epoch with `epoch`, `mae` and `val_mae`.
        params: the settings that the model was trained with.
        image_size: side of the photos that the model takes, in pixels.
        hashes: as `origin.input_hashes` gives them.
    """
    is_demo = paths.is_demo(params.data_path)
    texts = {
        "report.md": render_analysis(evaluation, history=history, is_demo=is_demo),
        "MODEL_CARD.md": render_model_card(
            evaluation, image_size=image_size, weights=params.weights, loss=params.loss, is_demo=is_demo
        ),
    }
    return {name: origin.with_hashes(text, hashes) for name, text in texts.items()}


def render_analysis(evaluation: Evaluation, *, history: pd.DataFrame, is_demo: bool) -> str:
    """The whole analysis as Markdown; its pictures are linked by the names `evaluation_figures` gives them.

    Args:
        history: a row per epoch with `epoch`, `mae` and `val_mae`.
        is_demo: whether the photos are the demo's drawings.
    """
    rates = evaluation.by_age.rates
    chosen = [] if evaluation.by_age.chosen is None else [evaluation.by_age.chosen]
    thresholds = {*SHOWN_THRESHOLD_AGES, *chosen} & {*rates["threshold"]}
    return render(
        "shopper_age.evaluation",
        "analysis.md.j2",
        **_shared_values(evaluation),
        is_demo=is_demo,
        training=assess_training(history),
        bands=evaluation.bands.to_dict("records"),
        id_rows=[_id_row(evaluation.by_age, threshold) for threshold in sorted(thresholds)],
        by_probability=evaluation.by_probability,
        id_by_probability=evaluation.by_probability and assess_id_rule(evaluation.by_probability, evaluation),
        calibration_error=evaluation.metrics.get("id_calibration_error"),
        seventeen=_seventeen_at_25(evaluation),
        nist=nist,
        single_years=evaluation.single_years.to_dict("records"),
        years_shown=SHOWN_THRESHOLD_AGES,
        shop=_shop_rows(evaluation),
        intervals=assess_intervals(evaluation),
        abstention=evaluation.intervals.abstention,
        max_width=evaluation.params.max_interval_width,
        n_slices=int((~evaluation.slices["is_pair"].astype(bool)).sum()),
        n_small_slices=int(evaluation.slices["is_small"].sum()),
        n_pair_slices=int(evaluation.slices["is_pair"].sum()),
        n_pairs_left_out=evaluation.n_pairs_left_out,
        max_paired_values=MAX_PAIRED_VALUES,
        max_pairs=MAX_PAIRS,
        label_issues=evaluation.label_issues.head(N_LABEL_ISSUES).to_dict("records"),
    )


def render_model_card(
    evaluation: Evaluation, *, image_size: int, weights: str, loss: str, is_demo: bool
) -> str:
    """The model card as Markdown: what the model is for, what not, and how well it does.

    Args:
        image_size, weights, loss: the settings it was trained with.
        is_demo: whether the photos are the demo's drawings.

    Source: Mitchell et al. 2019, "Model Cards for Model Reporting", FAT*.
    """
    ages = np.quantile(evaluation.train_ages, (0, 0.25, 0.5, 0.75, 1))
    return render(
        "shopper_age.evaluation",
        "model_card.md.j2",
        **_shared_values(evaluation),
        is_demo=is_demo,
        ages=dict(zip(("min", "lower", "median", "upper", "max"), ages, strict=True)),
        image_size=image_size,
        weights=weights,
        loss=loss,
        has_distribution=evaluation.test.estimates.distribution is not None,
    )


def render_run_description(
    evaluation: Evaluation, *, is_demo: bool, run_page: str, dvc_experiment: str | None
) -> str:
    """What the run's page in MLflow says of the model, as Markdown: MAE, verdicts, where to read on.

    Args:
        is_demo: whether the photos are the demo's drawings.
        run_page: the address of that page, which links begin with.
        dvc_experiment: the DVC experiment that the evaluation is part of.
    """
    return render(
        "shopper_age.evaluation",
        "run_description.md.j2",
        **_shared_values(evaluation),
        is_demo=is_demo,
        run_page=run_page,
        dvc_experiment=dvc_experiment,
    ).strip()


def _shared_values(evaluation: Evaluation) -> dict[str, Any]:
    """What the analysis, the model card and the description of the run tell of."""
    params = evaluation.params
    return {
        **evaluation.metrics,
        "metrics": evaluation.metrics,
        "max_mae": params.max_mae,
        "ages_are": params.ages_are,
        "n_train": evaluation.train_ages.size,
        "n_folds": evaluation.n_folds,
        "n_validation": evaluation.n_validation,
        "n_validation_minors": evaluation.n_validation_minors,
        "minors_from": params.minors_from,
        "guarantee": params.guarantee,
        "near_legal_age": evaluation.near_legal_age.to_dict("records"),
        "by_band": assess_bands(evaluation.bands),
        "usefulness": assess_usefulness(evaluation.metrics),
        "too_few_people": too_few_people(evaluation),
        "groups": assess_groups(evaluation),
        "group_rows": evaluation.groups.to_dict("records"),
        "by_age": evaluation.by_age,
        "id": assess_id_rule(evaluation.by_age, evaluation),
        "legal_age": params.legal_age,
        "accepted": params.max_false_positive_rate,
        "oldest_threshold": OLDEST_THRESHOLD_AGE,
        "level": params.interval_level,
        "coverage": evaluation.intervals.coverage.to_dict("records"),
        "worse_slices": clearly_worse_slices(evaluation),
        "worse_pairs": clearly_worse_pairs(evaluation),
        "parity": assess_parity(evaluation),
        "of_people": _of_people(evaluation),
        "min_photos": MIN_PHOTOS,
        "max_misplaced": MAX_MISPLACED,
        "min_accuracy": MIN_ACCURACY,
    }


def _of_people(evaluation: Evaluation) -> str:
    """ " of 10 people", where it is known how many the test photos show."""
    n = evaluation.metrics.get("n_test_people")
    return "" if n is None else f" of {n:,} {'person' if n == 1 else 'people'}"


def _id_row(rule: IdRule, threshold: float) -> dict[str, Any]:
    groups = rates_at(rule.rates, threshold).reset_index().to_dict("records")
    return {"threshold": threshold, "groups": groups, "is_chosen": threshold == rule.chosen}


def _shop_rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """What the chosen threshold comes to in the shop of the settings; none without one of both."""
    shop, rule = evaluation.params.shop, evaluation.by_age
    if shop is None or rule.chosen is None:
        return []
    return shop_table(rates_at(rule.rates, rule.chosen), **shop.model_dump()).to_dict("records")


def _seventeen_at_25(evaluation: Evaluation) -> dict[str, Any] | None:
    """The rate that NIST counts, where the ID check counts 17-year-olds."""
    rates = evaluation.by_age.rates
    row = rates[(rates["group"] == f"{nist.TESTED_AGE}") & (rates["threshold"] == nist.THRESHOLD_AGE)]
    return None if row.empty else row.iloc[0].to_dict()
