"""Parts of the data: their photos, true ages and estimates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from shopper_age.data.folds import fold_numbers, fold_path, leaving_out
from shopper_age.data.store import PhotoStore
from shopper_age.data.tables import FILE_NAME, REAL_AGE, SPLIT, VALIDATION
from shopper_age.inference.estimates import Estimates
from shopper_age.inference.estimation import estimate
from shopper_age.model.archive import load_model
from shopper_age.runtime.tensorflow_log import hide_retracing_warnings


@dataclass(frozen=True)
class Part:
    """The n photos of a part in the order of the splits: file names, true ages (n,) in years, and pixels."""

    file_names: Sequence[str]
    ages: NDArray[np.float64]
    photos: PhotoStore


@dataclass(frozen=True)
class PartEstimates:
    """The estimates of one part of the data beside its true ages, shape (n,), in years."""

    y_true: NDArray[np.float64]
    estimates: Estimates
    # The person of each photo, shape (n,); None where labels.csv does not name them.
    people: NDArray[np.int64] | None = None

    def of(self, is_chosen: NDArray[np.bool_]) -> "PartEstimates":
        """The photos for which `is_chosen`, shape (n,), is True."""
        estimates, people = self.estimates, self.people
        distribution = None if estimates.distribution is None else estimates.distribution[is_chosen]
        return PartEstimates(
            self.y_true[is_chosen],
            Estimates(estimates.age[is_chosen], distribution),
            None if people is None else people[is_chosen],
        )

    @property
    def y_pred(self) -> NDArray[np.float64]:
        return self.estimates.age


People = Callable[[Sequence[str]], NDArray[np.int64] | None]


def _unknown(file_names: Sequence[str]) -> None:  # noqa: ARG001 - as `People`
    return None


def open_part(data_path: str | Path, splits: pd.DataFrame, part: str, size_px: int) -> Part:
    """The photos of a part, read when they are asked for, as squares of `size_px`.

    Args:
        splits: as `read_splits` returns it.
        part: one of `PARTS`.
    """
    rows = splits[splits[SPLIT] == part]
    names = rows[FILE_NAME].to_list()
    return Part(names, rows[REAL_AGE].to_numpy(dtype=float), PhotoStore.open(data_path, names, size_px))


def estimate_part(
    model: keras.Model, part: Part, *, n_views: int = 1, people: People = _unknown
) -> PartEstimates:
    """The model's estimates of a part; `n_views` as `estimate` takes it, `people` by file names."""
    return PartEstimates(part.ages, estimate(model, part.photos, n_views=n_views), people(part.file_names))


def estimate_out_of_fold(
    data_path: str | Path, splits: pd.DataFrame, models: Path, *, n_views: int, people: People = _unknown
) -> PartEstimates:
    """Estimates of all photos in folds, each by the model that never saw it, fold by fold.

    Args:
        splits: with folds, as `read_splits` returns it.
        models: the folder of the folds' models, as stage train writes it.
        n_views: as `estimate` takes it.
        people: the person of each photo, by file names; of nobody if not given.

    Raises:
        FileNotFoundError: the model of a fold is not there.
    """
    hide_retracing_warnings()
    found = [
        _estimate_fold(data_path, splits, fold, models, n_views, people) for fold in fold_numbers(splits)
    ]
    distributions = [part.estimates.distribution for part in found if part.estimates.distribution is not None]
    named = [part.people for part in found if part.people is not None]
    return PartEstimates(
        np.concatenate([part.y_true for part in found]),
        Estimates(
            np.concatenate([part.y_pred for part in found]),
            np.concatenate(distributions) if distributions else None,
        ),
        np.concatenate(named) if named else None,
    )


def _estimate_fold(
    data_path: str | Path, splits: pd.DataFrame, fold: int, models: Path, n_views: int, people: People
) -> PartEstimates:
    path = fold_path(models, fold)
    if not path.is_file():
        raise FileNotFoundError(f"{path} not found: stage train writes it, run `dvc repro -f train`.")
    model = load_model(path)
    part = open_part(data_path, leaving_out(splits, fold), VALIDATION, model.input_shape[1])
    return estimate_part(model, part, n_views=n_views, people=people)
