"""Ray Tune as sweeps use it: finds a place for each trial, and may stop those that are worse than others."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pandas as pd

from shopper_age.distributed.cluster import cluster, import_ray
from shopper_age.distributed.trial import Trial, best_val_mae, train_trial
from shopper_age.runtime.messages import shorten

if TYPE_CHECKING:
    from shopper_age.distributed.sweep import Listener

_log = logging.getLogger(__name__)

# How often a trial whose process died starts anew, as on machines that are lent until somebody pays more.
_MAX_FAILURES = 3

# ASHA compares trials after 1, 3, 9, 27, … epochs; the better third goes on.
_REDUCTION_FACTOR = 3

# Tune would catch Ctrl-C to save a state that nobody asks for, write three kinds of logs, and print a box.
_ENVIRONMENT = {
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "RAY_AIR_NEW_OUTPUT": "0",
}

# Variables that decide how a worker computes, for machines that were started without them.
_PASSED_ON = ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL", "XLA_FLAGS")


class RayTrials:
    """An executor of trials on Ray.

    The working folder and the photos must have the same paths on all machines of a cluster.

    Args:
        n_at_a_time: the most trials at a time; None: as many as there is room for.
        n_cpus: cores that Ray keeps for each trial.
        asha: stop trials early whose validation MAE is worse than that of others after as many epochs.
        train: what a trial does.

    Raises:
        RayMissingError: Ray is not installed; the message names the file to install.
    """

    def __init__(
        self,
        *,
        n_at_a_time: int | None = None,
        n_cpus: int = 1,
        asha: bool = False,
        train: Callable[..., None] = train_trial,
    ) -> None:
        import_ray()
        self._n_at_a_time = n_at_a_time
        self._n_cpus = n_cpus
        self._asha = asha
        self._train = train

    def __call__(
        self,
        trials: Sequence[Trial],
        splits: pd.DataFrame,
        folders: Mapping[str, Path],
        listener: "Listener",
    ) -> None:
        """Runs the trials.

        Raises:
            ConnectionError: as `cluster`.
            RuntimeError: Ray failed, rather than trials.
        """
        os.environ |= _ENVIRONMENT
        passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        with (
            cluster((self._n_at_a_time or 1) * self._n_cpus, environment=passed_on),
            TemporaryDirectory(prefix="shopper-age-sweep-", ignore_cleanup_errors=True) as log_folder,
        ):
            from ray import tune

            n_gpus = _gpus_per_trial(trials)
            _tell_if_none_fits(self._n_cpus, n_gpus)
            work = tune.with_parameters(
                _run_trial,
                train=self._train,
                trials={trial.name: trial.found_everywhere() for trial in trials},
                splits=splits,
                folders={name: folder.absolute() for name, folder in folders.items()},
                working_folder=Path.cwd(),
            )
            tuner = tune.Tuner(
                tune.with_resources(work, {"cpu": self._n_cpus, "gpu": n_gpus}),
                param_space={"trial": tune.grid_search([trial.name for trial in trials])},
                tune_config=tune.TuneConfig(
                    metric="val_mae",
                    mode="min",
                    scheduler=self._scheduler(trials),
                    max_concurrent_trials=self._n_at_a_time,
                ),
                run_config=tune.RunConfig(
                    name="sweep",
                    storage_path=log_folder,
                    verbose=0,
                    callbacks=[_callback(trials, listener)],
                    failure_config=tune.FailureConfig(max_failures=_MAX_FAILURES),
                ),
            )
            try:
                tuner.fit()
            except tune.TuneError as error:
                raise RuntimeError(f"Ray Tune failed: {shorten(error, 300)}") from error

    def _scheduler(self, trials: Sequence[Trial]) -> Any:
        if not self._asha:
            return None
        from ray.tune.schedulers import ASHAScheduler

        longest = max(trial.params.epochs for trial in trials)
        # one more than there are: a trial ends by itself
        return ASHAScheduler(
            time_attr="epoch", max_t=longest + 1, grace_period=1, reduction_factor=_REDUCTION_FACTOR
        )


def _run_trial(config: dict[str, Any], *, train: Callable[..., None], **sweep: Any) -> None:
    """Trains a trial and reports each epoch; Tune calls it in a process of its own."""
    from ray import tune

    name = config["trial"]
    last: dict[str, Any] = {"epoch": 0, "val_mae": float("nan"), "history": [], "facts": {}}

    def report(history: list[dict[str, float]], facts: dict[str, str]) -> None:
        last.update(
            {"epoch": len(history), "val_mae": best_val_mae(history), "history": history, "facts": facts}
        )
        tune.report(dict(last))

    reason = ""
    try:
        train(
            sweep["trials"][name].params,
            sweep["splits"],
            working_folder=sweep["working_folder"],
            checkpoint_folder=sweep["folders"][name],
            on_epoch=report,
        )
    except Exception as error:  # whatever it is, it is the same on every machine: Tune need not try again
        reason = str(error) or type(error).__name__
    tune.report({**last, "reason": reason, "has_ended": True})


def _callback(trials: Sequence[Trial], listener: "Listener") -> Any:
    """What Tune calls when something happens to a trial, which it names otherwise."""
    from ray import tune

    n_epochs = {trial.name: trial.params.epochs for trial in trials}

    class Told(tune.Callback):
        def on_trial_start(self, *_: Any, trial: Any, **__: Any) -> None:
            listener.started(trial.config["trial"])

        def on_trial_result(self, *_: Any, trial: Any, result: Any, **__: Any) -> None:
            if "has_ended" not in result:
                listener.epoch(trial.config["trial"], result["history"], result["facts"])

        def on_trial_complete(self, *_: Any, trial: Any, **__: Any) -> None:
            name, last = trial.config["trial"], trial.last_result
            has_ended = "has_ended" in last or last.get("epoch") == n_epochs[name]
            listener.ended(name, reason=last.get("reason", ""), is_stopped=not has_ended)

        def on_trial_error(self, *_: Any, trial: Any, **__: Any) -> None:
            error = str(trial.get_pickled_error() or trial.get_error()).strip()
            last = shorten(error.splitlines()[-1] if error else "", 300)
            reason = f"its process died {_MAX_FAILURES + 1} times, the last time: {last}"
            listener.ended(trial.config["trial"], reason=reason)

    return Told()


def _gpus_per_trial(trials: Sequence[Trial]) -> int:
    """As many as a trial asks for, one with `auto`, none where the cluster has none."""
    import ray

    if not ray.cluster_resources().get("GPU"):
        return 0
    asked = [trial.params.train.devices for trial in trials]
    return max(1 if devices == "auto" else devices for devices in asked)


def _tell_if_none_fits(n_cpus: int, n_gpus: int) -> None:
    """Trials wait for a machine that is large enough, which a cluster may start, or for ever."""
    import ray

    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if not any(has.get("CPU", 0) >= n_cpus and has.get("GPU", 0) >= n_gpus for has in machines):
        _log.warning(
            "no machine of the cluster has %d cores (--cpus) and %d GPUs (train.devices) for a trial: they "
            "wait for one",
            n_cpus,
            n_gpus,
        )
