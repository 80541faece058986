"""Figures of an evaluation, by the file name that its report links."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from shopper_age.evaluation.conclusions import assess_training
from shopper_age.evaluation.parity import drawn_slices
from shopper_age.evaluation.result import Evaluation
from shopper_age.metrics.bands import DECADES, by_band
from shopper_age.metrics.errors import rank_by_error
from shopper_age.metrics.id_check import ALL_ADULTS, MINORS
from shopper_age.plots.age_groups import group_confusion, group_shares
from shopper_age.plots.errors import error_by_age, error_histogram, error_slices, predicted_against_true
from shopper_age.plots.id_check import rates_figure, trade_off_figure
from shopper_age.plots.parity import parity_figure
from shopper_age.plots.photos import activation_map_figure, photos_with_estimates
from shopper_age.plots.style import new_figure
from shopper_age.plots.training import training_curves
from shopper_age.plots.uncertainty import coverage_figure, reliability_figure

# Photos on the sheets of the worst and the best, and of each on the sheet of activation maps.
N_SHOWN = 15

N_EXPLAINED = 4


class Photos(Protocol):
    """A store of photos or an array of them: `photos[rows]` is uint8 (n, side, side, 3), RGB."""

    def __getitem__(self, rows: NDArray[np.int64], /) -> NDArray[np.uint8]: ...


def evaluation_figures(
    evaluation: Evaluation,
    history: pd.DataFrame,
    photos: Photos,
    *,
    explain: Callable[[NDArray[np.uint8]], NDArray[np.float64]],
) -> dict[str, Figure]:
    """All figures: the same files whatever the model.

    Args:
        history: as `training_curves` takes it.
        photos: of the test part, of the model's size.
        explain: gives such photos' activation maps, (n, h, w), in years.
    """
    test, intervals = evaluation.test, evaluation.intervals
    return {
        "predicted_against_true.png": predicted_against_true(test.y_true, test.y_pred),
        "error_by_age.png": error_by_age(by_band(evaluation.errors, test.y_true, DECADES)),
        "error_histogram.png": error_histogram(evaluation.errors),
        "error_slices.png": error_slices(drawn_slices(evaluation)),
        "parity.png": parity_figure(evaluation.parity),
        "training_curves.png": training_curves(history, best_epoch=assess_training(history).best_epoch),
        "group_confusion.png": group_confusion(evaluation.confusion, evaluation.confusion_shares),
        "group_shares.png": group_shares(evaluation.groups),
        "interval_coverage.png": coverage_figure(intervals.coverage, level=evaluation.params.interval_level),
        **_id_check_figures(evaluation),
        **_photo_figures(evaluation, photos, explain),
    }


def _id_check_figures(evaluation: Evaluation) -> dict[str, Figure]:
    params, by_age, by_probability = evaluation.params, evaluation.by_age, evaluation.by_probability
    n_people = by_age.rates.groupby("group")["n"].first()
    rule = "estimated age below T"
    curves, chosen = {rule: by_age.trade_off}, {rule: by_age.chosen}
    if by_probability is not None:
        name = f"probability of being under {params.legal_age} above a limit"
        curves[name], chosen[name] = by_probability.trade_off, by_probability.chosen
    return {
        "id_check.png": rates_figure(
            by_age.rates, max_false_positive_rate=params.max_false_positive_rate, chosen=by_age.chosen
        ),
        "id_trade_off.png": trade_off_figure(
            curves,
            marked=rule,
            n_minors=int(n_people[MINORS]),
            n_adults=int(n_people[ALL_ADULTS]),
            max_false_positive_rate=params.max_false_positive_rate,
            chosen=chosen,
        ),
        "reliability.png": _reliability_figure(evaluation),
    }


def _reliability_figure(evaluation: Evaluation) -> Figure:
    what = f"under {evaluation.params.legal_age}"
    if evaluation.calibration is None:
        figure, axes = new_figure(f"Probability of being {what}, n = 0", "", "")
        axes.text(0.5, 0.5, "This model answers with a number, not with probabilities.", ha="center")
        return figure
    return reliability_figure(
        evaluation.calibration.reliability, what=what, error=evaluation.calibration.error
    )


def _photo_figures(
    evaluation: Evaluation, photos: Photos, explain: Callable[[NDArray[np.uint8]], NDArray[np.float64]]
) -> dict[str, Figure]:
    test = evaluation.test
    ranked = rank_by_error(evaluation.errors)
    explained = np.concatenate([ranked[:N_EXPLAINED], ranked[N_EXPLAINED:][-N_EXPLAINED:]])
    to_explain = photos[explained]
    return {
        "worst_photos.png": _sheet_figure(evaluation, photos, ranked[:N_SHOWN], "largest"),
        "best_photos.png": _sheet_figure(evaluation, photos, ranked[::-1][:N_SHOWN], "smallest"),
        "activation_maps.png": activation_map_figure(
            list(to_explain), list(explain(to_explain)), test.y_true[explained], test.y_pred[explained]
        ),
    }


def _sheet_figure(evaluation: Evaluation, photos: Photos, rows: NDArray[np.int64], which: str) -> Figure:
    test, intervals = evaluation.test, evaluation.intervals
    return photos_with_estimates(
        list(photos[rows]),
        test.y_true[rows],
        test.y_pred[rows],
        intervals=(intervals.low[rows], intervals.high[rows]),
        title=f"The {len(rows)} photos with the {which} errors, of n = {test.y_true.size:,}",
    )
