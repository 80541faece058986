"""Metrics of an evaluation, by the file name that its report links."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from shopper_age.evaluation.result import Evaluation
from shopper_age.metrics.age_groups import confusion_shares
from shopper_age.metrics.calibration import expected_calibration_error
from shopper_age.metrics.errors import rank_by_error
from shopper_age.metrics.id_check import ALL_ADULTS, ALL_MINORS, trade_off
from shopper_age.plots.age_groups import group_confusion, group_shares
from shopper_age.plots.errors import error_by_age, error_histogram, error_slices, predicted_against_true
from shopper_age.plots.id_check import rates_figure, trade_off_figure
from shopper_age.plots.photos import activation_map_figure, photos_with_answers
from shopper_age.plots.style import new_figure
from shopper_age.plots.training import training_curves
from shopper_age.plots.uncertainty import coverage_figure, reliability_figure

# Photos on the sheets of the worst and the best, and of each on the sheet of activation maps.
N_SHOWN = 15

N_EXPLAINED = 4

Photos = NDArray[np.uint8]


def draw_all(
    evaluation: Evaluation,
    *,
    history: pd.DataFrame,
    read_photos: Callable[[NDArray[np.int64]], Photos],
    explain: Callable[[Photos], NDArray[np.float64]],
) -> dict[str, Figure]:
    """All pictures: the same files whatever the model.

    Args:
        history: as `training_curves` takes it.
        read_photos: gives the test photos of these rows, uint8 (n, side, side, 3), RGB, of the model's size.
        explain: gives such photos' activation maps, (n, h, w), in years.
    """
    test = evaluation.test
    ranked = rank_by_error(test.y_true, test.y_pred)
    explained = np.concatenate([ranked[:N_EXPLAINED], ranked[N_EXPLAINED:][-N_EXPLAINED:]])
    photos = read_photos(explained)
    return {
        "predicted_against_true.png": predicted_against_true(test.y_true, test.y_pred),
        "error_by_age.png": error_by_age(test.y_true, test.y_pred),
        "error_histogram.png": error_histogram(test.y_true, test.y_pred),
        "error_slices.png": error_slices(evaluation.slices),
        "training_curves.png": training_curves(history),
        "group_confusion.png": group_confusion(
            evaluation.group_counts, confusion_shares(evaluation.group_counts)
        ),
        "group_shares.png": group_shares(evaluation.groups),
        "interval_coverage.png": coverage_figure(
            evaluation.intervals.coverage, level=evaluation.params.interval_level
        ),
        **_id_check_figures(evaluation),
        "worst_photos.png": _sheet(evaluation, ranked[:N_SHOWN], read_photos, "largest"),
        "best_photos.png": _sheet(evaluation, ranked[::-1][:N_SHOWN], read_photos, "smallest"),
        "activation_maps.png": activation_map_figure(
            list(photos), list(explain(photos)), test.y_true[explained], test.y_pred[explained]
        ),
    }


def _id_check_figures(evaluation: Evaluation) -> dict[str, Figure]:
    params, by_age, by_probability = evaluation.params, evaluation.by_age, evaluation.by_probability
    n_people = by_age.rates.groupby("group")["n"].first()
    rule = "estimated age below T"
    curves = {rule: trade_off(by_age.rates)}
    if by_probability is not None:
        curves[f"probability of being under {params.legal_age} above a limit"] = trade_off(
            by_probability.rates
        )
    return {
        "id_check.png": rates_figure(
            by_age.rates, max_false_positive_rate=params.max_false_positive_rate, chosen=by_age.chosen
        ),
        "id_trade_off.png": trade_off_figure(
            curves,
            marked=rule,
            n_minors=int(n_people[ALL_MINORS]),
            n_adults=int(n_people[ALL_ADULTS]),
            max_false_positive_rate=params.max_false_positive_rate,
        ),
        "reliability.png": _reliability(evaluation),
    }


def _reliability(evaluation: Evaluation) -> Figure:
    what = f"under {evaluation.params.legal_age}"
    if evaluation.reliability is None:
        figure, axes = new_figure(f"Probability of being {what}, n = 0", "", "")
        axes.text(0.5, 0.5, "This model answers with a number, not with probabilities.", ha="center")
        return figure
    error = expected_calibration_error(evaluation.reliability)
    return reliability_figure(evaluation.reliability, what=what, error=error)


def _sheet(
    evaluation: Evaluation,
    rows: NDArray[np.int64],
    read_photos: Callable[[NDArray[np.int64]], Photos],
    which: str,
) -> Figure:
    test, intervals = evaluation.test, evaluation.intervals
    return photos_with_answers(
        list(read_photos(rows)),
        test.y_true[rows],
        test.y_pred[rows],
        intervals=(intervals.low[rows], intervals.high[rows]),
        title=f"The {len(rows)} photos with the {which} errors, of n = {test.y_true.size:,}",
    )
