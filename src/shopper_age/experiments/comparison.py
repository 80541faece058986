"""Paired comparison of two models on their common test photos.

Two models err alike on the same hard photos, so the difference of their errors on each photo varies far less
than either error: an interval of the *paired* difference sees what two separate intervals would hide.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from shopper_age.data.tables import CONTENT_HASH, FILE_NAME, PERSON, REAL_AGE
from shopper_age.experiments.results import Result
from shopper_age.markdown import counted
from shopper_age.metrics.bands import band_index
from shopper_age.metrics.errors import errors, mean_interval
from shopper_age.metrics.usefulness import MIN_PHOTOS
from shopper_age.params import dotted
from shopper_age.runtime.messages import shorten

PREDICTED_AGE = "predicted_age"

BETTER, WORSE, UNCLEAR = "better", "worse", "no clear difference"

# "Challenge 25": the threshold age at which the ID checks of two models are compared.
THRESHOLD_AGE = 25

# Two test parts are compared when they share at least this much of the smaller one, and when at most this
# much of what they share has another true age: mended labels are few.
LEAST_COMMON = 0.5

MOST_RELABELLED = 0.05

_PerPhoto = tuple[str, NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class Comparison:
    """Two models on the photos that both have estimated.

    metrics: a row per metric, indexed by its name in metrics.json: `a`, `b`, `difference` (b − a), its 95 %
        interval `low`, `high` (NaN where one photo is all there is), `n` (photos it rests on).
    n_common, n_only_a, n_only_b: photos that both, or only one, have estimated.
    n_relabelled: common photos whose true age is another in A's table; both models are judged by B's.
    by_name: whether names alone say which photos are the same, since a table has no content hashes.
    n_people: people on the common photos; None where a table does not know them.
    """

    metrics: pd.DataFrame
    n_common: int
    n_only_a: int
    n_only_b: int
    n_relabelled: int
    by_name: bool = False
    n_people: int | None = None

    @property
    def outcome(self) -> str:
        """What B's MAE is against A's: BETTER, WORSE, or UNCLEAR where the interval holds 0.

        Fewer than MIN_PHOTOS common photos, or people on them, are UNCLEAR, too.
        """
        if (self.n_people or self.n_common) < MIN_PHOTOS:
            return UNCLEAR
        mae = self.metrics.loc["mae"]
        if mae["high"] < 0:
            return BETTER
        return WORSE if mae["low"] > 0 else UNCLEAR


def compare(
    a: pd.DataFrame,
    b: pd.DataFrame,
    *,
    age_groups: Sequence[int] | None = None,
    legal_age: int | None = None,
    seed: int = 0,
) -> Comparison:
    """Compares two tables of estimates photo by photo.

    Photos are the same when their content is: the tables are joined by `content_hash` where both have it,
    under whatever names the files go, else by file name.

    Args:
        a, b: predictions.csv of either model: `file_name`, `real_age` and `predicted_age` in years, and
            `content_hash`, which evaluations of earlier versions lack; `person` where that is known: then
            intervals count people instead of photos.
        age_groups: the first year of each age group, for `group_accuracy`.
        legal_age: for the rates of the ID check by threshold age: `id_false_positive_rate_at_25` (minors
            estimated 25 or older) and `id_request_rate_at_25` (adults estimated younger).
        seed: of the bootstrap.

    Raises:
        ValueError: a column is missing, a table names a photo twice, no photo or less than half of the
            smaller table is in both, more than a few common photos have another age in A, or an age is not a
            finite number.
    """
    for name, table in (("A", a), ("B", b)):
        _check(name, table)
    both = _common_photos(a, b)
    n_relabelled = int((both[f"{REAL_AGE}_a"] != both[f"{REAL_AGE}_b"]).sum())
    _check_same_photos(len(a), len(b), len(both), n_relabelled)
    true = both[f"{REAL_AGE}_b"].to_numpy(dtype=float)
    pred_a, pred_b = (both[f"{PREDICTED_AGE}_{model}"].to_numpy(dtype=float) for model in "ab")
    people = _people(both)
    rows = {}
    for name, scope, value_a, value_b in _per_photo(true, pred_a, pred_b, age_groups, legal_age):
        if scope.any():
            difference = value_b[scope] - value_a[scope]
            of_scope = None if people is None else people[scope]
            low, high = mean_interval(difference, seed=seed, people=of_scope)
            values = (value_a[scope].mean(), value_b[scope].mean(), difference.mean(), low, high)
            rows[name] = (*map(float, values), int(scope.sum()))
    return Comparison(
        metrics=pd.DataFrame.from_dict(rows, "index", columns=["a", "b", "difference", "low", "high", "n"]),
        n_common=len(both),
        n_only_a=len(a) - len(both),
        n_only_b=len(b) - len(both),
        n_relabelled=n_relabelled,
        by_name=not (has_hashes(a) and has_hashes(b)),
        n_people=None if people is None else np.unique(people).size,
    )


def has_hashes(estimates: pd.DataFrame) -> bool:
    """Whether a table tells of every photo which content it has."""
    return CONTENT_HASH in estimates and bool(estimates[CONTENT_HASH].fillna("").ne("").all())


def _common_photos(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    if not (has_hashes(a) and has_hashes(b)):
        return a.merge(b, on=FILE_NAME, suffixes=("_a", "_b"))
    # a file that lies in the folder twice is one photo
    once = (table.drop_duplicates(CONTENT_HASH) for table in (a, b))
    return pd.merge(*once, on=CONTENT_HASH, suffixes=("_a", "_b"))


def _people(both: pd.DataFrame) -> NDArray[np.int64] | None:
    """The person of each common photo, as B knows them or else A; None where neither does."""
    for name in (f"{PERSON}_b", PERSON, f"{PERSON}_a"):
        if name in both:
            return both[name].to_numpy(np.int64)
    return None


def _check_same_photos(n_a: int, n_b: int, n_common: int, n_relabelled: int) -> None:
    parts = f"(A has {n_a:,}, B {n_b:,})"
    if not n_common:
        raise ValueError(f"there is nothing to compare: no photo is in both test parts {parts}")
    if n_common < LEAST_COMMON * min(n_a, n_b):
        raise ValueError(
            f"the test parts {parts} share {counted(n_common, 'photo')}, less than half of the smaller one, "
            "which says little about either model: evaluate both on one split"
        )
    if n_relabelled > MOST_RELABELLED * n_common:
        raise ValueError(
            f"of {counted(n_common, 'photo')} that both have estimated, {n_relabelled:,} had another true "
            "age for A: they are other photos under the same names, or were labelled anew; evaluate both "
            "models on the same labels.csv"
        )


def compare_results(a: Result, b: Result) -> Comparison:
    """Compares two evaluations, by the age groups and the legal age of B, or of A where B has none.

    Raises:
        ValueError: as `compare`.
    """
    settings = {**a.params.get("evaluate", {}), **b.params.get("evaluate", {})}
    return compare(
        a.predictions,
        b.predictions,
        age_groups=settings.get("age_groups"),
        legal_age=settings.get("legal_age"),
    )


def describe(comparison: Comparison, name_a: str = "A", name_b: str = "B") -> str:
    """The outcome in words: a sentence, and one more for each thing that limits it."""
    mae = comparison.metrics.loc["mae"]
    photos = counted(comparison.n_common, "common test photo")
    if comparison.n_people is not None:
        photos += f" of {comparison.n_people:,} {'person' if comparison.n_people == 1 else 'people'}"
    interval = f"95 % interval of the difference {mae['low']:+.2f} to {mae['high']:+.2f} years"
    if comparison.n_common == 1:
        interval = "one photo says nothing about others"
    maes = f"MAE {mae['b']:.2f} against {mae['a']:.2f} years on {photos} ({interval})."
    if comparison.outcome == UNCLEAR:
        sentence = f"There is no clear difference between {name_b} and {name_a}: {maes}"
    else:
        sentence = f"{name_b} is {comparison.outcome} than {name_a}: {maes}"
    return " ".join([sentence, *_limits(comparison, name_a, name_b)])


def changed_params(a: Mapping[str, Any], b: Mapping[str, Any]) -> pd.DataFrame:
    """The settings that differ, by dotted name such as `train.schedule`, in columns `a` and `b` as text.

    A setting that one of them does not have is "–".
    """
    flat_a, flat_b = dotted(a), dotted(b)
    names = [*flat_a, *(name for name in flat_b if name not in flat_a)]
    rows = {name: (str(flat_a.get(name, "–")), str(flat_b.get(name, "–"))) for name in names}
    changed = {name: values for name, values in rows.items() if values[0] != values[1]}
    return pd.DataFrame.from_dict(changed, "index", columns=["a", "b"])


def _per_photo(
    true: NDArray[np.float64],
    pred_a: NDArray[np.float64],
    pred_b: NDArray[np.float64],
    age_groups: Sequence[int] | None,
    legal_age: int | None,
) -> Iterator[_PerPhoto]:
    """Each metric as a mean over photos: its name, the photos it is of, and each one's value in A and B."""
    everyone = np.ones(true.size, dtype=bool)
    error_a, error_b = errors(true, pred_a), errors(true, pred_b)
    yield "mae", everyone, np.abs(error_a), np.abs(error_b)
    yield "bias", everyone, error_a, error_b
    within_a, within_b = ((np.abs(error) <= 5).astype(float) for error in (error_a, error_b))
    yield "cs5", everyone, within_a, within_b
    if age_groups is not None:
        group = band_index(true, age_groups)
        right_a, right_b = (
            (band_index(pred, age_groups) == group).astype(float) for pred in (pred_a, pred_b)
        )
        yield "group_accuracy", everyone, right_a, right_b
    if legal_age is not None:
        minors = true < legal_age
        passed_a, passed_b = ((pred >= THRESHOLD_AGE).astype(float) for pred in (pred_a, pred_b))
        yield f"id_false_positive_rate_at_{THRESHOLD_AGE}", minors, passed_a, passed_b
        yield f"id_request_rate_at_{THRESHOLD_AGE}", ~minors, 1 - passed_a, 1 - passed_b


