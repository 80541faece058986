"""NIST's figures of other systems, for comparison.

17-year-olds estimated 25 or older, as a share: of the systems in the running table the best, the median and
the worst, each the mean over two sexes and six regions of birth. 49 systems, submissions up to July 2026.
NIST prints no share of adults who are asked: the system with the lowest rate takes 90 % of the 17- to
22-year-olds for 13 to 16.

Source: NIST, Face Analysis Technology Evaluation (FATE), Age Estimation & Verification,
https://pages.nist.gov/frvt/html/frvt_age_estimation.html; method: NIST IR 8525 (2024).
"""

from dataclasses import dataclass

TESTED_AGE, THRESHOLD_AGE = 17, 25

N_SYSTEMS = 49

STATUS = "July 2026"


@dataclass(frozen=True)
class Rates:
    """Shares of 17-year-olds estimated 25 or older."""

    best: float
    median: float
    worst: float


APPLICATION_PHOTOS = Rates(best=0.012, median=0.069, worst=0.522)

BORDER_PHOTOS = Rates(best=0.014, median=0.153, worst=0.600)
