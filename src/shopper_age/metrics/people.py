"""People behind photos: photos of one person err alike, and tell less than as many people.

`people` holds the person of each photo, shape (n,), of any kind that can be compared; None where that is not
known, and each photo counts as another person.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shopper_age.metrics.proportions import LEVEL, exact_interval


def check_people(people: ArrayLike | None, n_photos: int) -> NDArray[np.int64]:
    """The number of each photo's person, from 0, shape (n,).

    Raises:
        ValueError: there is not one person per photo.
    """
    if people is None:
        return np.arange(n_photos)
    named = np.asarray(people)
    if named.shape != (n_photos,):
        raise ValueError(f"expected the person of each of {n_photos} photos; found the shape {named.shape}")
    _, numbers = np.unique(named, return_inverse=True)
    return numbers.astype(np.int64)


def count_people(people: ArrayLike | None, is_counted: ArrayLike) -> int:
    """How many different people the photos show for which `is_counted`, shape (n,), is True."""
    chosen = np.asarray(is_counted, dtype=bool)
    return int(np.unique(check_people(people, chosen.size)[chosen]).size)


def any_photo(is_hit: ArrayLike, people: ArrayLike | None) -> NDArray[np.bool_]:
    """Whether any photo of each person is a hit, shape (n people,), in the order of the sorted people.

    A person who passes on one photo of five counts as one who passes. People are independent of each other
    where photos are not, so that an exact binomial bound over these values holds for people; and as the share
    of people with any hit is at least that with a hit on one photo taken at random, it bounds that, too.
    Photos of the persons a, a, b that are no hit, hit, no hit give True, False.
    """
    hits = np.asarray(is_hit, dtype=bool)
    return np.bincount(check_people(people, hits.size), weights=hits) > 0


def person_means(values: ArrayLike, people: ArrayLike | None) -> NDArray[np.float64]:
    """Each person's mean value, shape (n people,): 1, 3 and 5 of the persons a, a, b give 2 and 5."""
    values = np.asarray(values, dtype=float)
    numbers = check_people(people, values.size)
    return np.bincount(numbers, weights=values) / np.bincount(numbers)


def one_photo_each(people: ArrayLike | None, n_photos: int, *, seed: int) -> NDArray[np.bool_]:
    """Which photos to count when each person counts once, shape (n,): one of each, drawn by lot.

    Groups whose people have different numbers of photos stay comparable, which they would not if a person
    counted as soon as any photo does.
    """
    numbers = check_people(people, n_photos)
    order = np.random.default_rng(seed).permutation(n_photos)
    _, first = np.unique(numbers[order], return_index=True)
    chosen = np.zeros(n_photos, bool)
    chosen[order[first]] = True
    return chosen


def effective_people(people: ArrayLike) -> float:
    """Size of an even sample that tells as much if all photos of a person are alike: n² / Σ n_person².

    Two people with a photo each give 2; one with three photos and one with one give 16 / 10 = 1.6.

    Source: Kish 1965, "Survey Sampling", section 8.2, at an intraclass correlation of 1.
    """
    _, counts = np.unique(np.asarray(people), return_counts=True)
    return float(counts.sum() ** 2 / (counts**2).sum()) if counts.size else 0.0


def share_interval(
    is_hit: ArrayLike, people: ArrayLike | None = None, *, level: float = LEVEL
) -> tuple[float, float]:
    """Interval of the share of PHOTOS that are hits, as wide as so few people demand; NaN without photos.

    It is the exact binomial one, of `effective_people` instead of photos. 2 hits of 4 photos of 2 people, two
    each, have the interval of 1 of 2.

    Source: Korn & Graubard 1998, "Confidence Intervals for Proportions with Small Expected Number of Positive
    Counts Estimated from Survey Data", Survey Methodology 24(2), with the largest possible design effect.
    """
    hits = np.asarray(is_hit, dtype=bool)
    size = effective_people(check_people(people, hits.size))
    low, high = exact_interval(hits.mean() * size if size else 0, size, level=level)
    return float(low), float(high)


def share_intervals(
    is_hit: ArrayLike, group: ArrayLike, n_groups: int, people: ArrayLike | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`share_interval` of each group of photos, numbered from 0: lower and upper ends, shape (n_groups,)."""
    hits, groups = np.asarray(is_hit, dtype=bool), np.asarray(group)
    person = check_people(people, hits.size)
    ends = [share_interval(hits[groups == number], person[groups == number]) for number in range(n_groups)]
    return np.array([low for low, _ in ends]), np.array([high for _, high in ends])
