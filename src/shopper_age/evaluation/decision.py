"""The decision file of an evaluation: what turns the model's estimates into answers at the till."""

import json
from pathlib import Path

from shopper_age.data.folders import open_folder
from shopper_age.data.tables import FACES_FILE
from shopper_age.evaluation.conclusions import assess_id_rule
from shopper_age.evaluation.result import Evaluation
from shopper_age.inference.decision import Decision, DecisionError, FaceCrops, IdCheck
from shopper_age.params import Params

# Of an ID check that is not known to work nothing may follow but to ask.
_TRUSTED = ("proven", "met")


def decision_of(evaluation: Evaluation, params: Params, *, model_md5: str, image_size: int) -> Decision:
    """The decision of a model by its evaluation.

    Where the ID check is not good enough, or not known to be, there is no threshold: everybody is asked.

    Args:
        model_md5: of the model file.
        image_size: side of the photos that the model takes, in pixels.

    Raises:
        DecisionError: the data folder's faces.json cannot be read.
    """
    by_age, by_probability = evaluation.by_age, evaluation.by_probability
    verdict = assess_id_rule(by_age, evaluation)
    settings = evaluation.params
    limit = None
    if by_probability and assess_id_rule(by_probability, evaluation).outcome in _TRUSTED:
        limit = by_probability.chosen
    return Decision(
        model_md5=model_md5,
        image_size=image_size,
        n_views=settings.tta,
        age_groups=settings.age_groups,
        interval=evaluation.intervals.rule,
        max_interval_width=settings.max_interval_width,
        id_check=IdCheck(
            legal_age=settings.legal_age,
            minors_from=settings.minors_from,
            threshold_age=by_age.chosen if verdict.outcome in _TRUSTED else None,
            probability_limit=limit,
            max_false_positive_rate=settings.max_false_positive_rate,
            guarantee=settings.guarantee if verdict.is_guaranteed else None,
        ),
        faces=face_crops(params.data_path),
        detect=params.faces.detect,
    )


def face_crops(data_path: str | Path) -> FaceCrops | None:
    """How the photos of a data folder were cropped; None where `shopper-age prepare` did not make them.

    Raises:
        DecisionError: the folder's faces.json cannot be read.
    """
    path = open_folder(data_path).path / FACES_FILE
    if not path.is_file():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return FaceCrops(**{name: told[name] for name in FaceCrops.__dataclass_fields__})
    except (ValueError, KeyError, TypeError) as error:
        raise DecisionError(f"{path} was not written by `shopper-age prepare` ({error})") from error
