"""Folds of a split: which photos a training leaves out, for cross-calibration."""

from pathlib import Path

import pandas as pd

from shopper_age.data.tables import FOLD, SPLIT, TEST, TRAIN, VALIDATION


def fold_numbers(splits: pd.DataFrame) -> list[int]:
    """The numbers of the folds, rising; none of a split that has a validation part instead."""
    return sorted(splits[FOLD].dropna().unique().tolist()) if FOLD in splits else []


def leaving_out(splits: pd.DataFrame, fold: int) -> pd.DataFrame:
    """The splits of the training that leaves a fold out: its photos are for validation, all others train.

    Raises:
        ValueError: there is no such fold.
    """
    is_left_out = (splits[FOLD] == fold).fillna(False).astype(bool)
    if not is_left_out.any():
        raise ValueError(f"the split has no fold {fold}; it has {fold_numbers(splits)}")
    parts = splits[SPLIT].where(splits[SPLIT] == TEST, TRAIN).where(~is_left_out, VALIDATION)
    return splits.assign(**{SPLIT: parts}).drop(columns=FOLD)


def fold_path(folder: Path, fold: int) -> Path:
    """Where in a folder the model lies that leaves out a fold."""
    return folder / f"fold-{fold}.keras"
