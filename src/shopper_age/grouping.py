"""Groups of photos that belong together: those of one person, and duplicates."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from shopper_age.data.tables import FILE_NAME, MEASURED, REAL_AGE, SPLIT
from shopper_age.runtime.messages import shorten, shorten_list

# A further column may name people when it has more values than this, when at least this share of its cells
# repeats another one, and when a value stands for at most so many photos: sexes and shops have fewer values
# or more photos, notes and times hardly repeat.
_MORE_VALUES_THAN = 10

_LEAST_REPEATED_SHARE = 0.1

_MOST_PHOTOS_PER_VALUE = 50

# What looks like a measurement or a time, not like somebody's name or number; "7.0" is a number that a
# spreadsheet or pandas wrote.
_MEASUREMENT = (
    r"[+-]?\d*[.,]\d*[1-9]\d*|\d{4}[-/.]\d\d?[-/.]\d\d?(?:[T ].*)?|\d\d?[./]\d\d?[./]\d{4}|\d\d?:\d\d.*"
)


def people_of(manifest: pd.DataFrame, group_column: str) -> np.ndarray:
    """The number of each photo's person (n,), from 0; a photo whose cell is blank is its own person.

    Raises:
        ValueError: labels.csv has no such further column.
    """
    further = further_columns(manifest)
    if group_column not in further:
        named = shorten_list(map(repr, further)) or "none beside file_name and real_age"
        raise ValueError(
            f"split.group_column is '{shorten(group_column)}', but labels.csv has no such column that could "
            f"name the person. It has {named}. Correct the setting, or empty it where each photo stands "
            "alone."
        )
    cells = manifest[group_column].astype("str").str.strip()
    numbers, names = pd.factorize(cells)
    return np.where(cells == "", len(names) + np.arange(len(cells)), numbers)


def together(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The number of each photo's group (n,) when photos of one group in either numbering belong together."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, first = np.unique(first, return_inverse=True)
    _, second = np.unique(second, return_inverse=True)
    n_first = first.max(initial=-1) + 1
    n_nodes = n_first + second.max(initial=-1) + 1

    links = coo_array((np.ones(len(first), bool), (first, n_first + second)), shape=(n_nodes, n_nodes))
    _, component = connected_components(links, directed=False)
    return component[first]


def further_columns(manifest: pd.DataFrame) -> list[str]:
    """The columns of labels.csv that only its owner can explain."""
    known = {FILE_NAME, REAL_AGE, SPLIT, *MEASURED}
    return [name for name in manifest if name not in known]


def columns_that_repeat(manifest: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Further columns that may name people, each with its number of `values` and of `photos` with one."""
    found = {}
    for name in further_columns(manifest):
        cells = manifest[name].astype("str").str.strip()
        counts = cells[cells != ""].value_counts()
        n_photos = int(counts.sum())
        if (
            len(counts) > _MORE_VALUES_THAN
            and counts[counts > 1].sum() >= _LEAST_REPEATED_SHARE * n_photos
            and n_photos <= _MOST_PHOTOS_PER_VALUE * len(counts)
            and counts.index.str.fullmatch(_MEASUREMENT).mean() < 0.5
        ):
            found[name] = {"values": len(counts), "photos": n_photos}
    return found


def told_columns(repeated: Mapping[str, Mapping[str, int]]) -> list[str]:
    """A sentence for each column of `columns_that_repeat`, the first ten."""
    return [
        f"column '{shorten(name)}' repeats: {column['values']:,} values on {column['photos']:,} photos. If "
        f"it names the person, the same people may be in training and test: set split.group_column to it."
        for name, column in list(repeated.items())[:10]
    ]
