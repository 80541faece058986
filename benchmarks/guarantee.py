"""How often a threshold keeps its promise on other people: the guaranteed one and the one by observed rate.

Draws many synthetic shops. In each, some minors are estimated with normal errors, a threshold is chosen from
their estimates in both ways, and the true share of all such minors who would pass is known exactly.

    python benchmarks/guarantee.py
"""

import argparse

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from shopper_age.metrics.guarantee import choose
from shopper_age.metrics.id_check import OLDEST_THRESHOLD_AGE, choose_threshold, rates_by_threshold_age

LEGAL_AGE, MINORS_FROM = 18, 14

# Errors such as a model of 64 x 64 pixels has on real photos: teenagers are taken for older than they are.
BIAS_YEARS, SD_YEARS = 4.0, 7.0

_THRESHOLDS = np.arange(LEGAL_AGE, OLDEST_THRESHOLD_AGE + 1)

_MINORS = np.arange(MINORS_FROM, LEGAL_AGE)


def true_rates() -> NDArray[np.float64]:
    """Share of all minors who pass, by threshold from the legal age on: each year of age is as common."""
    means = _MINORS + BIAS_YEARS
    return norm.sf(_THRESHOLDS[:, np.newaxis], means, SD_YEARS).mean(axis=1)


def asked_adults(rng: np.random.Generator, n: int = 200_000) -> NDArray[np.float64]:
    """Share of the adults who are asked, by threshold: ages as customers have them, no bias."""
    ages = rng.triangular(LEGAL_AGE, 35, 85, n)
    estimates = ages + rng.normal(0, SD_YEARS, n)
    return np.searchsorted(np.sort(estimates), _THRESHOLDS) / n


def shops(n_shops: int, n_minors: int, *, rate: float, guarantee: float, seed: int) -> pd.DataFrame:
    """A row per way: how many shops got a threshold, kept the promise, and asked how many adults."""
    rng = np.random.default_rng(seed)
    passing, asked = true_rates(), asked_adults(rng)
    chosen: dict[str, list[float]] = {"guaranteed": [], "observed": []}
    for _ in range(n_shops):
        ages = rng.choice(_MINORS, n_minors)
        estimates = ages + BIAS_YEARS + rng.normal(0, SD_YEARS, n_minors)
        rates = rates_by_threshold_age(ages, estimates, legal_age=LEGAL_AGE, minors_from=MINORS_FROM)
        choice = choose(rates, max_false_positive_rate=rate, guarantee=guarantee)
        if choice.is_guaranteed and choice.threshold is not None:
            chosen["guaranteed"].append(choice.threshold)
        observed = choose_threshold(rates, max_false_positive_rate=rate)
        if observed is not None:
            chosen["observed"].append(observed)
    rows = []
    for way, thresholds in chosen.items():
        places = np.asarray(thresholds, dtype=int) - LEGAL_AGE
        kept = passing[places] <= rate
        rows.append(
            {
                "minors": n_minors,
                "way": way,
                "shops with a threshold": len(thresholds) / n_shops,
                "promise kept": kept.mean() if len(thresholds) else np.nan,
                "median T": np.median(thresholds) if thresholds else np.nan,
                "adults asked": asked[places].mean() if len(thresholds) else np.nan,
            }
        )
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shops", type=int, default=2000)
    parser.add_argument("--minors", type=int, nargs="+", default=[100, 300, 500, 1000, 3000])
    parser.add_argument("--rate", type=float, default=0.01, help="share of minors who may pass")
    parser.add_argument("--guarantee", type=float, default=0.95)
    args = parser.parse_args()
    tables = [
        shops(args.shops, n_minors, rate=args.rate, guarantee=args.guarantee, seed=seed)
        for seed, n_minors in enumerate(args.minors)
    ]
    best = int(_THRESHOLDS[(true_rates() <= args.rate).argmax()])
    print(f"{args.shops} shops; at most {args.rate:.1%} may pass; the smallest T that keeps it is {best}")
    print(pd.concat(tables).to_string(index=False, float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
