"""Bands of age, such as 0–11, 12–17, …, 65+: their names, and which band an age lies in."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

DECADES = (0, 10, 20, 30, 40, 50, 60, 70, 80)


def check_edges(edges: Sequence[int]) -> None:
    """Raises ValueError unless the edges, the first years of each band, start at 0 and rise."""
    if not edges or edges[0] != 0 or any(low >= high for low, high in pairwise(edges)):
        raise ValueError(f"band edges must start at 0 and rise, as in 0, 12, 18; found {list(edges)}")


def band_names(edges: Sequence[int]) -> list[str]:
    """One name per band, the last one open: `(0, 12, 18)` gives `["0–11", "12–17", "18+"]`."""
    check_edges(edges)
    names = [f"{low}–{high - 1}" if high - low > 1 else f"{low}" for low, high in pairwise(edges)]
    return [*names, f"{edges[-1]}+"]


def band_keys(edges: Sequence[int]) -> list[str]:
    """The names as parts of metric names: `(0, 12, 18)` gives `["0_11", "12_17", "18_plus"]`."""
    return [name.replace("–", "_").replace("+", "_plus") for name in band_names(edges)]


def band_index(ages: ArrayLike, edges: Sequence[int]) -> NDArray[np.int64]:
    """The band number of each age, counted from 0; same shape as `ages`.

    A band takes its first year and everything below the next band's: with an edge at 12, an estimate of
    11.99 lies in the band before it and 12.0 in its own. An estimate below 0 counts as 0.
    """
    check_edges(edges)
    return np.digitize(np.asarray(ages, dtype=float), edges[1:]).astype(np.int64)


def by_band(
    values: NDArray[np.float64], ages: ArrayLike, edges: Sequence[int]
) -> dict[str, NDArray[np.float64]]:
    """The values of each band by its name, empty where there is none: `values[i]` belongs to `ages[i]`."""
    band = band_index(ages, edges)
    return {name: values[band == index] for index, name in enumerate(band_names(edges))}
