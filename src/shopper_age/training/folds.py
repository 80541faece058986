"""Trainings for the folds of a split, each of which leaves one fold out.

The model of a fold never saw the fold's photos: its estimates of them stand for those of new photos. So that
they do, no epoch is chosen by the fold either: the last one is kept.

Source: Vovk 2015, "Cross-conformal predictors", Annals of Mathematics and Artificial Intelligence 74.
"""

import gc
import logging
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from shopper_age.data.folds import fold_numbers, fold_path, leaving_out
from shopper_age.data.tables import SPLIT, VALIDATION
from shopper_age.model.archive import save_model
from shopper_age.runtime.files import replacing, write_csv
from shopper_age.runtime.tensorflow_log import hide_retracing_warnings
from shopper_age.tracking import RunLogger
from shopper_age.training.checkpoint import Checkpoint
from shopper_age.training.divergence import DivergedError
from shopper_age.training.history import history_table, run_log
from shopper_age.training.recipe import Recipe, n_learnt_from
from shopper_age.training.resuming import FOLD_PREFIX, run_of
from shopper_age.training.selection import VALIDATION_MAE, Row

_log = logging.getLogger(__name__)

_MODEL = "model.keras"

_VALIDATED = ("val_loss", VALIDATION_MAE)

_COLUMNS = ("fold", "epoch", "loss", "mae", *_VALIDATED)


class FoldTrainings:
    """The trainings for the folds of a split, kept in the checkpoint folder of the whole training.

    Args:
        recipe: how each is trained.
        splits: with folds, or without: then there is nothing to train.
        folder: of the whole training. A fold whose model lies there is not trained again.
    """

    def __init__(self, recipe: Recipe, splits: pd.DataFrame, folder: Path) -> None:
        self._recipe = recipe
        self._splits = splits
        self._folders = {fold: folder / f"{FOLD_PREFIX}{fold}" for fold in fold_numbers(splits)}

    def run(self, parent: RunLogger, *, tags: Mapping[str, str], check: Callable[[], None]) -> None:
        """Trains what is not trained yet, each in a run of its own below the parent.

        Raises:
            DivergedError: the training of a fold diverged; the message names the fold.
        """
        if self._folders:
            hide_retracing_warnings()
        for fold, folder in self._folders.items():
            if not (folder / _MODEL).is_file():
                _log.info("train: fold %d of %d is left out", fold, len(self._folders))
                self._train(fold, folder, parent, tags, check)
            Checkpoint(folder).drop_weights()
        if self._folders:
            _log.info("train: the model itself learns from all folds; like theirs, its last epoch is kept")

    def validated(self, log: Callable[[list[Row]], None]) -> Callable[[list[Row]], None]:
        """A log for the history of the model that learns from all folds, which has no photos to validate it.

        It is told `val_loss` and `val_mae` of the folds' models: of each epoch the mean over all photos, each
        as it was estimated by the model that leaves it out. Without folds the log is as it was.
        """
        if not self._folders:
            return log
        sizes = [int((self._left_out(fold)[SPLIT] == VALIDATION).sum()) for fold in self._folders]
        tables = [pd.DataFrame(Checkpoint(folder).history) for folder in self._folders.values()]
        weighted = [table[list(_VALIDATED)] * size for table, size in zip(tables, sizes, strict=True)]
        errors = (sum(weighted[1:], weighted[0]) / sum(sizes)).to_dict("records")
        return lambda history: log([{**row, **more} for row, more in zip(history, errors, strict=False)])

    def save(self, target: Path) -> None:
        """Writes the models and history.csv into a folder, in which nothing else stays.

        history.csv has a row per fold and epoch, and none but its header where there are no folds.
        """
        wanted = {fold_path(target, fold): folder / _MODEL for fold, folder in self._folders.items()}
        target.mkdir(parents=True, exist_ok=True)
        for stale in set(target.iterdir()) - wanted.keys():
            stale.unlink()
        for path, model in wanted.items():
            with replacing(path) as temporary:
                shutil.copyfile(model, temporary)
        tables = [
            history_table(Checkpoint(folder).history).assign(fold=fold)[list(_COLUMNS)]
            for fold, folder in self._folders.items()
        ]
        write_csv(target / "history.csv", pd.concat(tables) if tables else pd.DataFrame(columns=_COLUMNS))

    def _train(
        self,
        fold: int,
        folder: Path,
        parent: RunLogger,
        tags: Mapping[str, str],
        check: Callable[[], None],
    ) -> None:
        recipe, splits = self._recipe, self._left_out(fold)
        model = recipe.create_model()
        facts = {**tags, "fold": str(fold)}
        with run_of(folder, recipe.params, tags=facts, parent=parent, name=f", fold {fold}") as run:
            log = run_log(run, n_photos=n_learnt_from(splits))
            try:
                recipe.fit(model, splits, checkpoint_folder=folder, on_epoch=log, check=check)
            except DivergedError as error:
                raise DivergedError(f"leaving out fold {fold}: {error}") from error
        save_model(model, folder / _MODEL)
        del model
        gc.collect()  # the network and its optimiser point at one another

    def _left_out(self, fold: int) -> pd.DataFrame:
        return leaving_out(self._splits, fold)
