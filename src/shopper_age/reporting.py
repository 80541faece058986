"""The written analysis of a model, filled in from its figures."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

# Fewer photos than this in a band or slice are shown, but no sentence is built on them.
MIN_PHOTOS = 30
# A mean error of this many years in a band is worth a sentence.
NOTABLE_BIAS = 2.0
# An epoch is better than another when its validation MAE is lower by at least this share.
CLEARLY_BETTER = 0.03
# Beyond this ratio of validation to training MAE the model knows its training photos much better than others.
LARGE_GAP = 1.25


@dataclass(frozen=True)
class Training:
    """What the training history shows; MAE in years."""

    n_epochs: int
    best_epoch: int
    best_val_mae: float
    last_val_mae: float
    last_mae: float
    # The last epoch was clearly the best one; clearly worse than the best one; or neither.
    trend: Literal["improving", "worsening", "settled"]
    has_large_gap: bool


def judge_training(history: pd.DataFrame) -> Training:
    """Reads a history with a row per epoch and `epoch`, `mae` and `val_mae` in years.

    Raises:
        ValueError: there is no epoch.
    """
    if history.empty:
        raise ValueError("the training history holds no epoch")
    best, last = history.loc[history["val_mae"].idxmin()], history.iloc[-1]
    earlier = history["val_mae"].iloc[:-1].min()
    trend: Literal["improving", "worsening", "settled"]
    if last["val_mae"] < earlier * (1 - CLEARLY_BETTER):
        trend = "improving"
    elif last["val_mae"] * (1 - CLEARLY_BETTER) > best["val_mae"]:
        trend = "worsening"
    else:
        trend = "settled"
    return Training(
        n_epochs=len(history),
        best_epoch=int(best["epoch"]),
        best_val_mae=float(best["val_mae"]),
        last_val_mae=float(last["val_mae"]),
        last_mae=float(last["mae"]),
        trend=trend,
        has_large_gap=bool(last["val_mae"] > LARGE_GAP * last["mae"]),
    )


@dataclass(frozen=True)
class BandErrors:
    """What the errors per band of age show. A band is a row with `age_band`, `n`, `mae` and `bias`."""

    # Lowest and highest MAE among the bands with enough photos; None unless there are two such bands.
    best: dict[str, Any] | None
    worst: dict[str, Any] | None
    # Bands whose mean error is notable, youngest first.
    too_old: list[dict[str, Any]]
    too_young: list[dict[str, Any]]
    # The young are estimated too old and the old too young.
    is_pulled_inwards: bool
    # Bands with photos, but too few for a sentence.
    small: list[dict[str, Any]]


def judge_bands(bands: pd.DataFrame) -> BandErrors:
    """Reads a table of `age_band`, `n`, `mae`, `bias` (years), youngest band first."""
    large = bands[bands["n"] >= MIN_PHOTOS]
    by_error = large.sort_values("mae").to_dict("records")
    too_old, too_young = large[large["bias"] >= NOTABLE_BIAS], large[large["bias"] <= -NOTABLE_BIAS]
    return BandErrors(
        best=by_error[0] if len(by_error) > 1 else None,
        worst=by_error[-1] if len(by_error) > 1 else None,
        too_old=too_old.to_dict("records"),
        too_young=too_young.to_dict("records"),
        is_pulled_inwards=bool(
            len(too_old) and len(too_young) and too_old.index.max() < too_young.index.min()
        ),
        small=bands[(bands["n"] > 0) & (bands["n"] < MIN_PHOTOS)].to_dict("records"),
    )


def render_report(
    figures: Mapping[str, float | int | bool],
    *,
    bands: pd.DataFrame,
    history: pd.DataFrame,
    n_train: int,
    max_mae: float,
    drawn_faces: bool,
) -> str:
    """The analysis as Markdown; its pictures are linked by the names that
    `evaluation_plots.draw_evaluation` gives them.

    Args:
        figures: what `metrics.summarise` returned.
        bands: what `metrics.errors_by_band` returned.
        history: a row per epoch with `epoch`, `mae` and `val_mae`.
        n_train: photos the model learnt from.
        max_mae: the required MAE, in years.
        drawn_faces: whether the photos are the demo's drawings.
    """
    return _render(
        "report.md.j2",
        **figures,
        bands=bands.to_dict("records"),
        by_band=judge_bands(bands),
        training=judge_training(history),
        n_train=n_train,
        max_mae=max_mae,
        drawn_faces=drawn_faces,
    )


def _render(template: str, **values: Any) -> str:
    environment = Environment(
        loader=PackageLoader("shopper_age"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown, not HTML
    )
    environment.globals["min_photos"] = MIN_PHOTOS
    environment.filters |= {
        "years": lambda value: f"{value:.2f}",
        "signed": lambda value: f"{round(value, 1) + 0.0:+.1f}".replace("-", "−"),  # no "−0.0"
        "percent": lambda share: f"{100 * share:.0f} %",
        "count": lambda number: f"{number:,}",
        "number": lambda value: f"{value:g}",
    }
    text = environment.get_template(template).render(**values)
    # Paragraphs that a condition left out leave their blank lines behind.
    return re.sub(r"\n{3,}", "\n\n", text)
