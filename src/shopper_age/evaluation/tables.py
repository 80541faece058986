"""Tables of an evaluation: predictions.csv and the metrics that DVC draws."""

from typing import Any

import numpy as np
import pandas as pd

from shopper_age.data.tables import CONTENT_HASH, FILE_NAME, PERSON, REAL_AGE
from shopper_age.evaluation.result import Evaluation
from shopper_age.metrics.bands import band_index, band_names
from shopper_age.metrics.calibration import reliability_table

# DVC writes every row of a plot into its page, half a kilobyte each: 108 MB for 200,000 photos.
MAX_DRAWN = 2_000


def evaluation_tables(evaluation: Evaluation) -> dict[str, pd.DataFrame]:
    """The tables to keep, by file name: the same files whatever the model, empty where it has no answer."""
    by_age, by_probability = evaluation.by_age, evaluation.by_probability
    calibration = evaluation.calibration
    predictions = _predictions(evaluation)
    return {
        "predictions.csv": predictions,
        "predictions_sample.csv": _sample(predictions),
        "age_bands.csv": evaluation.bands,
        "age_groups.csv": evaluation.groups,
        "id_check_by_age.csv": by_age.rates,
        "id_check_by_probability.csv": by_probability.rates if by_probability else by_age.rates.head(0),
        "id_trade_off_by_age.csv": by_age.trade_off,
        "id_trade_off_by_probability.csv": (
            by_probability.trade_off if by_probability else by_age.trade_off.head(0)
        ),
        "reliability.csv": calibration.reliability if calibration else reliability_table([], []),
        "interval_coverage.csv": evaluation.intervals.coverage,
        "single_years.csv": evaluation.single_years,
        "slices.csv": evaluation.slices,
        "parity.csv": evaluation.parity,
        "parity_differences.csv": evaluation.parity_differences,
        "label_issues.csv": evaluation.label_issues,
    }


def _sample(predictions: pd.DataFrame) -> pd.DataFrame:
    """What DVC draws, of at most MAX_DRAWN photos drawn by lot, always the same ones, in their order."""
    drawn = predictions[[REAL_AGE, "predicted_age", "age_group", "predicted_age_group"]]
    return drawn.sample(n=min(MAX_DRAWN, len(drawn)), random_state=0).sort_index()


def _predictions(evaluation: Evaluation) -> pd.DataFrame:
    test, intervals, params = evaluation.test, evaluation.intervals, evaluation.params
    names = np.array(band_names(params.age_groups))
    columns: dict[str, Any] = {
        FILE_NAME: evaluation.file_names,
        REAL_AGE: test.y_true,
        "predicted_age": test.y_pred.round(3),
        "age_group": names[band_index(test.y_true, params.age_groups)],
        "predicted_age_group": names[band_index(test.y_pred, params.age_groups)],
        "interval_low": intervals.low.round(2),
        "interval_high": intervals.high.round(2),
        "is_answered": intervals.is_answered,
    }
    if evaluation.content_hashes is not None:
        columns[CONTENT_HASH] = evaluation.content_hashes
    if (qualities := evaluation.qualities) is not None:
        columns |= {name: qualities[name].to_numpy().round(2) for name in qualities}
    age_sd, p_minor = test.estimates.sd(), test.estimates.p_under(params.legal_age)
    if age_sd is not None and p_minor is not None:
        columns |= {"age_sd": age_sd.round(3), "p_minor": p_minor.round(5)}
    if test.people is not None:
        columns[PERSON] = test.people
    return pd.DataFrame(columns)