def _check(name: str, table: pd.DataFrame) -> None:
    if missing := [column for column in (FILE_NAME, REAL_AGE, PREDICTED_AGE) if column not in table.columns]:
        raise ValueError(f"the estimates of {name} have no column {', '.join(missing)}")
    if n_twice := int(table[FILE_NAME].duplicated().sum()):
        first = table.loc[table[FILE_NAME].duplicated(), FILE_NAME].iloc[0]
        raise ValueError(
            f"the estimates of {name} name {counted(n_twice, 'photo')} twice, first {shorten(first)}"
        )


def _limits(comparison: Comparison, name_a: str, name_b: str) -> Iterator[str]:
    if 1 < comparison.n_common < MIN_PHOTOS:
        yield f"Fewer than {MIN_PHOTOS} photos decide nothing."
    elif (comparison.n_people or comparison.n_common) < MIN_PHOTOS:
        yield f"Fewer than {MIN_PHOTOS} people decide nothing."
    if comparison.by_name:
        yield (
            "Photos were taken for the same by their names and ages alone, since an earlier version kept no "
            "content hashes: `dvc repro evaluate` adds them."
        )
    if comparison.n_only_a or comparison.n_only_b:
        yield (
            f"The test parts differ: {counted(comparison.n_only_a, 'photo')} of {name_a} and "
            f"{comparison.n_only_b:,} of {name_b} were left out."
        )
    if comparison.n_relabelled:
        yield (
            f"The labels differ: {counted(comparison.n_relabelled, 'common photo')} had another true age in "
            f"{name_a}; both were judged by the ages of {name_b}."
        )
