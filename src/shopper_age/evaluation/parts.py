"""Parts of the data: their photos, true ages and estimates."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from shopper_age.data.store import PhotoStore
from shopper_age.data.tables import FILE_NAME, REAL_AGE, SPLIT
from shopper_age.inference.estimates import Estimates


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


def open_part(data_path: str | Path, splits: pd.DataFrame, part: str, size_px: int) -> Part:
    """The photos of a part, read when they are asked for, as squares of `size_px`.

    Args:
        splits: as `read_splits` returns it.
        part: one of `PARTS`.
    """
    rows = splits[splits[SPLIT] == part]
    names = rows[FILE_NAME].to_list()
    return Part(names, rows[REAL_AGE].to_numpy(dtype=float), PhotoStore.open(data_path, names, size_px))
