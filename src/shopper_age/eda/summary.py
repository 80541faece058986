"""Summary of the usable photos: ages, sizes, repetitions."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from shopper_age.data.folders import PhotoFile
from shopper_age.data.photos import read_photo
from shopper_age.data.tables import DUPLICATE_GROUP, HEIGHT, REAL_AGE, WIDTH
from shopper_age.metrics.proportions import exact_interval

# On the contact sheet a photo is some 200 pixels wide; more would only cost memory.
PREVIEW_SIDE_PX = 256


# Whipple's index says nothing of fewer photos from 23 to 62, nor where nine in ten of their ages lie within
# fewer years: ages that do not spread end in 0 or 5 whether rounded or not.
MIN_COUNTED = 100

MIN_SPREAD_YEARS = 10


def decade_table(ages: ArrayLike) -> pd.DataFrame:
    """One row per decade, from 0–9 to that of the oldest; a decade without photos has its row too.

    Columns: `decade` ("20–29"), `from_age`, `to_age` (years, the latter exclusive), `n`, `share` (0–1).
    """
    decades = (np.asarray(ages, dtype=float) // 10).astype(int)
    starts = np.arange(decades.max() + 1) * 10
    counts = np.bincount(decades)
    names = [f"{start}–{start + 9}" for start in starts]
    return pd.DataFrame(
        {
            "decade": names,
            "from_age": starts,
            "to_age": starts + 10,
            "n": counts,
            "share": counts / counts.sum(),
        }
    )


def rounding(
    ages: ArrayLike, *, min_counted: int = MIN_COUNTED, min_spread: float = MIN_SPREAD_YEARS
) -> dict[str, float]:
    """Whether people's ages were rounded, by how many completed years end in 0 or 5.

    Ages 25, 26, 27, 28, 30 and 70 give `share_ending_0_or_5` 3/6, where 0.2 is expected without rounding, and
    for the five ages in 23–62 a `whipple_index` of 2 / 5 × 500 = 200, with the 95 % interval `whipple_low`,
    `whipple_high`. It is 100 without rounding and 500 when all ages are round; left out where there are fewer
    than `min_counted` such ages (`n_from_23_to_62`) or nine in ten lie within fewer than `min_spread` years
    (`spread_from_23_to_62`).

    Source: G. C. Whipple 1919, "Vital Statistics"; formula in Shryock & Siegel 1976, "The Methods and
    Materials of Demography", chapter 8. Its interval is that of the share.
    """
    years = np.floor(np.asarray(ages, dtype=float))
    is_round = years % 5 == 0
    is_counted = (years >= 23) & (years <= 62)
    n_counted = int(is_counted.sum())
    spread = float(np.ptp(np.quantile(years[is_counted], [0.05, 0.95]))) if n_counted else 0.0
    result = {
        "share_ending_0_or_5": float(is_round.mean()),
        "n_from_23_to_62": n_counted,
        "spread_from_23_to_62": spread,
    }
    if n_counted >= max(min_counted, 1) and spread >= min_spread:
        n_round = int((is_round & is_counted).sum())
        low, high = exact_interval(n_round, n_counted)
        result |= {
            "whipple_index": n_round / n_counted * 500,
            "whipple_low": float(low) * 500,
            "whipple_high": float(high) * 500,
        }
    return result


def summarise(manifest: pd.DataFrame) -> dict[str, Any]:
    """The numbers of the manifest for summary.json; one that cannot be had is left out.

    Raises:
        ValueError: the manifest has no row.
    """
    if manifest.empty:
        raise ValueError("there is no usable photo to describe: see reports/validate_data/findings.csv")
    ages = manifest[REAL_AGE].to_numpy(dtype=float)
    quartile_1, median, quartile_3 = np.quantile(ages, [0.25, 0.5, 0.75])
    age = {
        "mean": ages.mean(),
        **({"sd": ages.std(ddof=1)} if ages.size > 1 else {}),
        "min": ages.min(),
        "quartile_1": quartile_1,
        "median": median,
        "quartile_3": quartile_3,
        "max": ages.max(),
    }
    decades = decade_table(ages)
    sizes = manifest.groupby([WIDTH, HEIGHT]).size()
    commonest_width, commonest_height = sizes.idxmax()
    return {
        "n_photos": len(manifest),
        "n_duplicate_groups": int(manifest[DUPLICATE_GROUP].nunique()),
        "age_years": _rounded(age),
        "share_of_decade": _rounded(
            {f"{row.from_age}_{row.to_age - 1}": row.share for row in decades.itertuples()}
        ),
        "rounding": _rounded(rounding(ages)),
        "image_size_px": {
            "n_sizes": len(sizes),
            "commonest": f"{commonest_width} × {commonest_height}",
            "commonest_share": round(float(sizes.max()) / len(manifest), 4),
            **{
                f"{statistic}_{side}": int(getattr(manifest[side], statistic)())
                for side in (WIDTH, HEIGHT)
                for statistic in ("min", "median", "max")
            },
        },
    }


def choose_photos(manifest: pd.DataFrame, n_photos: int, *, seed: int) -> pd.DataFrame:
    """At most `n_photos` rows by age: drawn by chance near ages spread evenly from youngest to oldest.

    Of photos that are duplicates of each other at most one is taken.
    """
    candidates = manifest.sample(frac=1, random_state=seed).drop_duplicates(DUPLICATE_GROUP)
    ages = candidates[REAL_AGE].to_numpy(dtype=float)
    chosen: list[int] = []
    for age in np.linspace(ages.min(), ages.max(), min(n_photos, len(candidates))):
        distance = np.abs(ages - age)
        distance[chosen] = np.inf
        chosen.append(int(distance.argmin()))  # the first of equals, and chance has ordered them
    return candidates.iloc[chosen].sort_values(REAL_AGE, kind="stable")


def read_preview(path: str | PhotoFile) -> NDArray[np.uint8]:
    """The photo upright, RGB, shape (height, width, 3), no side above `PREVIEW_SIDE_PX`."""
    image = Image.fromarray(read_photo(path))
    image.thumbnail((PREVIEW_SIDE_PX, PREVIEW_SIDE_PX))
    return np.asarray(image)


def _rounded(numbers: Mapping[str, float]) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in numbers.items()}
