"""Attributes of photos by which errors are sliced: columns of labels.csv and measures of the picture."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from shopper_age.data.tables import CONTENT_HASH, FILE_NAME, HEIGHT, MEASURED, REAL_AGE, SPLIT, WIDTH
from shopper_age.grouping import people_of
from shopper_age.inference.qualities import Qualities, measure
from shopper_age.runtime.progress import with_progress

# Measured of each photo, in the order in which they end the attributes; named as in predictions.csv.
QUALITIES = ("shorter_side", "brightness", "sharpness")


def measure_photos(photos: Iterable[NDArray[np.uint8]], n: int | None = None) -> pd.DataFrame:
    """A row per photo with what `inference.qualities.measure` says: `brightness` and `sharpness`.

    Args:
        photos: uint8 (height, width, 3), RGB, of the size that the model sees; taken one at a time.
        n: how many they are, for the progress bar.
    """
    rows = [measure(photo) for photo in with_progress(photos, "measuring", n)]
    return pd.DataFrame(rows, columns=list(Qualities._fields), dtype=float)


def content_hashes(manifest: pd.DataFrame, file_names: Sequence[str]) -> list[str]:
    """The hash of each file's content, by which another shop's photo of the same name is told apart."""
    return manifest.set_index(FILE_NAME).loc[list(file_names), CONTENT_HASH].to_list()


def photo_people(
    manifest: pd.DataFrame, file_names: Sequence[str], group_column: str
) -> NDArray[np.int64] | None:
    """The person of each photo, shape (n,); None where `group_column` is "", so that it is not known.

    Raises:
        ValueError: labels.csv has no such further column.
    """
    if not group_column:
        return None
    people = pd.Series(people_of(manifest, group_column), index=manifest[FILE_NAME])
    return people.loc[list(file_names)].to_numpy(np.int64)


def photo_attributes(
    manifest: pd.DataFrame,
    file_names: Sequence[str],
    photos: Iterable[NDArray[np.uint8]],
    *,
    group_column: str = "",
) -> pd.DataFrame:
    """The attributes of some photos of a manifest, a column each, by which errors can be sliced.

    These are the further columns of labels.csv, the shorter side of the file, and what `measure_photos` sees.
    The column that names the person is none: a person is no group of people.

    Args:
        file_names: of the photos, in the order of the rows that come back.
        photos: as `measure_photos` takes them, in the same order.
    """
    rows = manifest.set_index(FILE_NAME).loc[list(file_names)]
    further = rows.drop(columns=[REAL_AGE, SPLIT, *MEASURED, *filter(None, [group_column])], errors="ignore")
    side = rows[[WIDTH, HEIGHT]].min(axis=1).rename("shorter side (px)")
    tables = [further, side, measure_photos(photos, len(rows))]
    return pd.concat([table.reset_index(drop=True) for table in tables], axis=1)


def photo_qualities(attributes: pd.DataFrame) -> pd.DataFrame:
    """Those of the attributes that were measured, a column for each of QUALITIES.

    A further column of labels.csv may bear the name of one: they are found by their place.
    """
    return attributes.iloc[:, -len(QUALITIES) :].set_axis(list(QUALITIES), axis=1)
