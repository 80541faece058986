"""The rule that puts an interval around an estimate, as plain numbers that can be kept beside a model."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shopper_age.metrics.bands import band_index

OLDEST = 100.0


@dataclass(frozen=True)
class IntervalRule:
    """All it takes to put an interval around an estimate: plain numbers, kept beside the model.

    The half-width is the quantile of the estimate's band, in years, or where `has_difficulty` that many
    times the photo's difficulty. None stands for "any age": the band had too few photos to tell.
    """

    level: float
    has_difficulty: bool
    # First years of the bands of ESTIMATED age; (0,) is one band for all.
    edges: tuple[int, ...]
    quantiles: tuple[float | None, ...]
    # Photos that each quantile rests on.
    n_photos: tuple[int, ...]

    def apply(
        self, y_pred: ArrayLike, difficulty: ArrayLike | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lower and upper end of each photo's interval, shape (n,), in years within 0–100.

        Raises:
            ValueError: the rule needs a difficulty and there is none, or the other way round.
        """
        pred, scale = check_estimates(y_pred, difficulty)
        if self.has_difficulty != (difficulty is not None):
            raise ValueError(
                f"the interval rule was made {'with' if self.has_difficulty else 'without'} difficulty"
            )
        quantiles = np.array([np.inf if quantile is None else quantile for quantile in self.quantiles])
        half_width = quantiles[band_index(pred, self.edges)] * scale
        return np.clip(pred - half_width, 0, OLDEST), np.clip(pred + half_width, 0, OLDEST)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "IntervalRule":
        """The rule that `to_dict` described, also after a way through JSON."""
        lists = {name: tuple(content[name]) for name in ("edges", "quantiles", "n_photos")}
        return cls(level=content["level"], has_difficulty=content["has_difficulty"], **lists)


def is_narrow(low: ArrayLike, high: ArrayLike, *, max_width: float) -> NDArray[np.bool_]:
    """Whether each interval is at most `max_width` years wide, shape (n,): narrow enough to answer with."""
    return np.asarray(high, dtype=float) - np.asarray(low, dtype=float) <= max_width


def check_estimates(
    y_pred: ArrayLike, difficulty: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Estimates and their difficulties, 1 without, as arrays of shape (n,); ValueError where they are not."""
    pred = np.asarray(y_pred, dtype=float)
    scale = np.ones(pred.shape) if difficulty is None else np.asarray(difficulty, dtype=float)
    if pred.ndim != 1 or pred.shape != scale.shape:
        raise ValueError(
            f"estimates and difficulty must share one shape (n,); found {pred.shape}, {scale.shape}"
        )
    if not (np.isfinite(pred).all() and np.isfinite(scale).all() and (scale > 0).all()):
        raise ValueError("estimates must be finite numbers, and difficulties positive ones")
    return pred, scale
